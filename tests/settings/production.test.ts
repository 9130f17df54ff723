import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { parseSettings } from "../../settings/settings.ts";
import { type Cases, faults, hasOneFault } from "../support/faults.ts";
import { groups } from "../support/nodeGroups.ts";
import { at, stackConfig } from "../support/stackFile.ts";

const digest = `sha256:${"0123456789abcdef".repeat(4)}`;
const images = {
  pulsar: "apachepulsar/pulsar-all:2.7.4",
  manager: "apachepulsar/pulsar-manager:v0.2.0",
  pullSecret: "regsecret",
};
const values = (values: object) => ({ "pulsar:values": values });
const waiver = { rule: "no-plain-ports", reason: "until the maintenance window", expires: "2027-06-30" };
/** Production without TLS. */
const plainText = { "pulsar:tls": { enabled: false }, "pulsar:policyWaivers": [waiver] };

const refused: Cases = {
  "pulsar:images.pulsar: latest is not allowed in production; use a version, so that what was reviewed is what runs": {
    "pulsar:images": { ...images, pulsar: "apachepulsar/pulsar-all:latest" },
  },
  "pulsar:images.pulsar: latest is not allowed in production; use a version": {
    "pulsar:images": { ...images, pulsar: `apachepulsar/pulsar-all:latest@${digest}` },
  },
  "pulsar:managerDatabase.tls: disable is not allowed in production, because the manager's password would cross the network in plain text; use require or verify-full":
    { "pulsar:managerDatabase": { host: "db", tls: "disable" } },
  "pulsar:managerDatabase.deleteData: true is not allowed in production; use false, and drop data by hand": {
    "pulsar:managerDatabase": { host: "db", deleteData: true },
  },
  ...Object.fromEntries(
    (["manager", "admin"] as const).map((way) => [
      `pulsar:ingress.${way}: has no TLS, which production requires, because passwords and tokens would cross the network in plain text; set its tlsSecret, or`,
      { "pulsar:ingress": { [way]: { host: "pulsar.example.com" } } },
    ]),
  ),
  ...Object.fromEntries(
    ["pulsar_manager.extraVolumes", "pulsar_manager.extraVolumeMounts"].map((path) => [
      `pulsar:values.${path}: [] is not allowed in production, because it would replace what keeps others from creating accounts; remove it`,
      values(at(path, [])),
    ]),
  ),
  ...Object.fromEntries(
    ["pulsar_manager", "proxy"].map((component) => [
      `pulsar:values.${component}.ingress.enabled: true is not allowed in production; use pulsar:ingress, which requires TLS`,
      values(at(`${component}.ingress.enabled`, true)),
    ]),
  ),
  "pulsar:nodeGroups: has no cpu or no memory for zk-1, zk-2, zk-3, sv-2, which production requires: pod requests are derived from them; set what each node offers (status.allocatable)":
    {
      "pulsar:nodeGroups": groups({
        zookeeper: { memory: undefined },
        serving: { cpu: undefined, nodes: [{ name: "sv-1", cpu: 16 }, { name: "sv-2" }, { name: "sv-3", cpu: 16 }] },
      }),
    },
  "pulsar:nodeGroups: has no cpu or no memory for the untainted serving nodes, which production requires: pod requests are derived from them; set what each node offers":
    { "pulsar:nodeGroups": groups({ serving: { nodes: [], untainted: 3, memory: undefined } }) },
  ...Object.fromEntries(
    ["LoadBalancer", "NodePort"].map((type) => [
      `pulsar:values.pulsar_manager.service.type: "${type}" is not allowed in production, because anybody who reaches the manager can become its superuser; use ClusterIP`,
      values({ pulsar_manager: { service: { type } } }),
    ]),
  ),
  "pulsar:tls.enabled: false is not allowed in production, because tokens and messages would cross the network in plain text; remove it (docs/operations/enable-tls.md), or waive the policy no-plain-ports for a time (pulsar:policyWaivers)":
    { "pulsar:tls": { enabled: false }, "pulsar:policyWaivers": [{ ...waiver, object: "Service/pulsar-proxy" }] },
  ...Object.fromEntries(
    [
      ["broker", "PULSAR_PREFIX_brokerServicePort", "6650"],
      ["broker", "PULSAR_PREFIX_bookkeeper_tlsHostnameVerificationEnabled", "false"],
      ["bookkeeper", "PULSAR_PREFIX_tlsClientAuthentication", "false"],
      ["proxy", "tlsEnabledWithBroker", "false"],
      ["zookeeper", "PULSAR_PREFIX_clientPortAddress", "0.0.0.0"],
    ].map(([component = "", key = "", value = ""]) => [
      `pulsar:values.${component}.configData.${key}: "${value}" is not allowed in production, because connections would not be encrypted or not be checked (pulsar:tls); remove it`,
      values({ [component]: { configData: { [key]: value } } }),
    ]),
  ),
  "pulsar:proxyService.type: NodePort is not allowed in production without TLS, because tokens and messages would leave the cluster in plain text; remove pulsar:tls.enabled, or use ClusterIP":
    { "pulsar:proxyService": { type: "NodePort" }, ...plainText },
  'pulsar:values.proxy.service.type: "LoadBalancer" is not allowed in production, because tokens and messages would leave the cluster in plain text; use pulsar:proxyService, which requires TLS':
    values(at("proxy.service.type", "LoadBalancer")),
  'pulsar:values.pulsar_manager.adminService.type: "NodePort" is not allowed in production, because anybody who reaches the manager can become its superuser; use ClusterIP':
    values(at("pulsar_manager.adminService.type", "NodePort")),
  "pulsar:values.auth.authentication.jwt.enabled: false is not allowed in production, because everybody could read and delete everything; remove it":
    values(at("auth.authentication.jwt.enabled", false)),
  ...Object.fromEntries(
    ["latest", `latest@${digest}`].map((tag) => [
      `pulsar:values.images.grafana.tag: "${tag}" is not allowed in production; use a version`,
      values({ images: { grafana: { tag } } }),
    ]),
  ),
  ...Object.fromEntries(
    ["persistence", "volumes.persistence", "zookeeper.volumes.persistence", "bookkeeper.volumes.persistence"].map(
      (path) => [
        `pulsar:values.${path}: false is not allowed in production, because each start of a bookie would format it; remove it`,
        values(at(path, false)),
      ],
    ),
  ),
  ...Object.fromEntries(
    ["zookeeper", "bookkeeper", "broker", "proxy", "autorecovery", "toolset", "pulsar_manager"].flatMap((component) => [
      [
        `pulsar:values.${component}.replicaCount: 2 is not allowed in production; use pulsar:replicas, which is checked`,
        values(at(`${component}.replicaCount`, 2)),
      ],
      [
        `pulsar:values.${component}.nodeSelector: {"disk":"ssd"} is not allowed in production, because the layout places the pods; remove it`,
        values(at(`${component}.nodeSelector`, { disk: "ssd" })),
      ],
      [
        `pulsar:values.${component}.tolerations: [] is not allowed in production, because the layout places the pods; remove it`,
        values(at(`${component}.tolerations`, [])),
      ],
    ]),
  ),
  ...Object.fromEntries(
    ["", "zookeeper.", "bookkeeper.", "broker.", "proxy."].map((component) => [
      `pulsar:values.${component}affinity.anti_affinity: false is not allowed in production, because two pods on one node would be lost together; remove it`,
      values(at(`${component}affinity.anti_affinity`, false)),
    ]),
  ),
};

