import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { parseSettings } from "../../settings/settings.ts";
import { faults, hasOneFault } from "../support/faults.ts";
import { stackConfig } from "../support/stackFile.ts";

type Version = "2.7.7" | "4.7.0";
type Case = [path: string, value: unknown, allowed: string, changes?: Record<string, unknown>];

/** `{a: {b: value}}` of `a.b`. */
const at = (path: string, value: unknown) =>
  path.split(".").reduceRight<unknown>((inner, key) => ({ [key]: inner }), value);
const config = (values: unknown, version: Version = "4.7.0", changes: Record<string, unknown> = {}) =>
  stackConfig("test", { "pulsar:chart": { version }, "pulsar:values": values, ...changes });
const warnings = (values: unknown, version: Version = "4.7.0") =>
  parseSettings(config(values, version), "test", true).warnings.filter((line) => line.startsWith("pulsar:values"));

const byName = "nothing: use pulsar:release; volumes, Jobs and addresses";
const symmetric = { "pulsar:tokens": { keys: "symmetric" } };
const behindHost = { "pulsar:ingress": { manager: { host: "manager.example.com" } } };

describe("values that go past a setting are refused, also in a test environment", () => {
  const cases: Case[] = [
    ["fullnameOverride", "mine", byName],
    ["nameOverride", "mine", byName],
    ["namespace", "elsewhere", "nothing: use pulsar:namespace"],
    ["namespaceCreate", true, "nothing: use pulsar:createNamespace"],
    ["clusterDomain", "example.org", "nothing: use pulsar:clusterDomain"],
    ["bookkeeper.component", "bk", "bookie: volumes, Jobs and addresses"],
    ["initialize", false, "true: a new cluster"],
    ["standalone.enabled", true, "false: this stack is a cluster, see pulsar:layout"],
    ["auth.authentication.jwt.usingSecretKey", true, "nothing: use pulsar:tokens.keys"],
    ["auth.authentication.jwt.usingSecretKey", false, "nothing: use pulsar:tokens.keys", symmetric],
    ["auth.authentication.jwt.generateSecrets.enabled", true, "false: the stack makes keys and tokens (pulsar:tokens)"],
    ["auth.superUsers", { client: "root" }, "nothing: use pulsar:tokens.roles"],
    ["images.broker.tag", "4.0.1", "nothing: use pulsar:images and pulsar:registry"],
    ["images.pulsar_manager.repository", "x/y", "nothing: use pulsar:images and pulsar:registry"],
    ["pulsar_metadata.image.tag", "4.0.1", "nothing: use pulsar:images"],
    ["defaultPulsarImageTag", "4.0.1", "nothing: use pulsar:images"],
    ["images.imagePullSecrets", ["mine"], "nothing: use pulsar:images.pullSecret"],
    ...["zookeeper", "bookkeeper", "broker", "proxy"].map((component): Case => [
      `components.${component}`,
      false,
      "true: Pulsar and the stack's Jobs need it",
    ]),
    ["components.pulsar_manager", false, "true: the Job that makes its login, or pulsar:ingress.manager", behindHost],
    ["broker.configData.maxTenants", 5, "text, in quotes: it goes into a ConfigMap"],
    ["bookkeeper.configData.journalSyncData", false, "text, in quotes"],
    ["function_worker.configData.PF_x", 0.2, "text, in quotes"],
    ["tls.enabled", true, "false: the stack's Jobs and addresses reach the components without TLS"],
    ["proxy.ports", { http: 8000 }, "nothing: the stack's Jobs, addresses and network policies use the chart's own"],
    ["pulsar_manager.service.port", 80, "9527: "],
    ["zookeeper.volumes.data.name", "state", "data: the stack makes the claims by this name"],
    ["bookkeeper.volumes.ledgers.size", "1Ti", "nothing: use pulsar:volumes.sizes"],
    ["bookkeeper.volumes.journal.storageClassName", "gp2", "nothing: use pulsar:volumes.storageClass"],
    ["bookkeeper.volumes.useSingleCommonVolume", true, "false: the stack makes a volume for ZooKeeper's data"],
  ];
  for (const [path, value, allowed, changes] of cases) {
    test(`${path}: ${JSON.stringify(value)}`, () => {
      const found = `pulsar:values.${path}: found ${JSON.stringify(value)}; allowed: ${allowed}`;
      hasOneFault(config(at(path, value), "4.7.0", changes), found);
    });
  }

  test("the manager that a Job of chart 2.7.7 needs", () => {
    hasOneFault(
      config(at("components.pulsar_manager", false), "2.7.7"),
      "pulsar:values.components.pulsar_manager: found false",
    );
  });

  test("in production once, although a rule of production looks at the same key", () => {
    const values = { images: { broker: { tag: "latest" } } };
    hasOneFault(stackConfig("prod", { "pulsar:values": values }), "pulsar:values.images.broker.tag: ");
  });

  for (const [path, value] of [
    ["auth", null],
    ["auth.authentication.enabled", null],
    ["persistence", null],
    ["components.broker", null],
    ["broker.configData", null],
  ] as const) {
    test(`null at ${path}, which would remove what the program sets`, () => {
      hasOneFault(config(at(path, value)), `pulsar:values.${path}: found null; allowed: a value; or leave the key out`);
    });
  }

  for (const [path, value] of [
    ["auth", "none"],
    ["zookeeper.volumes", []],
  ] as const) {
    test(`${JSON.stringify(value)} in the place of the object ${path}`, () => {
      hasOneFault(config(at(path, value)), `pulsar:values.${path}: found ${JSON.stringify(value)}; allowed: an object`);
    });
  }

  test("in production, what Helm takes for off or on in another spelling", () => {
    for (const [path, value] of [
      ["auth.authentication.enabled", ""],
      ["auth.authorization.enabled", 0],
      ["volumes.persistence", "no"],
      ["proxy.ingress.enabled", "true"],
      ["broker.configData.authenticationEnabled", "false"],
      ["proxy.configData.PULSAR_PREFIX_anonymousUserRole", "admin"],
    ] as const) {
      hasOneFault(stackConfig("prod", { "pulsar:values": at(path, value) }), `pulsar:values.${path}: found`);
    }
  });

  test("each with all others", () => {
    assert.equal(faults(config({ namespace: "a", fullnameOverride: "b", tls: { enabled: true } })).length, 3);
  });
});

