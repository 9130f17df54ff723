/** A deployed stack on the real API server: every kind of tampering is found and named, and an untouched stack is clean. */
import assert from "node:assert/strict";
import { once } from "node:events";
import { readFile, writeFile } from "node:fs/promises";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import { request as httpsRequest, type RequestOptions } from "node:https";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { json } from "node:stream/consumers";
import { test } from "node:test";
import { KubeConfig } from "@kubernetes/client-node";
import { parse, stringify } from "yaml";
import { waitUntilReady } from "../../../rehearsal/rehearse.ts";
import type { Stage } from "../../../rehearsal/stage.ts";
import { type Drift, findDrift } from "../../../review/drift/drift.ts";
import { asMarkdown, asText } from "../../../review/drift/show.ts";
import { asker } from "../../support/adminRequests.ts";
import { assertOk, query, withRehearsal } from "../../rehearsal/support.ts";
import { asOverrides } from "../../rehearsal/tenantsConfig.ts";

const shop = {
  name: "shop",
  adminRoles: ["shop-admin"],
  namespaces: [
    {
      name: "orders",
      messageTtlSeconds: 3600,
      permissions: [{ role: "shop-app", actions: ["produce", "consume"] }],
      topics: [{ name: "created", partitions: 3 }, { name: "log" }],
    },
  ],
};

/** Requests to an API server: by hand, under the field manager of a person. */
type Ask = (method: string, path: string, body?: unknown, type?: string) => Promise<unknown>;

const merge = "application/merge-patch+json";
const strategic = "application/strategic-merge-patch+json";
const jsonPatch = "application/json-patch+json";
const core = "/api/v1/namespaces/pulsar";
const apps = "/apis/apps/v1/namespaces/pulsar/statefulsets";
const networks = "/apis/networking.k8s.io/v1/namespaces/pulsar";
const budgets = "/apis/policy/v1/namespaces/pulsar/poddisruptionbudgets";
const remove = (path: string) => [{ op: "remove", path }];

/** Patches a field of the pods of a StatefulSet. */
const pods = (name: string, spec: object) => (ask: Ask) =>
  ask("PATCH", `${apps}/${name}`, { spec: { template: { spec } } }, strategic);
const container = (name: string, fields: object) => pods(name, { containers: [{ name, ...fields }] });

