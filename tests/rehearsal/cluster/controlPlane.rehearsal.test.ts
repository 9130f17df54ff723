/** The behavior of the control plane on which the rehearsal relies, and its removal. */
import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { PatchStrategy } from "@kubernetes/client-node";
import { Client } from "pg";
import { CertManagerTls } from "../../../components/certManagerTls.ts";
import { certificateNames, organizationalUnit, type TlsComponent, tlsSecrets } from "../../../model/tls.ts";
import { createTlsSecrets, newIssuer, startCertManager } from "../../../rehearsal/standins/certManager.ts";
import { startCluster, type Cluster } from "../../../rehearsal/cluster/controlPlane.ts";
import { explain } from "../../../rehearsal/report/explain.ts";
import { RehearsalError } from "../../../rehearsal/engine/fault.ts";
import { markedProcesses } from "../../../rehearsal/engine/janitor.ts";
import { connect, type Api } from "../../../rehearsal/cluster/api.ts";
import { simulatedNodes } from "../../../rehearsal/cluster/nodes.ts";
import { observe, type Observation } from "../../../rehearsal/cluster/observe.ts";
import { startPostgres } from "../../../rehearsal/cluster/postgres.ts";
import { prepareTools } from "../../../rehearsal/tools/tools.ts";
import { waitFor } from "../../../rehearsal/cluster/waiting.ts";
import { openWorkspace, type Workspace } from "../../../rehearsal/engine/workspace.ts";
import { certificateKind, checkKind } from "../../../resources/kubernetes/requiredKind.ts";
import { checkTlsSecrets } from "../../../resources/kubernetes/tlsSecrets.ts";
import { register } from "../../support/mocks.ts";
import { asMergePatch } from "../failing.ts";

const limit = 30_000;

