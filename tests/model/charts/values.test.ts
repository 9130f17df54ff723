import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { merge } from "../../../model/charts/cluster.ts";
import { fromSecret, podSpecAnnotation, secretRef } from "../../../model/charts/line27/markers.ts";
import { values } from "../../../model/charts/line27/values.ts";
import { type PodSize, podSizes } from "../../../model/sizing.ts";
import { allSizes, cluster, memoryVariables, place, selector, sized, toleration, valueAt } from "./support.ts";

/** The value at the path `a.b.c`. */
const at = (path: string, of: unknown = values(cluster)) => valueAt(path, of);

describe("values of chart line 2.7", () => {
  const pulsarImage = { repository: "harbor.example.com/library/apachepulsar/pulsar-all", tag: "2.7.4" };
  const expected: Record<string, unknown> = {
    initialize: true,
    clusterDomain: "k8s.example",
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
    "broker.configData": {
      managedLedgerDefaultEnsembleSize: "3",
      managedLedgerDefaultWriteQuorum: "2",
      managedLedgerDefaultAckQuorum: "1",
    },
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
    test(`${component} has its node selector and toleration`, () => {
      assert.deepEqual(at(`${component}.nodeSelector`), selector);
      assert.deepEqual(at(`${component}.tolerations`), [toleration]);
    });
  }

  test("brokers that are spread never share a node", () => {
    const spread = {
      ...cluster,
      placements: { ...cluster.placements, broker: { ...place(3), rule: "spread" as const } },
    };
    const type = "requiredDuringSchedulingIgnoredDuringExecution";
    assert.deepEqual(at("broker.affinity", values(spread)), { anti_affinity: true, type });
    assert.deepEqual(at("broker.affinity"), { anti_affinity: false, type });
  });

  test("configData has only strings, because a ConfigMap accepts nothing else", () => {
    const full = values({ ...sized(allSizes), racks: ["/a", "/b", "/c", "/a"] });
    for (const component of [...memoryVariables.keys(), "pulsar_manager"]) {
      const texts = Object.values(at(`${component}.configData`, full) as object);
      assert.ok(texts.length > 0, component);
      for (const value of texts) assert.equal(typeof value, "string", component);
    }
  });

  test("the token is a reference that the post-renderer resolves", () => {
    assert.deepEqual(secretRef(at("pulsar_manager.configData.JWT_TOKEN")), cluster.manager.token);
    assert.equal(secretRef("INFO"), undefined);
    assert.deepEqual(secretRef(fromSecret({ secret: "a", key: "b" })), { secret: "a", key: "b" });
  });

  test("without a pull secret, the values name none", () => {
    const images = { ...cluster.images, pullSecret: undefined };
    assert.equal(at("images.imagePullSecrets", values({ ...cluster, images })), undefined);
  });
});