/** What somebody does, and the differences it leaves, each as `object field`. */
const tampering: Record<string, { does: (ask: Ask) => Promise<unknown>; found: string[] }> = {
  "replicas, by kubectl scale": {
    does: (ask) => ask("PATCH", `${apps}/pulsar-bookie/scale`, { spec: { replicas: 3 } }, merge),
    found: ["StatefulSet pulsar/pulsar-bookie spec.replicas"],
  },
  "an image": {
    does: container("pulsar-broker", { image: "example.com/other:latest" }),
    found: ["StatefulSet pulsar/pulsar-broker spec.template.spec.containers[pulsar-broker].image"],
  },
  "a memory request": {
    does: container("pulsar-broker", { resources: { requests: { memory: "1Mi" } } }),
    found: ["StatefulSet pulsar/pulsar-broker spec.template.spec.containers[pulsar-broker].resources.requests.memory"],
  },
  "a variable with a secret": {
    does: container("pulsar-broker", { env: [{ name: "ADMIN_PASSWORD", value: "let-me-in" }] }),
    found: ["StatefulSet pulsar/pulsar-broker spec.template.spec.containers[pulsar-broker].env[ADMIN_PASSWORD]"],
  },
  "a sidecar": {
    does: (ask) => pods("pulsar-toolset", { containers: [{ name: "extra", image: "busybox" }] })(ask),
    found: ["StatefulSet pulsar/pulsar-toolset spec.template.spec.containers[extra]"],
  },
  "a restart by kubectl": {
    does: (ask) =>
      ask(
        "PATCH",
        `${apps}/pulsar-proxy`,
        { spec: { template: { metadata: { annotations: { "kubectl.kubernetes.io/restartedAt": "now" } } } } },
        strategic,
      ),
    found: ['StatefulSet pulsar/pulsar-proxy spec.template.metadata.annotations["kubectl.kubernetes.io/restartedAt"]'],
  },
  "a node selector": {
    does: pods("pulsar-zookeeper", { nodeSelector: { other: "nodes" } }),
    found: ["StatefulSet pulsar/pulsar-zookeeper spec.template.spec.nodeSelector"],
  },
  tolerations: {
    does: (ask) => ask("PATCH", `${apps}/pulsar-bookie`, remove("/spec/template/spec/tolerations"), jsonPatch),
    found: ["StatefulSet pulsar/pulsar-bookie spec.template.spec.tolerations"],
  },
  "an update strategy": {
    does: (ask) => ask("PATCH", `${apps}/pulsar-zookeeper`, { spec: { updateStrategy: { type: "OnDelete" } } }, merge),
    found: ["StatefulSet pulsar/pulsar-zookeeper spec.updateStrategy.type"],
  },
  "a probe": {
    does: container("pulsar-proxy", { readinessProbe: { failureThreshold: 99 } }),
    found: [
      "StatefulSet pulsar/pulsar-proxy spec.template.spec.containers[pulsar-proxy].readinessProbe.failureThreshold",
    ],
  },
  "the network of the node": {
    does: pods("pulsar-proxy", { hostNetwork: true }),
    found: ["StatefulSet pulsar/pulsar-proxy spec.template.spec.hostNetwork"],
  },
  "a grace period": {
    does: pods("pulsar-bookie", { terminationGracePeriodSeconds: 1 }),
    found: ["StatefulSet pulsar/pulsar-bookie spec.template.spec.terminationGracePeriodSeconds"],
  },
  "a StatefulSet made again with another immutable field": {
    async does(ask) {
      const { metadata, spec } = (await ask("GET", `${apps}/pulsar-recovery`)) as Record<"metadata" | "spec", object>;
      const { labels, annotations } = metadata as Record<string, unknown>;
      await ask("DELETE", `${apps}/pulsar-recovery`, { propagationPolicy: "Orphan" });
      await gone(ask, `${apps}/pulsar-recovery`);
      await ask("POST", apps, {
        metadata: { name: "pulsar-recovery", labels, annotations },
        spec: { ...spec, serviceName: "other" },
      });
    },
    found: ["StatefulSet pulsar/pulsar-recovery ", "StatefulSet pulsar/pulsar-recovery spec.serviceName"],
  },
  "a value of a ConfigMap": {
    does: (ask) => ask("PATCH", `${core}/configmaps/pulsar-broker`, { data: { clusterName: "other" } }, merge),
    found: ["ConfigMap pulsar/pulsar-broker data.clusterName"],
  },
  "a key more in a ConfigMap": {
    does: (ask) => ask("PATCH", `${core}/configmaps/pulsar-bookie`, { data: { extra: "1" } }, merge),
    found: ["ConfigMap pulsar/pulsar-bookie data.extra"],
  },
  "a key less in a ConfigMap": {
    does: (ask) => ask("PATCH", `${core}/configmaps/pulsar-zookeeper`, { data: { dataDir: null } }, merge),
    found: ["ConfigMap pulsar/pulsar-zookeeper data.dataDir"],
  },
  "a Service's type": {
    does: (ask) => ask("PATCH", `${core}/services/pulsar-proxy`, { spec: { type: "NodePort" } }, merge),
    // With the type, the server sets ports and policy.
    found: ["type", "externalTrafficPolicy", "ports[443/TCP].nodePort", "ports[6651/TCP].nodePort"].map(
      (field) => `Service pulsar/pulsar-proxy spec.${field}`,
    ),
  },
  "a Service's selector": {
    does: (ask) =>
      ask("PATCH", `${core}/services/pulsar-broker`, { spec: { selector: { component: "proxy" } } }, merge),
    found: ["Service pulsar/pulsar-broker spec.selector"],
  },
  "Helm's mark on an object": {
    does: (ask) =>
      ask(
        "PATCH",
        `${core}/services/pulsar-bookie`,
        remove("/metadata/labels/app.kubernetes.io~1managed-by"),
        jsonPatch,
      ),
    found: ['Service pulsar/pulsar-bookie metadata.labels["app.kubernetes.io/managed-by"]'],
  },
  "a disruption budget": {
    does: (ask) => ask("PATCH", `${budgets}/pulsar-bookie`, { spec: { maxUnavailable: 3 } }, merge),
    found: ["PodDisruptionBudget pulsar/pulsar-bookie spec.maxUnavailable"],
  },
  "a disruption budget that is gone": {
    does: (ask) => ask("DELETE", `${budgets}/pulsar-zookeeper`),
    found: ["PodDisruptionBudget pulsar/pulsar-zookeeper "],
  },
  "a service account made again": {
    async does(ask) {
      await ask("DELETE", `${core}/serviceaccounts/pulsar-zookeeper`);
      await ask("POST", `${core}/serviceaccounts`, { metadata: { name: "pulsar-zookeeper" } });
    },
    found: [
      "ServiceAccount pulsar/pulsar-zookeeper ",
      "ServiceAccount pulsar/pulsar-zookeeper metadata.annotations",
      "ServiceAccount pulsar/pulsar-zookeeper metadata.labels",
    ],
  },
  "a token": {
    does: (ask) =>
      ask("PATCH", `${core}/secrets/pulsar-token-proxy-admin`, { stringData: { TOKEN: "forged-token" } }, merge),
    found: ["Secret pulsar/pulsar-token-proxy-admin data.TOKEN"],
  },
  "a key more in a Secret": {
    does: (ask) =>
      ask("PATCH", `${core}/secrets/pulsar-token-broker-admin`, { stringData: { MORE: "smuggled-value" } }, merge),
    found: ["Secret pulsar/pulsar-token-broker-admin data.MORE"],
  },
  "a key less in a Secret": {
    does: (ask) => ask("PATCH", `${core}/secrets/pulsar-token-broker-admin`, { data: { TYPE: null } }, merge),
    found: ["Secret pulsar/pulsar-token-broker-admin data.TYPE"],
  },
  "a volume's reclaim policy": {
    does: (ask) =>
      ask(
        "PATCH",
        "/api/v1/persistentvolumes/pulsar-bookie-ledgers-pulsar-bookie-0",
        { spec: { persistentVolumeReclaimPolicy: "Delete" } },
        merge,
      ),
    found: ["PersistentVolume pulsar-bookie-ledgers-pulsar-bookie-0 spec.persistentVolumeReclaimPolicy"],
  },
  "a claim's labels": {
    does: (ask) =>
      ask(
        "PATCH",
        `${core}/persistentvolumeclaims/pulsar-bookie-ledgers-pulsar-bookie-0`,
        { metadata: { labels: { backup: "no" } } },
        merge,
      ),
    found: ["PersistentVolumeClaim pulsar/pulsar-bookie-ledgers-pulsar-bookie-0 metadata.labels.backup"],
  },
  "the owner of an object": {
    does: (ask) =>
      ask(
        "PATCH",
        `${core}/persistentvolumeclaims/pulsar-bookie-journal-pulsar-bookie-0`,
        { metadata: { annotations: { "pulsar-stack/owner": "somebody/else/prod" } } },
        merge,
      ),
    found: [
      'PersistentVolumeClaim pulsar/pulsar-bookie-journal-pulsar-bookie-0 metadata.annotations["pulsar-stack/owner"]',
    ],
  },
  "the default storage class": {
    does: (ask) =>
      ask(
        "PATCH",
        "/apis/storage.k8s.io/v1/storageclasses/local-storage",
        { metadata: { annotations: { "storageclass.kubernetes.io/is-default-class": "true" } } },
        merge,
      ),
    found: ['StorageClass local-storage metadata.annotations["storageclass.kubernetes.io/is-default-class"]'],
  },
  "an open network policy": {
    does: (ask) => ask("PATCH", `${networks}/networkpolicies/pulsar-broker`, { spec: { ingress: [{}] } }, merge),
    found: ["NetworkPolicy pulsar/pulsar-broker spec.ingress"],
  },
  "a network policy that is gone": {
    does: (ask) => ask("DELETE", `${networks}/networkpolicies/pulsar-bookie`),
    found: ["NetworkPolicy pulsar/pulsar-bookie "],
  },
  "an Ingress": {
    does: (ask) => ask("PATCH", `${networks}/ingresses/pulsar-admin`, { spec: { tls: null } }, merge),
    found: ["Ingress pulsar/pulsar-admin spec.tls"],
  },
  "a Job that is gone": {
    does: async (ask) => {
      const path = "/apis/batch/v1/namespaces/pulsar/jobs";
      const { items } = (await ask("GET", path)) as { items: { metadata: { name: string } }[] };
      const name = items.map(({ metadata }) => metadata.name).find((job) => job.includes("smoke-test")) ?? "";
      await ask("DELETE", `${path}/${name}`, { propagationPolicy: "Background" });
    },
    found: ["Job pulsar/pulsar-smoke-test "],
  },
  "the namespace's security level": {
    does: (ask) =>
      ask(
        "PATCH",
        "/api/v1/namespaces/pulsar",
        { metadata: { labels: { "pod-security.kubernetes.io/enforce": "privileged" } } },
        merge,
      ),
    found: ['Namespace pulsar metadata.labels["pod-security.kubernetes.io/enforce"]'],
  },
  "a node's label": {
    does: (ask) =>
      ask("PATCH", "/api/v1/nodes/bk-1", { metadata: { labels: { "node-role.kubernetes.io/pulsar": null } } }, merge),
    found: ['Node bk-1 metadata.labels["node-role.kubernetes.io/pulsar"]'],
  },
  "a node's taints": {
    does: (ask) => ask("PATCH", "/api/v1/nodes/bk-2", { spec: { taints: null } }, merge),
    found: ["Node bk-2 spec.taints[dedicated]"],
  },
  "a cordoned node": {
    does: (ask) => ask("PATCH", "/api/v1/nodes/sv-1", { spec: { unschedulable: true } }, merge),
    found: ["Node sv-1 spec.unschedulable"],
  },
  "a node that is gone": {
    does: (ask) => ask("DELETE", "/api/v1/nodes/bk-3"),
    found: ["Node bk-3 "],
  },
};