describe("startCluster", () => {
  let workspace: Workspace;
  let cluster: Cluster;
  let api: Api;

  before(async () => {
    workspace = await openWorkspace();
    const { tools } = await prepareTools({ log: console.log, signal: workspace.signal });
    cluster = await startCluster({ tools, workspace });
    api = await connect(cluster.kubeconfig);
  });

  after(() => workspace.close());

  async function until(what: string, holds: (seen: Observation) => boolean): Promise<Observation> {
    return waitFor(
      async () => {
        const seen = await observe(api, "default");
        return holds(seen) ? seen : undefined;
      },
      { what, limit },
    );
  }

  const container = { name: "main", image: "registry.example.com/none:1" };
  const workload = (app: string, replicas: number) => ({
    replicas,
    selector: { matchLabels: { app } },
    template: { metadata: { labels: { app, component: app } }, spec: { containers: [container] } },
  });

  test("registers ready nodes with their own labels only, without those of the stack", async () => {
    const nodes = ["node1", "node2"].map((name) => ({ name, hostname: `host-of-${name}` }));
    await cluster.addNodes(simulatedNodes({ nodes, otherNodes: { count: 1 } }));
    const seen = await observe(api, "default");
    assert.deepEqual(
      seen.nodes.map(({ name, labels, taints }) => [name, labels["kubernetes.io/hostname"], taints]),
      [
        ["node1", "host-of-node1", []],
        ["node2", "host-of-node2", []],
        ["other-1", "other-1", []],
      ],
    );
  });

  test("runs pods of StatefulSets and Deployments, and completes Jobs", async () => {
    const made = (apiVersion: string, kind: string, name: string, spec: object) =>
      api.objects.create({
        apiVersion,
        kind,
        metadata: { name, namespace: "default", labels: { component: name } },
        spec,
      } as {
        apiVersion: string;
        kind: string;
      });
    await made("apps/v1", "StatefulSet", "zookeeper", { ...workload("zookeeper", 2), serviceName: "zookeeper" });
    await made("apps/v1", "Deployment", "manager", workload("manager", 1));
    await made("batch/v1", "Job", "zookeeper-init", {
      template: { spec: { restartPolicy: "Never", containers: [container] } },
    });

    const seen = await until(
      "the pods' running",
      ({ pods, jobs }) => pods.filter(({ state }) => state === "ready").length === 3 && jobs[0]?.state === "complete",
    );
    assert.deepEqual(seen.pods.map(({ title, component, state }) => [title, component, state]).sort(), [
      ["manager", "manager", "ready"],
      ["zookeeper-0", "zookeeper", "ready"],
      ["zookeeper-1", "zookeeper", "ready"],
      ["zookeeper-init", "zookeeper-init", "done"],
    ]);
    assert.deepEqual(
      seen.workloads.map(({ kind, name, wanted, ready }) => [kind, name, wanted, ready]),
      [
        ["Deployment", "manager", 1, 1],
        ["StatefulSet", "zookeeper", 2, 2],
      ],
    );
  });

  test("reports why a pod cannot be scheduled", async () => {
    const metadata = { name: "choosy", namespace: "default" };
    const spec = { containers: [container], nodeSelector: { disk: "none" } };
    await api.objects.create({ apiVersion: "v1", kind: "Pod", metadata, spec } as { apiVersion: string; kind: string });
    const seen = await until("the scheduler's verdict", ({ pods }) =>
      pods.some(({ name, unscheduled }) => name === "choosy" && unscheduled !== undefined),
    );
    assert.match(
      seen.pods.find(({ name }) => name === "choosy")?.unscheduled ?? "",
      /^0\/3 nodes are available: 3 node\(s\) didn't match Pod's node affinity\/selector\./,
    );
  });

  test("explains how much is missing on each node for a pod, and which nodes are unavailable", async () => {
    const node = (name: string, spec: object) =>
      api.objects.patch(
        { apiVersion: "v1", kind: "Node", metadata: { name }, spec } as { apiVersion: string; kind: string },
        undefined,
        undefined,
        undefined,
        undefined,
        PatchStrategy.MergePatch,
      );
    const outOfService = { key: "node.kubernetes.io/out-of-service", value: "nodeshutdown", effect: "NoExecute" };
    await node("node1", { taints: [outOfService] });
    await node("node2", { unschedulable: true });
    // The scheduler takes the cordon from the node, `explain` from the taint that a controller adds.
    await until("the taint of a cordoned node", ({ nodes }) =>
      nodes.some(({ taints }) => taints.some(({ key }) => key === "node.kubernetes.io/unschedulable")),
    );

    const metadata = { name: "greedy", namespace: "default" };
    const spec = { containers: [{ ...container, resources: { requests: { cpu: "17.5", memory: "64.5Gi" } } }] };
    await api.objects.create({ apiVersion: "v1", kind: "Pod", metadata, spec } as { apiVersion: string; kind: string });
    const seen = await until("the scheduler's verdict", ({ pods }) =>
      pods.some(({ name, unscheduled }) => name === "greedy" && unscheduled !== undefined),
    );
    const greedy = seen.pods.find(({ name }) => name === "greedy");
    assert.deepEqual(greedy && explain(greedy, seen).sort(), [
      "node node1 is lost",
      "node node2 is cordoned",
      "other-1 is short of 1.5 CPU (requested 17.5, free 16 of 16)",
      "other-1 is short of 512Mi memory (requested 64.5Gi, free 64Gi of 64Gi)",
    ]);
  });

  describe("the certificates that a stack expects of others", () => {
    const hosts = ["pulsar.example.com"];
    const installation = { release: "pulsar", namespace: "default", clusterDomain: "cluster.local" };
    const check = (namespace: string) =>
      checkTlsSecrets({ cluster, installation: { ...installation, namespace }, hosts, generation: 1 });

    test("cert-manager's: the kind is required, and the Secrets of all Certificates can be used", async (t) => {
      await assert.rejects(
        checkKind(cluster, certificateKind),
        /^Error: context "rehearsal" does not have the kind Certi/,
      );
      const certManager = await startCertManager(api);
      t.after(() => {
        certManager.close();
      });
      await checkKind(cluster, certificateKind);
      const issuer = { issuer: "internal", kind: "Issuer" as const };
      const args = { namespace: "default", installation, hosts, certManager: issuer, generation: 1, cluster };
      const registered = await register(() => new CertManagerTls("tls", args));
      for (const { inputs } of registered.filter(({ custom }) => custom)) await api.objects.create(inputs);
      const usable = () =>
        check("default").then(
          () => true,
          () => undefined,
        );
      await waitFor(usable, { what: "the Secrets of the Certificates", limit });
    });

    test("existing Secrets: those that fit are accepted, and each fault of others is a line", async () => {
      const namespace = "kube-public";
      const names = tlsSecrets(installation.release).components;
      await createTlsSecrets(api, { ...installation, namespace }, hosts);
      await check(namespace);

      type Data = Record<string, string>;
      const dataOf = async (component: TlsComponent): Promise<Data> =>
        (await api.core.readNamespacedSecret({ name: names[component], namespace })).data ?? {};
      const replace = (component: TlsComponent, data: Record<string, string | null>) =>
        api.core.patchNamespacedSecret({ name: names[component], namespace, body: { data } }, asMergePatch);
      const bookie = await dataOf("bookie");
      await replace("proxy", bookie);
      await replace("zookeeper", { "tls.key": bookie["tls.key"] ?? "" });
      await replace("recovery", { "tls-combined.pem": null });
      const subject = { commonName: "pulsar", organizationalUnit };
      const expired = await (
        await newIssuer(-1)
      )({ subject, dnsNames: certificateNames(installation, "broker", hosts) });
      const encoded = Object.entries(expired).map(([key, value]) => [key, Buffer.from(value).toString("base64")]);
      await replace("broker", Object.fromEntries(encoded) as Data);
      const fault = await check(namespace).then(
        () => "",
        (error: unknown) => (error as Error).message,
      );
      const starts = [
        "zookeeper: tls.key is not the key of the certificate in tls.crt; ",
        "zookeeper: tls-combined.pem does not consist of tls.key and tls.crt; ",
        "recovery: tls-combined.pem is missing; ",
        "broker: the certificate has ended on ",
        "broker: the certificate comes from no valid CA in ca.crt ",
        "broker: the certificate is not for ",
        "proxy: the certificate is not for ",
      ];
      const lines = fault.split("\n").slice(1, -1);
      assert.equal(lines.length, starts.length, fault);
      for (const [i, start] of starts.entries())
        assert.ok(lines[i]?.startsWith(`  - Secret pulsar-tls-${start}`), lines[i]);
    });
  });

  test("ends every process on stop", async () => {
    assert.equal(markedProcesses(workspace.dir).length, 5);
    await cluster.stop();
    await waitFor(async () => markedProcesses(workspace.dir).length === 0 || undefined, { what: "the end", limit });
  });
});

