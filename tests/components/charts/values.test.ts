import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { merge, type PulsarCluster } from "../../../components/charts/cluster.ts";
import { fromSecret, secretRef, values } from "../../../components/charts/line27/values.ts";
import { components, type Placement } from "../../../components/layouts/layout.ts";

const toleration = { key: "dedicated", operator: "Equal", value: "pulsar", effect: "NoSchedule" } as const;
const selector = { "node-role.kubernetes.io/pulsar": "pulsar" };
const place = (replicas: number): Placement => ({
  replicas,
  nodeSelector: selector,
  tolerations: [toleration],
  nodes: ["node1"],
  rule: "any",
});

const cluster: PulsarCluster = {
  placements: Object.fromEntries(
    components.map((name) => [name, place(name === "toolset" ? 1 : 3)]),
  ) as PulsarCluster["placements"],
  images: {
    pulsar: { repository: "harbor.example.com/library/apachepulsar/pulsar-all", tag: "2.7.4" },
    manager: { repository: "harbor.example.com/library/apachepulsar/pulsar-manager", tag: "v0.2.0" },
    pullSecret: "regsecret",
  },
  auth: { symmetric: false, superUsers: { broker: "broker-admin", proxy: "proxy-admin", client: "admin" } },
  volumes: {
    storageClass: "local-storage",
    sizes: { "zookeeper-data": "20Gi", "bookie-journal": "50Gi", "bookie-ledgers": "50Gi" },
  },
  manager: {
    jdbcUrl: "jdbc:postgresql://postgres.example.com:5432/pulsar_manager",
    databaseSecret: "pulsar-manager-database",
    token: { secret: "pulsar-token-admin", key: "TOKEN" },
  },
};

/** `a.b.c` of the values. */
function at(path: string, of: unknown = values(cluster)): unknown {
  return path.split(".").reduce((value, key) => (value as Record<string, unknown> | undefined)?.[key], of);
}

describe("values of chart line 2.7", () => {
  const pulsarImage = { repository: "harbor.example.com/library/apachepulsar/pulsar-all", tag: "2.7.4" };
  const expected: Record<string, unknown> = {
    initialize: true,
    "auth.authentication": { enabled: true, provider: "jwt", jwt: { usingSecretKey: false } },
    "auth.authorization": { enabled: true },
    "auth.superUsers": { broker: "broker-admin", proxy: "proxy-admin", client: "admin" },
    "components.functions": true,
    "components.pulsar_manager": true,
    monitoring: { grafana: false, prometheus: false, node_exporter: false, alert_manager: false },
    "volumes.local_storage": true,
    "zookeeper.volumes.data": { local_storage: true, size: "20Gi", storageClassName: "local-storage" },
    "bookkeeper.volumes.journal": { local_storage: true, size: "50Gi", storageClassName: "local-storage" },
    "bookkeeper.volumes.ledgers": { local_storage: true, size: "50Gi", storageClassName: "local-storage" },
    "zookeeper.replicaCount": 3,
    "toolset.replicaCount": 1,
    "proxy.configData": { PULSAR_PREFIX_authenticateMetricsEndpoint: "false" },
    "proxy.service.type": "ClusterIP",
    "pulsar_manager.service.type": "ClusterIP",
    "pulsar_manager.existingSecretName": "pulsar-manager-database",
    "pulsar_manager.admin": undefined,
    "pulsar_manager.configData.URL": "jdbc:postgresql://postgres.example.com:5432/pulsar_manager",
    "pulsar_manager.configData.DRIVER_CLASS_NAME": "org.postgresql.Driver",
    "images.imagePullSecrets": ["regsecret"],
    "images.zookeeper": pulsarImage,
    "images.functions": pulsarImage,
    "images.pulsar_manager": { repository: "harbor.example.com/library/apachepulsar/pulsar-manager", tag: "v0.2.0" },
    "pulsar_metadata.image": pulsarImage,
  };
  for (const [path, value] of Object.entries(expected))
    test(path, () => {
      assert.deepEqual(at(path), value);
    });

  for (const component of ["zookeeper", "bookkeeper", "broker", "proxy", "autorecovery", "toolset", "pulsar_manager"]) {
    test(`${component} has its selector and toleration`, () => {
      assert.deepEqual(at(`${component}.nodeSelector`), selector);
      assert.deepEqual(at(`${component}.tolerations`), [toleration]);
    });
  }

  test("brokers that are to be spread never share a node", () => {
    const spread = {
      ...cluster,
      placements: { ...cluster.placements, broker: { ...place(3), rule: "spread" as const } },
    };
    const type = "requiredDuringSchedulingIgnoredDuringExecution";
    assert.deepEqual(at("broker.affinity", values(spread)), { anti_affinity: true, type });
    assert.deepEqual(at("broker.affinity"), { anti_affinity: false, type });
  });

  test("configData holds texts only: a ConfigMap takes nothing else", () => {
    for (const component of ["proxy", "pulsar_manager"]) {
      for (const value of Object.values(at(`${component}.configData`) as object)) assert.equal(typeof value, "string");
    }
  });

  test("the token is a reference that the post-renderer understands", () => {
    assert.deepEqual(secretRef(at("pulsar_manager.configData.JWT_TOKEN")), cluster.manager.token);
    assert.equal(secretRef("INFO"), undefined);
    assert.deepEqual(secretRef(fromSecret({ secret: "a", key: "b" })), { secret: "a", key: "b" });
  });

  test("without a pull secret none is named", () => {
    const images = { ...cluster.images, pullSecret: undefined };
    assert.equal(at("images.imagePullSecrets", values({ ...cluster, images })), undefined);
  });
});

test("merge lays objects over each other key by key, and takes everything else whole", () => {
  const base = { broker: { replicaCount: 3, configData: { a: "1", b: "2" }, tolerations: [1, 2] }, keep: true };
  const over = { broker: { configData: { b: "3" }, tolerations: [] }, more: null };
  assert.deepEqual(merge(base, over), {
    broker: { replicaCount: 3, configData: { a: "1", b: "3" }, tolerations: [] },
    keep: true,
    more: null,
  });
});