/** The same in PostgreSQL and in Pulsar. */
const elsewhere = [
  "tables of Pulsar Manager in database pulsar_manager environments",
  "tables of Pulsar Manager in database pulsar_manager columns",
  "tenant shop adminRoles",
  "namespace shop/orders messageTtlSeconds",
  "permission of role shop-app on namespace shop/orders ",
  "topic persistent://shop/orders/log ",
  "Helm release pulsar/pulsar revision",
];

test("the drift of a deployed stack", async (t) => {
  const config = { plain: { ...asOverrides([shop]), "pulsar:chart.version": "4.7.0" } };
  await withRehearsal({ stack: "prod", config }, async (stage) => {
    assertOk(await stage.stack.up());
    await waitUntilReady(stage);
    const counted = await countingProxy(stage);
    t.after(() => {
      counted.close();
    });
    const state = await stage.stack.exportState();
    const drift = async () => findDrift("prod", state, { kubeconfig: counted.kubeconfig });

    await t.test("is none if nobody has changed anything", async () => {
      const report = await drift();
      assert.deepEqual([report.drift, report.notCompared], [[], []]);
      assert.ok(report.compared > 100, String(report.compared));
      assert.equal(
        asText(report),
        `prod: nothing differs from what was installed (${String(report.compared)} objects compared)`,
      );
    });

    const ask = await person(stage);
    for (const [what, { does }] of Object.entries(tampering)) {
      await t.test(`tampering: ${what}`, async () => {
        await does(ask);
      });
    }
    await t.test("tampering in PostgreSQL, Pulsar and Helm", () => tamperElsewhere(stage, ask));
    counted.requests.clear();
    const report = await drift();
    const shown = asText(report);
    const found = (entry: Drift) => `${entry.object.replace(/-[0-9a-f]{8}$/, "")} ${entry.field}`;

    await t.test("is found and named for each kind of tampering, and nothing else", () => {
      const expected = [...Object.values(tampering).flatMap((one) => one.found), ...elsewhere];
      assert.ok(Object.keys(tampering).length + elsewhere.length >= 25);
      assert.deepEqual(report.drift.map(found).sort(), expected.toSorted(), shown);
      assert.deepEqual(report.notCompared, []);
    });

    await t.test("says both values, who changed it and when, and what it endangers", () => {
      const entry = (object: string, field: string) =>
        report.drift.find((one) => one.object === object && one.field === field);
      const { by, ...replicas } = entry("StatefulSet pulsar/pulsar-bookie", "spec.replicas") ?? {};
      assert.deepEqual(replicas, {
        object: "StatefulSet pulsar/pulsar-bookie",
        field: "spec.replicas",
        installed: "4",
        live: "3",
        endangers: "quorum and capacity",
      });
      assert.deepEqual([by?.manager, by?.operation], ["somebody", "Update of scale"]);
      // The API server (1.37) does not record when the scale was changed.
      const image = entry("StatefulSet pulsar/pulsar-broker", "spec.template.spec.containers[pulsar-broker].image");
      assert.ok(Math.abs(Date.parse(image?.by?.time ?? "") - Date.now()) < 600_000);
      for (const { object, field, endangers } of report.drift)
        assert.notEqual(endangers, "what depends on it", object + field);
    });

    await t.test("shows no secret", async () => {
      const { items } = (await ask("GET", `${core}/secrets`)) as {
        items: { type: string; data: Record<string, string> }[];
      };
      const values = items
        .filter(({ type }) => type === "Opaque")
        .flatMap(({ data }) => Object.values(data))
        .flatMap((value) => [value, Buffer.from(value, "base64").toString()])
        .filter((value) => value.length >= 16);
      for (const output of [shown, asMarkdown(report), JSON.stringify(report)]) {
        for (const secret of [...values, "let-me-in", "smuggled-value"]) assert.ok(!output.includes(secret), secret);
      }
    });

    await t.test("is looked for without a request that changes anything", () => {
      const kinds = [...counted.requests.keys()].sort();
      assert.deepEqual(kinds, ["GET", "PATCH dryRun=All"]);
      assert.ok((counted.requests.get("PATCH dryRun=All") ?? 0) > 50);
    });
  });
});

