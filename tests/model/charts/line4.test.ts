import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { describe, test } from "node:test";
import { line4 } from "../../../model/charts/line4/line.ts";
import { patch } from "../../../model/charts/line4/patches.ts";
import { values } from "../../../model/charts/line4/values.ts";
import { type Manifest, parseManifest, writeManifest } from "../../../model/charts/manifest.ts";
import { cluster, everything, selector, toleration, valueAt } from "./support.ts";

/** The value at the path `a.b.c`. */
const at = (path: string, of: unknown = values(cluster)) => valueAt(path, of);

describe("values of chart line 4 alone", () => {
  const expected: Record<string, unknown> = {
    "auth.authentication.jwt.enabled": true,
    "auth.authentication.provider": undefined,
    "auth.useProxyRoles": true,
    "components.functions": false,
    "victoria-metrics-k8s-stack": { enabled: false },
    "rbac.limit_to_namespace": true,
    "zookeeper.statefulsetUpgrade": { enabled: false },
    "broker.statefulsetUpgrade": { enabled: false },
    "pulsar_manager.volumes": { persistence: false },
    "pulsar_manager.admin": { existingSecret: "pulsar-manager-database" },
    defaultPulsarImageRepository: "harbor.example.com/library/apachepulsar/pulsar-all",
    defaultPulsarImageTag: "2.7.4",
    pulsar_metadata: { nodeSelector: selector, tolerations: [toleration] },
  };
  for (const [path, value] of Object.entries(expected))
    test(path, () => {
      assert.deepEqual(at(path), value);
    });

  for (const component of ["zookeeper", "bookkeeper", "broker", "proxy", "autorecovery"]) {
    test(`${component} has no PodMonitor, because few clusters have this kind`, () => {
      assert.deepEqual(at(`${component}.podMonitor`), { enabled: false });
    });
  }

  test("the manager's role is a super user, by which the chart finds its token", () => {
    assert.equal(at("auth.superUsers.manager", values(everything)), "manager-admin");
    assert.equal(line4.manager.role, "manager-admin");
  });

  test("the values have no token and no password", () => {
    assert.doesNotMatch(JSON.stringify(values(everything)), /JWT_TOKEN|PASSWORD|token-admin/i);
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

  test("racks are used by autorecovery, whose class cannot parse the chart's ZooKeeper address", () => {
    assert.deepEqual(at("autorecovery.configData", values({ ...cluster, release: "events", racks: ["/a", "/b"] })), {
      PULSAR_PREFIX_reppDnsResolverClass: "org.apache.pulsar.bookie.rackawareness.BookieRackAffinityMapping",
      metadataServiceUri: "",
      zkServers: "events-pulsar-zookeeper:2181",
      zkLedgersRootPath: "/ledgers",
    });
  });
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
