import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { describe, test } from "node:test";
import { line4 } from "../../../model/charts/line4/line.ts";
import { patch } from "../../../model/charts/line4/patches.ts";
import { values } from "../../../model/charts/line4/values.ts";
import { type Manifest, parseManifest, writeManifest } from "../../../model/charts/manifest.ts";
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

/** The value at the path `a.b.c`. */
const at = (path: string, of: unknown = values(cluster)) => valueAt(path, of);

describe("values of chart line 4", () => {
  const expected: Record<string, unknown> = {
    initialize: true,
    clusterDomain: "k8s.example",
    "auth.authentication.enabled": true,
    "auth.authentication.jwt.enabled": true,
    "auth.authentication.jwt.usingSecretKey": false,
    "auth.authentication.provider": undefined,
    "auth.authorization": { enabled: true },
    "auth.superUsers": { broker: "broker-admin", proxy: "proxy-admin", client: "admin" },
    "auth.useProxyRoles": true,
    "components.functions": false,
    "components.pulsar_manager": true,
    "victoria-metrics-k8s-stack": { enabled: false },
    "rbac.limit_to_namespace": true,
    "volumes.local_storage": true,
    "zookeeper.volumes.data": { local_storage: true, size: "20Gi", storageClassName: "local-storage" },
    "bookkeeper.volumes.journal": { local_storage: true, size: "50Gi", storageClassName: "local-storage" },
    "bookkeeper.volumes.ledgers": { local_storage: true, size: "50Gi", storageClassName: "local-storage" },
    "zookeeper.replicaCount": 3,
    "toolset.replicaCount": 1,
    "zookeeper.statefulsetUpgrade": { enabled: false },
    "broker.statefulsetUpgrade": { enabled: false },
    "proxy.configData": { PULSAR_PREFIX_authenticateMetricsEndpoint: "false" },
    "broker.configData": {
      managedLedgerDefaultEnsembleSize: "3",
      managedLedgerDefaultWriteQuorum: "2",
      managedLedgerDefaultAckQuorum: "1",
    },
    "proxy.service.type": "ClusterIP",
    "pulsar_manager.service.type": "ClusterIP",
    "pulsar_manager.volumes": { persistence: false },
    "pulsar_manager.admin": { existingSecret: "pulsar-manager-database" },
    "pulsar_manager.configData": {
      DRIVER_CLASS_NAME: "org.postgresql.Driver",
      URL: "jdbc:postgresql://postgres.example.com:5432/pulsar_manager",
      LOG_LEVEL: "INFO",
      JAVA_OPTS: "-Xms256m -Xmx256m",
    },
    defaultPulsarImageRepository: "harbor.example.com/library/apachepulsar/pulsar-all",
    defaultPulsarImageTag: "2.7.4",
    "images.imagePullSecrets": ["regsecret"],
    "images.pulsar_manager": { repository: "harbor.example.com/library/apachepulsar/pulsar-manager", tag: "v0.2.0" },
  };
  for (const [path, value] of Object.entries(expected))
    test(path, () => {
      assert.deepEqual(at(path), value);
    });

  for (const component of [
    ...["zookeeper", "bookkeeper", "broker", "proxy", "autorecovery", "toolset", "pulsar_manager"],
    "pulsar_metadata",
  ]) {
    test(`${component} has its node selector and toleration`, () => {
      assert.deepEqual(at(`${component}.nodeSelector`), selector);
      assert.deepEqual(at(`${component}.tolerations`), [toleration]);
    });
  }

  for (const component of ["zookeeper", "bookkeeper", "broker", "proxy", "autorecovery"]) {
    test(`${component} has no PodMonitor, because few clusters have this kind`, () => {
      assert.deepEqual(at(`${component}.podMonitor`), { enabled: false });
    });
  }

  test("the manager's role is a super user, by which the chart finds its token", () => {
    assert.equal(at("auth.superUsers.manager", values(everything)), "manager-admin");
    assert.equal(line4.manager.role, "manager-admin");
  });

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

  test("configData has only strings, because a ConfigMap accepts nothing else", () => {
    for (const component of [...memoryVariables.keys(), "pulsar_manager"]) {
      const texts = Object.values(at(`${component}.configData`, values(everything)) as object);
      assert.ok(texts.length > 0, component);
      for (const value of texts) assert.equal(typeof value, "string", component);
    }
  });

  test("the values have no token and no password", () => {
    assert.doesNotMatch(JSON.stringify(values(everything)), /JWT_TOKEN|PASSWORD|token-admin/i);
  });

  test("without a pull secret, the values name none", () => {
    const images = { ...cluster.images, pullSecret: undefined };
    assert.equal(at("images.imagePullSecrets", values({ ...cluster, images })), undefined);
  });
});