async function tamperElsewhere(stage: Stage, ask: Ask): Promise<void> {
  const { api, adminApi } = stage;
  const { data: logins } = await api.core.readNamespacedSecret({
    name: "pulsar-manager-database",
    namespace: "pulsar",
  });
  const [user = "", password = ""] = ["DB_USERNAME", "DB_PASSWORD"].map((key) =>
    Buffer.from(logins?.[key] ?? "", "base64").toString(),
  );
  const login = { user, password, database: "pulsar_manager" };
  await query(stage, login, "DROP TABLE environments; ALTER TABLE users DROP COLUMN email");
  const { data } = await api.core.readNamespacedSecret({ name: "pulsar-token-admin", namespace: "pulsar" });
  const admin = asker(
    `http://127.0.0.1:${String(adminApi?.port)}`,
    Buffer.from(data?.["TOKEN"] ?? "", "base64").toString(),
  );
  await admin("POST", "/tenants/shop", { adminRoles: ["intruder"], allowedClusters: ["pulsar"] });
  await admin("POST", "/namespaces/shop/orders/messageTTL", 1);
  await admin("DELETE", "/namespaces/shop/orders/permissions/shop-app");
  await admin("DELETE", "/persistent/shop/orders/log?force=true");
  // A release that somebody has upgraded to the same manifest.
  const name = "sh.helm.release.v1.pulsar.v";
  const {
    type,
    data: record,
    metadata,
  } = await api.core.readNamespacedSecret({ name: `${name}1`, namespace: "pulsar" });
  const labels = { ...metadata?.labels, version: "2" };
  await ask("POST", `${core}/secrets`, { type, data: record, metadata: { name: `${name}2`, labels } });
}

