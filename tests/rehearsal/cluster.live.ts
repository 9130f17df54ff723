/** The control plane of a rehearsal: what the rehearsal relies on, and that it goes without a trace. */
import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { after, before, describe, test } from "node:test";
import { Client } from "pg";
import { startCluster, type Cluster } from "../../rehearsal/cluster.ts";
import { markedProcesses } from "../../rehearsal/janitor.ts";
import { connect, type Api } from "../../rehearsal/kubernetes.ts";
import { simulatedNodes } from "../../rehearsal/nodes.ts";
import { observe, type Observation } from "../../rehearsal/observe.ts";
import { startPostgres } from "../../rehearsal/postgres.ts";
import { prepareTools } from "../../rehearsal/tools/tools.ts";
import { waitFor } from "../../rehearsal/waiting.ts";
import { openWorkspace, type Workspace } from "../../rehearsal/workspace.ts";

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

  test("nodes are ready, and carry what they were given and nothing of the stack's", async () => {
    const nodes = ["node1", "node2"].map((name) => ({ name, hostname: `host-of-${name}` }));
    await cluster.addNodes(simulatedNodes({ nodes, clusterHasOtherNodes: true }));
    const seen = await observe(api, "default");
    assert.deepEqual(
      seen.nodes.map(({ name, labels, taints }) => [name, labels["kubernetes.io/hostname"], taints]),
      [
        ["node1", "host-of-node1", []],
        ["node2", "host-of-node2", []],
        ["other", "other", []],
      ],
    );
  });

  test("pods of StatefulSets and Deployments run, Jobs complete", async () => {
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

  test("a pod that no node takes says why", async () => {
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

  test("stop ends every process", async () => {
    assert.equal(markedProcesses(workspace.dir).length, 5);
    await cluster.stop();
    await waitFor(async () => markedProcesses(workspace.dir).length === 0 || undefined, { what: "the end", limit });
  });
});

describe("a workspace with everything in it", () => {
  test("is closed without a trace while all is running", async () => {
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