test("reports a program of the control plane that ended", { timeout: 60_000 }, async () => {
  const workspace = await openWorkspace();
  try {
    const { tools } = await prepareTools({ log: console.log, signal: workspace.signal });
    const apiServer = join(await workspace.folder("broken"), "kube-apiserver");
    // kwokctl runs the program with --version before it starts it.
    const script = [
      "#!/bin/sh",
      `case "$*" in *version*) exec "${tools["kube-apiserver"]}" "$@" ;; esac`,
      "echo starting",
      "echo no memory left >&2",
      "exit 1",
    ];
    await writeFile(apiServer, `${script.join("\n")}\n`, { mode: 0o755 });
    await assert.rejects(
      startCluster({ tools: { ...tools, "kube-apiserver": apiServer }, workspace }),
      new RehearsalError("the control plane does not start: kube-apiserver has ended: no memory left"),
    );
  } finally {
    await workspace.close();
  }
});

describe("a workspace with a running rehearsal", () => {
  test("is removed completely on close", async () => {
    const workspace = await openWorkspace();
    try {
      const { tools } = await prepareTools({ log: console.log, signal: workspace.signal });
      const [cluster, postgres] = await Promise.all([startCluster({ tools, workspace }), startPostgres({ workspace })]);
      assert.ok(existsSync(cluster.kubeconfig));
      const { host, port, user, password } = postgres;
      const login = new Client({ host, port, user, password, database: "postgres" });
      await login.connect();
      await login.end();
      await assert.rejects(new Client({ host, port, user, password: "wrong", database: "postgres" }).connect());
      assert.ok(markedProcesses(workspace.dir).length >= 6);
    } finally {
      await workspace.close();
    }
    assert.deepEqual(markedProcesses(workspace.dir), []);
    assert.equal(existsSync(workspace.dir), false);
  });
});
