/** Facts about chart 2.7.7 that chart 4.7.0 does not share. The rest is in charts.rehearsal.test.ts. */
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { decoded, environment, podSpec, Rendered, standIns } from "./chartRender.ts";

const { render, template } = standIns["2.7.7"];
const plain = { monitoring: { prometheus: false, grafana: false } };

test("`clusterName` names the cluster", async () => {
  const rendered = await render({ clusterName: "main" });
  assert.equal(rendered.one("StatefulSet", "pulsar-broker").metadata?.labels?.["cluster"], "main");
  assert.equal(rendered.data("pulsar-broker")["clusterName"], "main");
});

test("StatefulSets have the Service of their name, and rolling updates", async () => {
  for (const { metadata, spec } of (await render()).all("StatefulSet")) {
    assert.equal(spec?.serviceName, metadata?.name);
    assert.deepEqual(spec?.updateStrategy, { type: "RollingUpdate" });
  }
});

test("init containers request nothing", async () => {
  const waiting = (await render()).workloads.flatMap((workload) => podSpec(workload).initContainers ?? []);
  assert.deepEqual(new Set(waiting.map(({ resources }) => resources)), new Set([undefined]));
});

test("quirk: the order of superUserRoles is random", async () => {
  const auth = { authentication: { enabled: true }, authorization: { enabled: true } };
  const orders = new Set<string>();
  // Two ConfigMaps per render, and no order has a probability above two thirds, so forty renders with one order are practically impossible.
  for (let renders = 0; orders.size < 2 && renders < 20; renders++) {
    const rendered = new Rendered(await template({ ...plain, auth }, "pulsar", "pulsar"));
    for (const name of ["pulsar-broker", "pulsar-proxy"]) {
      const roles = rendered.data(name)["superUserRoles"] ?? "";
      assert.deepEqual(roles.split(",").sort(), ["admin", "broker-admin", "proxy-admin"]);
      orders.add(roles);
    }
  }
  assert.ok(orders.size > 1, "always in one order");
});

test("functions run as pods; without functions, there is neither a worker nor a role", async () => {
  const on = await render();
  assert.equal(on.data("pulsar-broker")["functionsWorkerEnabled"], "true");
  assert.deepEqual(on.data("pulsar-functions-worker-config"), {
    pulsarDockerImageName: "apachepulsar/pulsar-all:2.7.4",
  });
  const off = await render({ components: { functions: false } });
  assert.equal(off.data("pulsar-broker")["functionsWorkerEnabled"], "false");
  assert.deepEqual(off.names("ClusterRole"), ["pulsar-broker-clusterrole"]);
  assert.ok(!off.names("ConfigMap").includes("pulsar-functions-worker-config"));
});

test("the package replicas of functions are the ensemble size", async () => {
  const rendered = await render({ broker: { configData: { managedLedgerDefaultEnsembleSize: "5" } } });
  assert.equal(rendered.data("pulsar-broker")["PF_numFunctionPackageReplicas"], "5");
});

test("the bookies' caches have their own units", async () => {
  const entries = Object.entries((await render()).data("pulsar-bookie")).filter(([key]) => key.startsWith("dbStorage"));
  assert.deepEqual(Object.fromEntries(entries), {
    dbStorage_writeCacheMaxSizeMb: "32",
    dbStorage_readAheadCacheMaxSizeMb: "32",
    dbStorage_rocksDB_writeBufferSizeMB: "8",
    dbStorage_rocksDB_blockCacheSize: "8388608",
  });
});

test("rbac.limit_to_namespace makes the broker's role namespaced", async () => {
  const rendered = await render({ rbac: { limit_to_namespace: true } });
  assert.deepEqual(rendered.names("Role"), ["pulsar-broker-role"]);
  assert.deepEqual(rendered.names("RoleBinding"), ["pulsar-broker-rolebinding"]);
  assert.deepEqual(rendered.names("ClusterRole"), ["pulsar-functions-worker"]);
});

describe("the manager", () => {
  const name = "pulsar-pulsar-manager";
  const account = (secret: string) => ({
    PULSAR_CLUSTER: "pulsar",
    USERNAME: `${secret} PULSAR_MANAGER_ADMIN_USER`,
    PASSWORD: `${secret} PULSAR_MANAGER_ADMIN_PASSWORD`,
  });

  test("has its database account from the chart's Secret, and everything else from its ConfigMap", async () => {
    const rendered = await render({ pulsar_manager: { admin: { user: "someone", password: "not a real one" } } });
    assert.deepEqual(environment(rendered.one("Deployment", name)), account(`${name}-secret`));
    assert.deepEqual(decoded(rendered.one("Secret", `${name}-secret`)), {
      PULSAR_MANAGER_ADMIN_USER: "someone",
      PULSAR_MANAGER_ADMIN_PASSWORD: "not a real one",
    });
    assert.deepEqual(rendered.data(name), {
      REDIRECT_HOST: "http://127.0.0.1",
      REDIRECT_PORT: "9527",
      DRIVER_CLASS_NAME: "org.postgresql.Driver",
      URL: "jdbc:postgresql://127.0.0.1:5432/pulsar_manager",
      LOG_LEVEL: "DEBUG",
    });
  });

  test("existingSecretName replaces the chart's Secret", async () => {
    const rendered = await render({ pulsar_manager: { existingSecretName: "prepared" } });
    assert.deepEqual(rendered.names("Secret"), []);
    assert.deepEqual(environment(rendered.one("Deployment", name)), account("prepared"));
  });

  test("a JWT_TOKEN in configData is in plain text in the ConfigMap", async () => {
    const rendered = await render({ pulsar_manager: { configData: { JWT_TOKEN: "not a real one" } } });
    assert.equal(rendered.data(name)["JWT_TOKEN"], "not a real one");
  });
});

test("ZooKeepers have only an annotation for addresses before they are ready", async () => {
  assert.deepEqual((await render()).one("Service", "pulsar-zookeeper").metadata?.annotations, {
    "service.alpha.kubernetes.io/tolerate-unready-endpoints": "true",
  });
});

test("PodDisruptionBudgets have policy/v1beta1, which was removed in Kubernetes 1.25", async () => {
  const versions = (await render()).all("PodDisruptionBudget").map(({ apiVersion }) => apiVersion);
  assert.deepEqual(versions, Array(4).fill("policy/v1beta1"));
});

describe("initialize", () => {
  test("is off by default: no Jobs", async () => {
    assert.deepEqual((await render({ initialize: undefined })).names("Job"), []);
  });

  test("creates two plain Jobs whose pods are not restarted; the chart has no hooks", async () => {
    const rendered = await render();
    assert.deepEqual(
      rendered.all("Job").map((job) => podSpec(job).restartPolicy),
      ["Never", "Never"],
    );
    const hooks = rendered.objects.filter(({ metadata }) => metadata?.annotations?.["helm.sh/hook"] !== undefined);
    assert.deepEqual(hooks, []);
  });

  test("ignores a failure to initialize the cluster's metadata", async () => {
    const job = (await render()).one("Job", "pulsar-pulsar-init");
    assert.match(podSpec(job).containers[0]?.args?.join() ?? "", /initialize-cluster-metadata .* \|\| true/s);
  });
});