/** Requests of somebody with the rights of an administrator. */
async function person(stage: Stage): Promise<Ask> {
  const config = new KubeConfig();
  config.loadFromFile(stage.cluster.kubeconfig);
  const access: RequestOptions = {};
  await config.applyToHTTPSOptions(access);
  const server = config.getCurrentCluster()?.server ?? "";
  return async (method, path, body, type = "application/json") => {
    const url = new URL(`${server}${path}`);
    if (method === "PATCH" || method === "POST") url.searchParams.set("fieldManager", "somebody");
    const sent = httpsRequest(url, { ...access, method, headers: { "content-type": type } });
    sent.end(body === undefined ? undefined : JSON.stringify(body));
    const [response] = (await once(sent, "response")) as [IncomingMessage];
    const answer = await json(response);
    assert.ok((response.statusCode ?? 500) < 300, `${method} ${path}: ${JSON.stringify(answer)}`);
    return answer;
  };
}

async function gone(ask: Ask, path: string): Promise<void> {
  while (
    await ask("GET", path).then(
      () => true,
      () => false,
    )
  )
    await new Promise((resolve) => setTimeout(resolve, 50));
}

/** Passes requests on to the API server, and counts them by method and dry run. */
async function countingProxy({ cluster, workspace }: Stage) {
  const config = new KubeConfig();
  config.loadFromFile(cluster.kubeconfig);
  const access: RequestOptions = {};
  await config.applyToHTTPSOptions(access);
  const server = config.getCurrentCluster()?.server ?? "";
  const requests = new Map<string, number>();
  const proxy = createServer((incoming: IncomingMessage, outgoing: ServerResponse) => {
    const url = new URL(`${server}${incoming.url ?? ""}`);
    const dryRun = url.searchParams.get("dryRun");
    const kind = `${incoming.method ?? ""}${dryRun === null ? "" : ` dryRun=${dryRun}`}`;
    requests.set(kind, (requests.get(kind) ?? 0) + 1);
    const headers = { ...incoming.headers, host: url.host };
    const passed = httpsRequest(url, { ...access, method: incoming.method, headers }, (response) => {
      outgoing.writeHead(response.statusCode ?? 500, response.headers);
      response.pipe(outgoing);
    });
    passed.on("error", () => outgoing.destroy());
    incoming.pipe(passed);
  });
  proxy.listen(0, "127.0.0.1");
  await once(proxy, "listening");
  const { clusters, ...rest } = parse(await readFile(cluster.kubeconfig, "utf8")) as {
    clusters: { name: string; cluster: object }[];
  };
  const address = `http://127.0.0.1:${String((proxy.address() as AddressInfo).port)}`;
  const kubeconfig = join(workspace.dir, "counted-kubeconfig");
  await writeFile(
    kubeconfig,
    stringify({
      ...rest,
      clusters: clusters.map((one) => ({ ...one, cluster: { server: address, "insecure-skip-tls-verify": true } })),
    }),
  );
  return {
    kubeconfig,
    requests,
    close() {
      proxy.close();
      proxy.closeAllConnections();
    },
  };
}