describe("sizes in the values of chart line 4", () => {
  const full = values(sized(allSizes));

  for (const [component, variable] of memoryVariables) {
    test(`${component} has its resources, and the JVM memory in ${variable}`, () => {
      assert.deepEqual(at(`${component}.resources`, full), {
        requests: { cpu: "2", memory: "8Gi" },
        limits: { memory: "8Gi" },
      });
      assert.equal(
        at(`${component}.configData.${variable}`, full),
        "-Xms2048m -Xmx2048m -XX:MaxDirectMemorySize=2944m",
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
    assert.equal(at("pulsar_manager.configData.JAVA_OPTS", full), "-Xms2048m -Xmx2048m -XX:MaxDirectMemorySize=2944m");
  });

  test("a priority class and a spread over zones are set for the components that have them", () => {
    assert.equal(at("proxy.priorityClassName", values(everything)), "high");
    assert.equal(at("broker.priorityClassName", values(everything)), undefined);
    assert.deepEqual(at("autorecovery.topologySpreadConstraints", values(everything)), [
      {
        topologyKey: "pulsar-stack/zone",
        maxSkew: 1,
        whenUnsatisfiable: "DoNotSchedule",
        nodeTaintsPolicy: "Honor",
        labelSelector: { matchLabels: { app: "pulsar", release: "pulsar", component: "recovery" } },
      },
    ]);
    assert.equal(at("proxy.topologySpreadConstraints"), undefined);
  });
});

describe("racks in the values of chart line 4", () => {
  const racks = values({ ...everything, release: "events" });

  test("are used by the brokers, with copies in as many racks as possible", () => {
    assert.equal(at("broker.configData.bookkeeperClientRackawarePolicyEnabled", racks), "true");
    assert.equal(at("broker.configData.bookkeeperClientMinNumRacksPerWriteQuorum", racks), "2");
  });

  test("are used by autorecovery, whose class cannot parse the chart's ZooKeeper address", () => {
    assert.deepEqual(at("autorecovery.configData", values({ ...cluster, release: "events", racks: ["/a", "/b"] })), {
      PULSAR_PREFIX_reppDnsResolverClass: "org.apache.pulsar.bookie.rackawareness.BookieRackAffinityMapping",
      metadataServiceUri: "",
      zkServers: "events-pulsar-zookeeper:2181",
      zkLedgersRootPath: "/ledgers",
    });
  });

  test("are not mentioned if there are none", () => {
    assert.doesNotMatch(JSON.stringify(values(cluster)), /rack|repp|zkServers/i);
  });
});

test("the manager's Secret has both accounts under the chart's keys", () => {
  const secret = line4.managerSecret({
    database: { user: "manager", password: "one" },
    login: { user: "admin", password: "two" },
  });
  assert.deepEqual(secret, { DB_USERNAME: "manager", DB_PASSWORD: "one", UI_USERNAME: "admin", UI_PASSWORD: "two" });
});

describe("the post-renderer of chart line 4", () => {
  const job = (name: string, image: string): Manifest => ({
    apiVersion: "batch/v1",
    kind: "Job",
    metadata: { name },
    spec: { template: { spec: { containers: [{ image }] } } },
  });
  const manifest = (image: string) => [
    job("pulsar-bookie-init", image),
    job("pulsar-pulsar-manager-init", image),
    job("pulsar-backup", image),
  ];
  const namesOf = (objects: Manifest[]) => {
    patch(objects);
    return objects.map(({ metadata }) => metadata.name);
  };

  test("names each init Job after a hash of its template, and no other Job", () => {
    const [bookie = "", manager = "", backup] = namesOf(manifest("pulsar:4.0.12"));
    assert.match(bookie, /^pulsar-bookie-init-[0-9a-f]{8}$/);
    assert.match(manager, /^pulsar-pulsar-manager-init-[0-9a-f]{8}$/);
    assert.equal(backup, "pulsar-backup");
    assert.deepEqual(namesOf(manifest("pulsar:4.0.12")), [bookie, manager, backup]);
    assert.notEqual(namesOf(manifest("pulsar:4.0.13"))[0], bookie);
  });

  test("adds a readiness probe to the manager only", () => {
    const set = (component: string): Manifest => ({
      apiVersion: "apps/v1",
      kind: "StatefulSet",
      metadata: { name: `pulsar-${component}`, labels: { component } },
      spec: { template: { spec: { containers: [{}] } } },
    });
    const objects = [set("pulsar-manager"), set("toolset")];
    patch(objects);
    const [manager, toolset] = objects.map(({ spec }) => spec?.template?.spec?.containers?.[0]?.readinessProbe);
    assert.partialDeepStrictEqual(manager, { httpGet: { path: "/pulsar-manager/csrf-token", port: 9527 } });
    assert.equal(toolset, undefined);
  });

  test("is a program that Helm can run", () => {
    const input = writeManifest(manifest("pulsar:4.0.12"));
    const { stdout, stderr, status } = spawnSync(line4.postrender, { input, encoding: "utf8" });
    assert.deepEqual([stderr, status], ["", 0]);
    assert.deepEqual(
      parseManifest(stdout).map(({ metadata }) => metadata.name),
      namesOf(manifest("pulsar:4.0.12")),
    );
  });
});