describe("sizes in the values of chart line 2.7", () => {
  const full = values(sized(allSizes));

  for (const [component, variable] of memoryVariables) {
    test(`${component} has its resources, and the JVM memory in ${variable}`, () => {
      assert.deepEqual(at(`${component}.resources`, full), {
        requests: { cpu: "2", memory: "8Gi" },
        limits: { memory: "8Gi" },
      });
      // The bookie's heap setting also applies to init containers, whose JVMs must not allocate all of it at once.
      const first = component === "bookkeeper" ? "" : "-Xms2048m ";
      assert.equal(at(`${component}.configData.${variable}`, full), `${first}-Xmx2048m -XX:MaxDirectMemorySize=2944m`);
    });

    test(`${component} keeps the chart's sizes, unless they are too small for an idle pod`, () => {
      const small = ["proxy", "autorecovery"].includes(component);
      assert.deepEqual(at(`${component}.resources`), small ? { requests: { memory: "256Mi" } } : undefined);
      assert.equal(at(`${component}.configData.${variable}`), undefined);
    });
  }

  test("the manager has its resources, and a heap that fits them", () => {
    assert.deepEqual(at("pulsar_manager.resources"), { requests: { memory: "640Mi" } });
    assert.equal(at("pulsar_manager.configData.JAVA_OPTS"), "-Xms256m -Xmx256m");
    assert.deepEqual(at("pulsar_manager.resources.limits", full), { memory: "8Gi" });
    assert.equal(at("pulsar_manager.configData.JAVA_OPTS", full), "-Xms2048m -Xmx2048m -XX:MaxDirectMemorySize=2944m");
  });

  test("a heap without direct memory is set alone, direct memory without a heap is not set", () => {
    const of = (size: PodSize) => at("broker.configData.PULSAR_MEM", values(sized({ broker: size })));
    assert.equal(of({ heap: "512Mi" }), "-Xms512m -Xmx512m");
    assert.equal(of({ direct: "512Mi" }), undefined);
  });

  test("requests and limits are set independently of each other", () => {
    const of = (size: PodSize) => at("broker.resources", values(sized({ broker: size })));
    assert.deepEqual(of({ requests: { cpu: "1" } }), { requests: { cpu: "1" } });
    assert.deepEqual(of({ limits: { memory: "1Gi" } }), { limits: { memory: "1Gi" } });
  });

  test("a bookie's caches are derived from its direct memory, or left to the chart", () => {
    const caches = (of: unknown) =>
      ["dbStorage_writeCacheMaxSizeMb", "dbStorage_readAheadCacheMaxSizeMb", "dbStorage_rocksDB_blockCacheSize"].map(
        (key) => at(`bookkeeper.configData.${key}`, of),
      );
    assert.deepEqual(caches(values(sized({ bookkeeper: { heap: "1Gi", direct: "4Gi" } }))), [
      "1024",
      "1024",
      "429496729",
    ]);
    assert.deepEqual(caches(values(sized({ bookkeeper: { heap: "1Gi" } }))), [undefined, undefined, undefined]);
  });
});

describe("racks in the values of chart line 2.7", () => {
  const racks = values({ ...cluster, racks: ["/a", "/b", "/c", "/a"] });

  test("are used by the brokers and by autorecovery", () => {
    assert.equal(at("broker.configData.bookkeeperClientRackawarePolicyEnabled", racks), "true");
    assert.equal(
      at("autorecovery.configData.PULSAR_PREFIX_reppDnsResolverClass", racks),
      "org.apache.pulsar.zookeeper.ZkBookieRackAffinityMapping",
    );
  });

  test("are not mentioned if there are none", () => {
    assert.doesNotMatch(JSON.stringify(values(cluster)), /rack|repp/i);
  });
});

describe("input of the post-renderer of chart line 2.7", () => {
  const told = (component: string, of: unknown) => {
    const annotations = at(`${component}.annotations`, of) as Record<string, string> | undefined;
    return annotations && (JSON.parse(annotations[podSpecAnnotation] ?? "null") as unknown);
  };
  const zone = {
    topologyKey: "pulsar-stack/zone",
    maxSkew: 1,
    whenUnsatisfiable: "DoNotSchedule",
    nodeTaintsPolicy: "Honor",
  };
  const overZones = {
    ...cluster,
    placements: { ...cluster.placements, proxy: { ...place(3), overZones: true } },
    pods: { ...podSizes({}, {}), proxy: { priorityClass: "high" }, bookkeeper: { priorityClass: "highest" } },
  };

  test("has the spread over zones and the priority class of the components that have them", () => {
    assert.deepEqual(told("proxy", values(overZones)), {
      priorityClassName: "high",
      topologySpreadConstraints: [zone],
    });
    assert.deepEqual(told("bookkeeper", values(overZones)), { priorityClassName: "highest" });
  });

  test("is empty by default", () => {
    for (const component of ["zookeeper", "broker", "autorecovery", "toolset", "pulsar_manager"]) {
      assert.equal(told(component, values(overZones)), undefined, component);
    }
  });
});

test("merge merges objects recursively and replaces everything else", () => {
  const base = { broker: { replicaCount: 3, configData: { a: "1", b: "2" }, tolerations: [1, 2] }, keep: true };
  const over = { broker: { configData: { b: "3" }, tolerations: [] }, more: null };
  assert.deepEqual(merge(base, over), {
    broker: { replicaCount: 3, configData: { a: "1", b: "3" }, tolerations: [] },
    keep: true,
    more: null,
  });
});