describe("values pass", () => {
  const cases: [title: string, values: object, changes?: Record<string, unknown>][] = [
    [
      "that say what the settings say",
      { auth: { superUsers: { client: "admin" }, authentication: { jwt: { usingSecretKey: false } } } },
    ],
    ["that say what other settings say", at("auth.authentication.jwt.usingSecretKey", true) as object, symmetric],
    [
      "that switch off what nothing needs",
      { components: { toolset: false, autorecovery: false, pulsar_manager: false } },
    ],
    [
      "that switch on what no setting knows",
      { components: { functions: true, dekaf: true }, images: { dekaf: { tag: "1.2" } } },
    ],
    [
      "with texts in configData, or without a key of the chart's",
      { broker: { configData: { maxTenants: "5", PULSAR_GC: null } } },
    ],
    ["with TLS settings that are off", { tls: { enabled: false, proxy: { enabled: true } } }],
    [
      "that are as the chart has them",
      { zookeeper: { component: "zookeeper", volumes: { data: { name: "data" } } }, nameOverride: "" },
    ],
    ["with a subchart's own keys", { "victoria-metrics-k8s-stack": { enabled: false, grafana: { enabled: false } } }],
    [
      "with what is free",
      { broker: { annotations: { a: "b" }, nodeSelector: { c: "d" } }, labels: { team: "x" }, extraDeploy: [] },
    ],
  ];
  for (const [title, values, changes] of cases) {
    test(title, () => {
      const { warnings } = parseSettings(config(values, "4.7.0", changes), "test", true);
      assert.deepEqual(warnings, []);
    });
  }
});

describe("keys that the chart does not read are warned of", () => {
  test("with the chart's version", () => {
    assert.deepEqual(warnings({ broker: { replicacount: 3, gracePeriod: 30 }, brokers: {} }), [
      "pulsar:values.broker.replicacount: chart 4.7.0 does not read this key",
      "pulsar:values.brokers: chart 4.7.0 does not read this key",
    ]);
  });

  test("each chart its own", () => {
    const values = { monitoring: { grafana: false }, proxy: { podMonitor: { enabled: false } } };
    assert.deepEqual(warnings(values, "4.7.0"), [
      "pulsar:values.monitoring.grafana: chart 4.7.0 does not read this key",
    ]);
    assert.deepEqual(warnings(values, "2.7.7"), []);
  });
});
