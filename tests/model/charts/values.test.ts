/** The values that both chart lines have in common. */
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { merge, type PulsarCluster } from "../../../model/charts/cluster.ts";
import { chartLine, supportedChartVersions } from "../../../model/charts/lines.ts";
import type { PodSize } from "../../../model/sizing.ts";
import {
  allSizes,
  cluster,
  everything,
  memoryVariables,
  place,
  selector,
  sized,
  toleration,
  valueAt,
} from "./support.ts";

for (const version of supportedChartVersions) {
  const values = (of: PulsarCluster) => chartLine(version).values(of);
  /** The value at the path `a.b.c`. */
  const at = (path: string, of: unknown = values(cluster)) => valueAt(path, of);

  describe(`values of chart ${version}`, () => {
    const localVolume = (size: string) => ({ local_storage: true, size, storageClassName: "local-storage" });
    const expected: Record<string, unknown> = {
      initialize: true,
      clusterDomain: "k8s.example",
      "auth.authentication.enabled": true,
      "auth.authentication.jwt.usingSecretKey": false,
      "auth.authorization": { enabled: true },
      "auth.superUsers": { broker: "broker-admin", proxy: "proxy-admin", client: "admin" },
      "components.pulsar_manager": true,
      "volumes.local_storage": true,
      "zookeeper.volumes.data": localVolume("20Gi"),
      "bookkeeper.volumes.journal": localVolume("50Gi"),
      "bookkeeper.volumes.ledgers": localVolume("50Gi"),
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
      "pulsar_manager.configData.DRIVER_CLASS_NAME": "org.postgresql.Driver",
      "pulsar_manager.configData.URL": "jdbc:postgresql://postgres.example.com:5432/pulsar_manager",
      "pulsar_manager.configData.LOG_LEVEL": "INFO",
      "images.imagePullSecrets": ["regsecret"],
      "images.pulsar_manager": { repository: "harbor.example.com/library/apachepulsar/pulsar-manager", tag: "v0.2.0" },
    };
    for (const [path, value] of Object.entries(expected))
      test(path, () => {
        assert.deepEqual(at(path), value);
      });

    for (const component of [...memoryVariables.keys(), "pulsar_manager"]) {
      test(`${component} has its node selector and toleration`, () => {
        assert.deepEqual(at(`${component}.nodeSelector`), selector);
        assert.deepEqual(at(`${component}.tolerations`), [toleration]);
      });

      test(`the configData of ${component} has only strings, because a ConfigMap accepts nothing else`, () => {
        const texts = Object.values(at(`${component}.configData`, values(everything)) as object);
        assert.ok(texts.length > 0);
        for (const value of texts) assert.equal(typeof value, "string");
      });
    }

    test("a symmetric key is set", () => {
      assert.equal(at("auth.authentication.jwt.usingSecretKey", values(everything)), true);
    });

    test("brokers that are spread never share a node", () => {
      const spread = {
        ...cluster,
        placements: { ...cluster.placements, broker: { ...place(3), rule: "spread" as const } },
      };
      const type = "requiredDuringSchedulingIgnoredDuringExecution";
      assert.deepEqual(at("broker.affinity", values(spread)), { anti_affinity: true, type });
      assert.deepEqual(at("broker.affinity"), { anti_affinity: false, type });
    });

    test("without a pull secret, the values name none", () => {
      const images = { ...cluster.images, pullSecret: undefined };
      assert.equal(at("images.imagePullSecrets", values({ ...cluster, images })), undefined);
    });

    test("brokers place copies in as many racks as possible, and no racks are mentioned if there are none", () => {
      assert.equal(at("broker.configData.bookkeeperClientRackawarePolicyEnabled", values(everything)), "true");
      assert.equal(at("broker.configData.bookkeeperClientMinNumRacksPerWriteQuorum", values(everything)), "2");
      assert.doesNotMatch(JSON.stringify(values(cluster)), /rack|repp|zkServers/i);
    });
  });

  describe(`sizes in the values of chart ${version}`, () => {
    const full = values(sized(allSizes));

    for (const [component, variable] of memoryVariables) {
      test(`${component} has its resources, and the JVM memory in ${variable}`, () => {
        assert.deepEqual(at(`${component}.resources`, full), {
          requests: { cpu: "2", memory: "8Gi" },
          limits: { memory: "8Gi" },
        });
        // In 2.7.7, the bookie's heap setting also applies to init containers, whose JVMs must not allocate all of it at once.
        const first = version === "2.7.7" && component === "bookkeeper" ? "" : "-Xms2048m ";
        assert.equal(
          at(`${component}.configData.${variable}`, full),
          `${first}-Xmx2048m -XX:MaxDirectMemorySize=2944m`,
        );
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
      assert.equal(
        at("pulsar_manager.configData.JAVA_OPTS", full),
        "-Xms2048m -Xmx2048m -XX:MaxDirectMemorySize=2944m",
      );
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
  });
}

test("merge merges objects recursively and replaces everything else", () => {
  const base = { broker: { replicaCount: 3, configData: { a: "1", b: "2" }, tolerations: [1, 2] }, keep: true };
  const over = { broker: { configData: { b: "3" }, tolerations: [] }, more: null };
  assert.deepEqual(merge(base, over), {
    broker: { replicaCount: 3, configData: { a: "1", b: "3" }, tolerations: [] },
    keep: true,
    more: null,
  });
});