describe("production refuses", () => {
  for (const [fault, changes] of Object.entries(refused)) {
    test(fault, () => {
      hasOneFault(stackConfig("prod", changes), fault);
    });
  }

  test("the mixed layout", () => {
    const changes = { "pulsar:environment": "production", "pulsar:managerDatabase": { host: "db" } };
    hasOneFault(
      stackConfig("test", changes),
      "pulsar:layout: mixed is not allowed in production, where ZooKeeper and the bookies need separate nodes; use dedicated",
    );
  });
});

test("a test environment in the dedicated layout accepts all of it", () => {
  for (const [fault, changes] of Object.entries(refused)) {
    const config = stackConfig("prod", { ...changes, "pulsar:environment": "test" });
    assert.equal(parseSettings(config, "prod", false).production, false, fault);
  }
});

test("has TLS unless this is waived, until the last day of the waiver", () => {
  const encrypted = (changes: object) => parseSettings(stackConfig("prod", { ...changes }), "prod", false).tls.enabled;
  assert.deepEqual(
    [encrypted({}), encrypted({ "pulsar:environment": "test" }), encrypted(plainText)],
    [true, false, false],
  );
  const parse = (now: string) =>
    parseSettings(stackConfig("prod", plainText), "prod", false, { now: new Date(now) }).tls.enabled;
  assert.equal(parse("2027-06-30T23:59:00Z"), false);
  assert.throws(
    () => parse("2027-07-01T00:00:00Z"),
    /pulsar:policyWaivers: the waiver of no-plain-ports expired on 2027-06-30, .*; enable TLS/,
  );
});

test("with TLS, clients outside the cluster may connect", () => {
  const outside = { "pulsar:proxyService": { type: "LoadBalancer" } };
  assert.equal(parseSettings(stackConfig("prod", outside), "prod", false).proxyService.type, "LoadBalancer");
});

test("chart values may repeat what production requires", () => {
  const said = {
    persistence: true,
    pulsar_manager: { service: { type: "ClusterIP" } },
    images: { grafana: { tag: "10.1.0" } },
    affinity: { anti_affinity: true },
    broker: {
      affinity: { anti_affinity: true },
      podMonitor: { enabled: false },
      configData: { tlsProtocols: "TLSv1.3" },
    },
  };
  assert.equal(parseSettings(stackConfig("prod", values(said)), "prod", false).production, true);
});

test("reports no fault of production while the environment is invalid", () => {
  const config = stackConfig("prod", { "pulsar:environment": "staging", ...values({ persistence: false }) });
  assert.deepEqual(
    faults(config).map((line) => line.slice(0, line.indexOf(";"))),
    ['pulsar:environment: "staging" is not valid'],
  );
});
