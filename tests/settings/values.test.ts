import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { parseSettings } from "../../settings/settings.ts";
import { faults, hasOneFault } from "../support/faults.ts";
import { at, stackConfig } from "../support/stackFile.ts";

type Version = "2.7.7" | "4.7.0";
type Case = [path: string, value: unknown, expected: string, changes?: Record<string, unknown>];

const config = (values: unknown, version: Version = "4.7.0", changes: Record<string, unknown> = {}) =>
  stackConfig("test", { "pulsar:chart": { version }, "pulsar:values": values, ...changes });
const warnings = (values: unknown, version: Version = "4.7.0") =>
  parseSettings(config(values, version), "test", true).warnings.filter((line) => line.startsWith("pulsar:values"));

const byName = ", because volumes, Jobs and addresses are named after pulsar:release; use pulsar:release";
const symmetric = { "pulsar:tokens": { keys: "symmetric" } };
const behindHost = { "pulsar:ingress": { manager: { host: "manager.example.com" } } };

describe("chart values that contradict the settings are refused, also in a test environment", () => {
  const cases: Case[] = [
    ["fullnameOverride", "mine", byName],
    ["nameOverride", "mine", byName],
    ["namespace", "elsewhere", "; use pulsar:namespace"],
    ["namespaceCreate", true, "; use pulsar:createNamespace"],
    [
      "clusterDomain",
      "example.org",
      ", because the racks of the bookies follow pulsar:clusterDomain; use pulsar:clusterDomain",
    ],
    ["bookkeeper.component", "bk", ", because volumes, Jobs and addresses are named after bookie; remove it"],
    ["initialize", false, ", because a new cluster would never be initialized; remove it"],
    ["standalone.enabled", true, ", because this stack is a cluster (pulsar:layout); remove it"],
    ["auth.authentication.jwt.usingSecretKey", true, "; use pulsar:tokens.keys"],
    ["auth.authentication.jwt.usingSecretKey", false, "; use pulsar:tokens.keys", symmetric],
    [
      "auth.authentication.jwt.generateSecrets.enabled",
      true,
      ", because the stack creates keys and tokens (pulsar:tokens); remove it",
    ],
    [
      "auth.superUsers",
      { client: "root" },
      ", because tokens and their Secrets are named after pulsar:tokens.roles; use pulsar:tokens.roles",
    ],
    ["images.broker.tag", "4.0.1", "; use pulsar:images and pulsar:registry"],
    ["images.pulsar_manager.repository", "x/y", "; use pulsar:images and pulsar:registry"],
    ["pulsar_metadata.image.tag", "4.0.1", "; use pulsar:images"],
    ["defaultPulsarImageTag", "4.0.1", "; use pulsar:images"],
    ["images.imagePullSecrets", ["mine"], "; use pulsar:images.pullSecret"],
    ...["zookeeper", "bookkeeper", "broker", "proxy"].map((component): Case => [
      `components.${component}`,
      false,
      ", because Pulsar and the stack's Jobs need the component; remove it",
    ]),
    [
      "components.pulsar_manager",
      false,
      ", because pulsar:ingress.manager or the Job that creates its login needs the component",
      behindHost,
    ],
    ["broker.configData.maxTenants", 5, ", because a ConfigMap holds only text; put it in quotes"],
    ["bookkeeper.configData.journalSyncData", false, ", because a ConfigMap holds only text"],
    ["function_worker.configData.PF_x", 0.2, ", because a ConfigMap holds only text"],
    ["tls.enabled", true, ", because the stack creates the certificates; use pulsar:tls"],
    ["tls.proxy", { cert_name: "mine" }, ", because the stack creates the certificates; use pulsar:tls"],
    ...["function_worker", "oxia", "dekaf"].map((component): Case => [
      `components.${component}`,
      true,
      ", because pulsar:tls does not encrypt the component's connections; remove it",
      { "pulsar:tls": { enabled: true } },
    ]),
    [
      "proxy.ports",
      { http: 8000 },
      ", because the stack's Jobs, addresses and network policies use the chart's own ports",
    ],
    [
      "pulsar_manager.service.port",
      80,
      ", because the stack's Jobs, addresses and network policies use port 9527; remove it",
    ],
    ["zookeeper.volumes.data.name", "state", ", because the stack creates the claims under the name data; remove it"],
    ["bookkeeper.volumes.ledgers.size", "1Ti", "; use pulsar:volumes.sizes"],
    ["bookkeeper.volumes.journal.storageClassName", "gp2", "; use pulsar:volumes.storageClass"],
    [
      "bookkeeper.volumes.useSingleCommonVolume",
      true,
      ", because the stack creates one volume each for ZooKeeper's data",
    ],
  ];
  cases.push(
    ...["EnsembleSize", "WriteQuorum", "AckQuorum"].map((key): Case => [
      `broker.configData.managedLedgerDefault${key}`,
      "5",
      "; use pulsar:ledgers, which is checked against the bookies",
    ]),
    ["bookkeeper.resources", { requests: { cpu: 9 } }, "; use pulsar:pods, which is checked against the nodes"],
  );
  for (const [path, value, expected, changes] of cases) {
    test(`${path}: ${JSON.stringify(value)}`, () => {
      const line = `pulsar:values.${path}: ${JSON.stringify(value)} is not allowed${expected}`;
      hasOneFault(config(at(path, value), "4.7.0", changes), line);
    });
  }

  test("the manager that a Job of chart 2.7.7 needs", () => {
    hasOneFault(
      config(at("components.pulsar_manager", false), "2.7.7"),
      "pulsar:values.components.pulsar_manager: false is not allowed",
    );
  });

  test("one fault for a key with two rules", () => {
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
    test(`null at ${path}`, () => {
      hasOneFault(
        config(at(path, value)),
        `pulsar:values.${path}: null is not allowed, because it removes what the program sets; use a value, or remove the key`,
      );
    });
  }

  for (const [path, value] of [
    ["auth", "none"],
    ["zookeeper.volumes", []],
  ] as const) {
    test(`${JSON.stringify(value)} instead of the object ${path}`, () => {
      hasOneFault(
        config(at(path, value)),
        `pulsar:values.${path}: ${JSON.stringify(value)} is not valid; use an object of chart values`,
      );
    });
  }

  test("in production, other spellings of true and false", () => {
    for (const [path, value] of [
      ["auth.authentication.enabled", ""],
      ["auth.authorization.enabled", 0],
      ["volumes.persistence", "no"],
      ["proxy.ingress.enabled", "true"],
      ["broker.configData.authenticationEnabled", "false"],
      ["proxy.configData.PULSAR_PREFIX_anonymousUserRole", "admin"],
    ] as const) {
      hasOneFault(
        stackConfig("prod", { "pulsar:values": at(path, value) }),
        `pulsar:values.${path}: ${JSON.stringify(value)} is not allowed in production`,
      );
    }
  });

  test("all at once", () => {
    assert.equal(faults(config({ namespace: "a", fullnameOverride: "b", tls: { enabled: true } })).length, 3);
  });
});

describe("secrets in chart values are refused without being shown", () => {
  const inSecret = "put it into a Secret of the namespace, and refer to that";
  const cases: [key: string, values: unknown, remedy?: string][] = [
    ["broker.configData.password", at("broker.configData.password", "hidden")],
    ["broker.configData.tokenSecretKey", at("broker.configData.tokenSecretKey", "data:;base64,hidden")],
    ["proxy.configData.brokerClientParameters", at("proxy.configData.brokerClientParameters", "token:eyJhidden")],
    ...[
      ["brokerClientAuthenticationParameters", "hidden"],
      ["PULSAR_PREFIX_brokerClientAuthenticationParameters", '{"userId":"admin","password":"hidden"}'],
      ["bookkeeperClientAuthenticationParameters", "token:hidden"],
      ["clientAuthParams", "hidden"],
      ["tlsKeyStorePassword", "hidden"],
      ["brokerClientTlsTrustStorePassword", "hidden"],
      ["s3ManagedLedgerOffloadCredentialSecret", "hidden"],
      ["metadataUrl", "jdbc:postgresql://db/manager?user=admin&password=hidden"],
      ["otherUrl", "jdbc:postgresql://admin:hidden@db/manager"],
      ["serverUrl", "Server=db;User Id=sa;Pwd=hidden"],
      ["headers", "Authorization: Bearer hidden-hidden-1"],
      ["otherHeaders", "Authorization: Basic aGlkZGVuOmhpZGRlbg=="],
      ["hook", "https://hooks.slack.com/services/T0HIDDEN/B0HIDDEN/hidden"],
      ...["ghp_", "github_pat_", "glpat-", "xoxb-"].map((prefix) => [prefix, `${prefix}${"hidden".repeat(4)}`]),
      ["aws", `AKIA${"HIDDEN67".repeat(2)}`],
    ].map(([key = "", value]): [string, unknown] => [
      `broker.configData.${key}`,
      at(`broker.configData.${key}`, value),
    ]),
    ["grafana.admin.password", at("grafana.admin.password", 1234)],
    ["proxy.extraEnv[0].value", { proxy: { extraEnv: [{ name: "DB_PASSWORD", value: "hidden" }] } }],
    [
      "pulsar_manager.admin.password",
      at("pulsar_manager.admin.password", "hidden"),
      "use pulsar:managerPassword (pulumi config set --secret)",
    ],
    [
      "pulsar_manager.admin.db_password",
      at("pulsar_manager.admin.db_password", "hidden"),
      "use pulsar:managerDatabasePassword (pulumi config set --secret)",
    ],
  ];
  for (const [key, values, remedy = inSecret] of cases) {
    test(key, () => {
      const expected = [`pulsar:values.${key}: holds a secret in plain text; ${remedy}`];
      assert.deepEqual(faults(config(values)), expected);
      assert.deepEqual(faults(stackConfig("prod", { "pulsar:values": values })), expected);
    });
  }
});

describe("chart values are accepted", () => {
  const cases: [title: string, values: object, changes?: Record<string, unknown>][] = [
    [
      "that say what the settings say",
      { auth: { superUsers: { client: "admin" }, authentication: { jwt: { usingSecretKey: false } } } },
    ],
    ["that say what other settings say", at("auth.authentication.jwt.usingSecretKey", true), symmetric],
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
    [
      "that refer to secrets",
      {
        broker: {
          configData: {
            tlsKeyStorePassword: "${PASSWORD}",
            bookkeeperClientToken: "file:///token",
            brokerClientAuthenticationParameters: "file:///pulsar/tokens/broker/token",
            bookkeeperClientAuthenticationParameters: "tlsCertFile:/tls/tls.crt,tlsKeyFile:/tls/tls.key",
            metadataUrl: "jdbc:postgresql://db/manager?user=admin",
            authenticationProviders: "Basic authentication",
          },
          storageOffload: { secret: "offload" },
        },
        pulsar_manager: { admin: { existingSecret: "login" } },
      },
    ],
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

describe("keys that the chart does not read cause a warning", () => {
  test("with the chart's version", () => {
    assert.deepEqual(warnings({ broker: { replicacount: 3, gracePeriod: 30 }, brokers: {} }), [
      "pulsar:values.broker.replicacount: chart 4.7.0 does not read this key",
      "pulsar:values.brokers: chart 4.7.0 does not read this key",
    ]);
  });

  test("by chart version", () => {
    const values = { monitoring: { grafana: false }, proxy: { podMonitor: { enabled: false } } };
    assert.deepEqual(warnings(values, "4.7.0"), [
      "pulsar:values.monitoring.grafana: chart 4.7.0 does not read this key",
    ]);
    assert.deepEqual(warnings(values, "2.7.7"), []);
  });
});
