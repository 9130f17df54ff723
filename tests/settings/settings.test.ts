import assert from "node:assert/strict";
import { describe, test } from "node:test";
import * as pulumi from "@pulumi/pulumi";
import { parseSettings } from "../../settings/settings.ts";
import { faults } from "../support/faults.ts";
import { valueOf } from "../support/mocks.ts";
import { projectFile, stackConfig, testSecrets } from "../support/stackFile.ts";

const nodes = (...names: string[]) => names.map((name) => ({ name }));
const images = {
  pulsar: "apachepulsar/pulsar-all:2.7.4",
  manager: "apachepulsar/pulsar-manager:v0.2.0",
  pullSecret: "regsecret",
};

test("the committed test stack is the reference deployment", async () => {
  const settings = parseSettings(stackConfig("test"), "test", false);
  assert.equal(settings.layoutName, "mixed");
  assert.deepEqual(
    settings.nodes,
    ["node1", "node2", "node3"].map((name, i) => ({ name, hostname: name, setting: `pulsar:nodes[${i}]` })),
  );
  assert.deepEqual(settings.nodeLabel, { key: "node-role.kubernetes.io/pulsar", value: "pulsar" });
  assert.deepEqual(settings.nodeTaint, { key: "dedicated", value: "pulsar", effect: "NoSchedule" });
  assert.deepEqual(settings.chart, {
    version: "2.7.7",
    source: "https://pulsar.apache.org/charts",
    timeoutMinutes: 30,
  });
  assert.deepEqual(settings.images.pulsar, {
    repository: "harbor.example.com/library/apachepulsar/pulsar-all",
    tag: "2.7.4",
  });
  assert.deepEqual(settings.volumes, {
    dataDirectory: "/home/pulsar/data",
    directories: {},
    createDirectories: true,
    storageClass: { name: "local-storage", create: true },
    sizes: { "zookeeper-data": "20Gi", "bookie-journal": "50Gi", "bookie-ledgers": "50Gi" },
  });
  assert.equal(settings.managerDatabase.tls, "disable");
  assert.deepEqual(settings.cluster, { context: "test-cluster", kubeconfig: undefined });
  assert.ok(await pulumi.isSecret(settings.managerDatabase.password));
  assert.equal(await valueOf(settings.managerDatabase.password), "manager-password-in-plain");
});

describe("one fault, with its key, problem and remedy:", () => {
  type Case = [title: string, changes: Record<string, unknown>, expected: RegExp];
  const chart4 = { "pulsar:chart": { version: "4.7.0" } };
  const cases: Case[] = [
    [
      "an unknown key",
      { "pulsar:replica": {} },
      /^pulsar:replica: is not a setting; use one of layout, environment, nodes, /,
    ],
    [
      "a nested unknown key",
      { "pulsar:volumes": { dataDir: "/x" } },
      /^pulsar:volumes\.dataDir: is not a setting; use .*dataDirectory/,
    ],
    [
      "a layout there is not",
      { "pulsar:layout": "spread" },
      /^pulsar:layout: "spread" is not valid; use one of mixed, dedicated$/,
    ],
    ["no layout", { "pulsar:layout": "" }, /^pulsar:layout: is not set; set one of mixed, dedicated$/],
    [
      "nodes that are no list",
      { "pulsar:nodes": "node1,node2" },
      /^pulsar:nodes: "node1,node2" is not valid; use a list of nodes/,
    ],
    [
      "a bad node name",
      { "pulsar:nodes": nodes("node1", "node2", "Node_3") },
      /^pulsar:nodes\[2\]\.name: "Node_3" is not valid; use a DNS name/,
    ],
    [
      "an environment there is not",
      { "pulsar:environment": "staging" },
      /^pulsar:environment: "staging" is not valid; use one of test, production$/,
    ],
    [
      "no CPU at all",
      { "pulsar:nodes": [{ name: "node1", cpu: 0 }] },
      /^pulsar:nodes\[0\]\.cpu: 0 is not valid; use CPU in cores such as 4, 0\.5 or 500m$/,
    ],
    [
      "a move of what has no data",
      { "pulsar:movedVolumes": [{ pod: "broker-1", from: "node1" }] },
      /^pulsar:movedVolumes\[0\]\.pod: "broker-1" is not valid; use a pod with data, such as bookie-1 or zookeeper-0$/,
    ],
    [
      "half a replica",
      { "pulsar:replicas": { broker: 1.5 } },
      /^pulsar:replicas\.broker: 1\.5 is not valid; use a whole number from 1 to 1000$/,
    ],
    [
      "a cluster domain with a leading dot",
      { "pulsar:clusterDomain": ".cluster.local" },
      /^pulsar:clusterDomain: "\.cluster\.local" is not valid; use a DNS name/,
    ],
    [
      "chart values for another cluster domain",
      { "pulsar:clusterDomain": "k8s.example", "pulsar:values": { clusterDomain: "cluster.local" } },
      /^pulsar:values\.clusterDomain: "cluster\.local" is not allowed, because the racks of the bookies follow pulsar:clusterDomain; use pulsar:clusterDomain/,
    ],
    [
      "an unsupported chart version",
      { "pulsar:chart": { version: "2.7.8" } },
      /^pulsar:chart\.version: "2\.7\.8" is not valid; use one of 4\.7\.0, 2\.7\.7$/,
    ],
    [
      "a chart from nowhere",
      { "pulsar:chart": { version: "2.7.7", source: "ftp://charts" } },
      /^pulsar:chart\.source: "ftp:\/\/charts" is not valid/,
    ],
    [
      "a quantity that is none",
      { "pulsar:volumes": { sizes: { "bookie-journal": "50 GB" } } },
      /^pulsar:volumes\.sizes\.bookie-journal: "50 GB" is not valid; use a Kubernetes quantity such as 20Gi$/,
    ],
    [
      "a data directory with ..",
      { "pulsar:volumes": { dataDirectory: "/data/../etc" } },
      /^pulsar:volumes\.dataDirectory: "\/data\/\.\.\/etc" is not valid/,
    ],
    [
      "an image without a tag",
      { "pulsar:images": { ...images, pulsar: "apachepulsar/pulsar-all" } },
      /^pulsar:images\.pulsar: "apachepulsar\/pulsar-all" is not valid; use an image with its tag/,
    ],
    [
      "an image of a registry of its own beside the stack's",
      { "pulsar:images": { ...images, pulsar: "quay.io/apachepulsar/pulsar-all:2.7.4" } },
      /^pulsar:images\.pulsar: "quay\.io\/apachepulsar\/pulsar-all:2\.7\.4" names a registry although pulsar:registry \(harbor\.example\.com\/library\) is set; use the name of the image without its registry$/,
    ],
    [
      "a registry with a scheme",
      { "pulsar:registry": "https://harbor.example.com" },
      /^pulsar:registry: "https:\/\/harbor\.example\.com" is not valid; use a registry such as .*, without scheme$/,
    ],
    [
      "a manager without a known schema",
      { "pulsar:images": { ...images, manager: "apachepulsar/pulsar-manager:v0.3.0" } },
      /^pulsar:images\.manager: .*v0\.3\.0.* is not valid; .*v0\.2\.0, v0\.4\.0/,
    ],
    [
      "a host with a scheme",
      { "pulsar:managerDatabase": { host: "postgres://db" } },
      /^pulsar:managerDatabase\.host: "postgres:\/\/db" is not valid; use a host name or an IP address/,
    ],
    [
      "a port out of range",
      { "pulsar:managerDatabase": { host: "db", port: 70000 } },
      /^pulsar:managerDatabase\.port: 70000 is not valid; use a whole number from 1 to 65535$/,
    ],
    [
      "a TLS mode there is not",
      { "pulsar:managerDatabase": { host: "db", tls: "prefer" } },
      /^pulsar:managerDatabase\.tls: "prefer" is not valid; use one of disable, require, verify-full$/,
    ],
    [
      "a CA that nothing checks against",
      { "pulsar:managerDatabase": { host: "db", tls: "require", tlsCaFile: "ca.pem" } },
      /^pulsar:managerDatabase\.tlsCaFile: is not used with tls require/,
    ],
    [
      "no password",
      { "pulsar:managerDatabasePassword": undefined },
      /^pulsar:managerDatabasePassword: is not set; set a password \(pulumi config set --secret/,
    ],
    [
      "no administrator's password",
      { "pulsar:managerDatabaseAdminPassword": undefined },
      /^pulsar:managerDatabaseAdminPassword: is not set; set the password/,
    ],
    [
      "a pull secret nobody makes",
      { "pulsar:imagePullCredentials": undefined },
      /^pulsar:imagePullCredentials: is not set, so Secret regsecret would have to exist/,
    ],
    [
      "credentials without a name",
      { "pulsar:images": { ...images, pullSecret: undefined } },
      /^pulsar:images\.pullSecret: is not set although pulsar:imagePullCredentials is/,
    ],
    [
      "a role twice",
      { "pulsar:clients": [{ role: "admin" }] },
      /^pulsar:clients: repeats admin; use each role only once in tokens\.roles and clients together$/,
    ],
    ["a super user twice", { "pulsar:tokens": { roles: { broker: "admin" } } }, /^pulsar:tokens\.roles: repeats admin/],
    [
      "a role whose Secret is the key's",
      { "pulsar:clients": [{ role: "asymmetric-key" }] },
      /^pulsar:clients\[0\]\.role: "asymmetric-key" is not valid; use another role/,
    ],
    [
      "a role of the manager's that is somebody else's",
      { "pulsar:tokens": { roles: { manager: "admin" } } },
      /^pulsar:tokens\.roles: repeats admin/,
    ],
    ...[{}, chart4].map((chart): Case => [
      `no password to log in to the manager with, chart ${JSON.stringify(chart)}`,
      { ...chart, "pulsar:managerPassword": undefined },
      /^pulsar:managerPassword: is not set; set a password of six characters .*pulumi config set --secret pulsar:managerPassword/,
    ]),
    [
      "a manager that would let anybody in, with a chart that cannot keep it from doing so",
      { "pulsar:images": { ...images, manager: "apachepulsar/pulsar-manager:v0.4.0" } },
      /^pulsar:images\.manager: v0\.4\.0 lets anybody who reaches it create an account, which chart 2\.7\.7 cannot prevent; use v0\.2\.0$/,
    ],
    ...["short", "with space", 'with"quote', "with\\backslash"].map((password): Case => [
      `a password that the manager or its chart cannot take: ${password}`,
      { ...chart4, "pulsar:managerPassword": password },
      /^pulsar:managerPassword: the secret value is not valid; use a password of six characters or more, without white space, control characters, quotation mark or backslash \(/,
    ]),
    [
      "a name that the manager does not take",
      { ...chart4, "pulsar:manager": { user: "o.brien" } },
      /^pulsar:manager\.user: "o\.brien" is not valid; use a name to log in with: letters, digits and '_'/,
    ],
    ...["https://pulsar.example.com", "pulsar.example.com:443", "*.example.com", "Pulsar.example.com", "10.0.0.1"].map(
      (host): Case => [
        `an Ingress for what is no host name: ${host}`,
        { "pulsar:ingress": { manager: { host } } },
        /^pulsar:ingress\.manager\.host: "[^"]+" is not valid; use a host name such as pulsar\.example\.com, without scheme, port or '\*'$/,
      ],
    ),
    [
      "an Ingress without a host",
      { "pulsar:ingress": { manager: { tlsSecret: "tls" } } },
      /^pulsar:ingress\.manager\.host: is not set; set a host name/,
    ],
    [
      "settings for Ingresses that there are none of",
      { "pulsar:ingress": { className: "nginx", issuer: "ca", annotations: { a: "b" } } },
      /^pulsar:ingress: sets className, issuer, annotations without a host; set a host in manager or admin, or remove them$/,
    ],
    [
      "the same host for manager and admin API",
      { "pulsar:ingress": { manager: { host: "pulsar.example.com" }, admin: { host: "pulsar.example.com" } } },
      /^pulsar:ingress\.admin\.host: "pulsar\.example\.com" is also the manager's host, and the manager serves \/admin and \/lookup too; use another host$/,
    ],
    [
      "two issuers of certificates",
      { "pulsar:ingress": { manager: { host: "m.example.com" }, issuer: "a", clusterIssuer: "b" } },
      /^pulsar:ingress\.issuer: a and clusterIssuer b are both set; set only one of them$/,
    ],
    [
      "an issuer that hides among the annotations",
      {
        "pulsar:ingress": {
          manager: { host: "m.example.com" },
          annotations: { "cert-manager.io/cluster-issuer": "a" },
        },
      },
      /^pulsar:ingress\.annotations\.cert-manager\.io\/cluster-issuer: "a" belongs in pulsar:ingress\.clusterIssuer; set it there instead$/,
    ],
    [
      "one Secret for two certificates that are issued",
      {
        "pulsar:ingress": {
          issuer: "ca",
          manager: { host: "m.example.com", tlsSecret: "tls" },
          admin: { host: "a.example.com", tlsSecret: "tls" },
        },
      },
      /^pulsar:ingress\.admin\.tlsSecret: tls is also the manager's Secret, but ca issues a certificate for each host; use another Secret$/,
    ],
    [
      "an annotation that is no text",
      { "pulsar:ingress": { manager: { host: "m.example.com" }, annotations: { a: true } } },
      /^pulsar:ingress\.annotations\.a: true is not valid; use text, in quotes$/,
    ],
    [
      "a day there is not",
      { "pulsar:tokens": { expires: "2027-02-30" } },
      /^pulsar:tokens\.expires: "2027-02-30" is not valid; use a day such as 2027-06-30$/,
    ],
    [
      "an application's token with a time of day",
      { "pulsar:clients": [{ role: "orders", expires: "2027-06-30T12:00:00Z" }] },
      /^pulsar:clients\[0\]\.expires: "2027-06-30T12:00:00Z" is not valid; use a day such as 2027-06-30$/,
    ],
    [
      "a key before the first",
      { "pulsar:tokens": { generation: 0 } },
      /^pulsar:tokens\.generation: 0 is not valid; use a whole number from 1 to 100000$/,
    ],
    [
      "keys there are not",
      { "pulsar:tokens": { keys: "rsa" } },
      /^pulsar:tokens\.keys: "rsa" is not valid; use one of asymmetric, ecdsa, symmetric$/,
    ],
    ["no cluster", { "kubernetes:context": undefined }, /^kubernetes:context: is not set; set the kubeconfig context/],
    [
      "the contents of a kubeconfig",
      { "kubernetes:kubeconfig": "apiVersion: v1\nusers: []" },
      /^kubernetes:kubeconfig: holds the contents of a kubeconfig, .*; use the path of a kubeconfig/,
    ],
  ];
  for (const [title, changes, expected] of cases) {
    test(title, () => {
      const found = faults(stackConfig("test", changes));
      assert.equal(found.length, 1, found.join("\n"));
      assert.match(found[0] ?? "", expected);
    });
  }
});

test("all faults are reported together", () => {
  const found = faults(
    stackConfig("test", {
      "pulsar:nodes": nodes("node1", "node1"),
      "pulsar:replicas": { zookeeper: 0 },
      "pulsar:managerDatabasePassword": undefined,
      "kubernetes:context": undefined,
      "pulsar:typo": "1",
    }),
  );
  const keys = [
    "pulsar:replicas.zookeeper",
    "pulsar:managerDatabasePassword",
    "pulsar:typo",
    "kubernetes:context",
    "pulsar:nodes[1].name",
  ];
  for (const key of keys)
    assert.ok(
      found.some((line) => line.startsWith(`${key}:`)),
      `${key} is missing in\n${found.join("\n")}`,
    );
});

test("a preview needs no cluster", () => {
  assert.equal(
    parseSettings(stackConfig("test", { "kubernetes:context": undefined }), "test", true).cluster.context,
    undefined,
  );
});

describe("secrets", () => {
  test("in plain text are refused, without being shown", () => {
    const found = faults({ ...stackConfig("test"), encrypted: ["pulsar:managerDatabasePassword"] });
    assert.deepEqual(found.map((line) => line.slice(0, line.indexOf(";"))).sort(), [
      "pulsar:imagePullCredentials: is in plain text",
      "pulsar:managerDatabaseAdminPassword: is in plain text",
      "pulsar:managerPassword: is in plain text",
    ]);
  });

  test("of the wrong form are refused, without being shown", () => {
    const [line = ""] = faults(stackConfig("test", { "pulsar:imagePullCredentials": "s3cret-not-json" }));
    assert.match(line, /^pulsar:imagePullCredentials: the secret value is not valid; use a Docker configuration/);
    assert.doesNotMatch(line, /s3cret/);
  });

  test("that would not reach the manager whole are refused", () => {
    const [line = ""] = faults(stackConfig("test", { "pulsar:managerDatabasePassword": "s3cret ${word}" }));
    assert.match(
      line,
      /^pulsar:managerDatabasePassword: the secret value is not valid; use a password without white space, quotation marks, backslash and \$\{\.\.\.\}: on its way/,
    );
    assert.doesNotMatch(line, /s3cret/);
  });

  test("have no place in plain settings", () => {
    const config = stackConfig("test");
    const [line = ""] = faults({
      ...config,
      encrypted: [...config.encrypted, "pulsar:values"],
      values: { ...config.values, "pulsar:values": '{"a":"hidden"}' },
    });
    assert.match(line, /^pulsar:values: is encrypted; set it in plain text/);
    assert.doesNotMatch(line, /hidden/);
  });

  test("never appear in a report of faults", () => {
    const report = faults({ values: { ...stackConfig("test").values, "pulsar:typo": "x" }, encrypted: [] }).join("\n");
    for (const secret of Object.values(testSecrets)) assert.ok(!report.includes(secret));
  });
});

test("Pulumi.yaml describes every key, with the default the program takes", () => {
  const described = projectFile().config;
  const [line = ""] = faults(stackConfig("test", { "pulsar:unknown": "x" }));
  const keys = line.slice(line.indexOf("one of ") + "one of ".length).split(", ");
  assert.deepEqual(
    Object.keys(described).map((key) => key.replace("pulsar:", "")),
    keys,
  );

  // With each default written out the settings are the same as with none.
  const defaults = Object.fromEntries(Object.entries(described).map(([key, { default: value }]) => [key, value]));
  const { values } = stackConfig("test");
  const missing = Object.fromEntries(Object.entries(defaults).filter(([key]) => values[key] === undefined));
  const settled = (settings: object) =>
    JSON.parse(
      JSON.stringify(settings, (key, value: unknown) =>
        key === "__pulumiOutput" || pulumi.Output.isInstance(value) ? "output" : value,
      ),
    ) as unknown;
  assert.deepEqual(
    settled(parseSettings(stackConfig("test", missing), "test", false)),
    settled(parseSettings(stackConfig("test"), "test", false)),
  );
});

test("numbers that stand for text, and digits in quotes, are taken for what they mean", () => {
  const config = stackConfig("test", {
    "pulsar:nodes": [101, 102, 103].map((name) => ({ name, zone: 1 })),
    "pulsar:nodeLabel": { value: 1 },
    "pulsar:replicas": { broker: "2" },
    "pulsar:managerDatabase": { host: "db", port: "6432", create: "false" },
  });
  const { nodes, nodeLabel, replicas, managerDatabase } = parseSettings(config, "test", false);
  assert.deepEqual(nodes[0], { name: "101", hostname: "101", zone: "1", setting: "pulsar:nodes[0]" });
  assert.deepEqual([nodeLabel.value, replicas.broker], ["1", 2]);
  assert.deepEqual([managerDatabase.port, managerDatabase.create], [6432, false]);
});

describe("a database of the manager's that exists", () => {
  const database = (changes: object) => ({ "pulsar:managerDatabase": { host: "db", ...changes } });

  for (const name of ["pulsar-manager", "PulsarMgr", "mgr@srv01"]) {
    test(`may be called ${name}, and so may its role`, () => {
      const config = stackConfig("test", database({ create: false, name, user: name }));
      const { managerDatabase } = parseSettings(config, "test", false);
      assert.deepEqual([managerDatabase.name, managerDatabase.user], [name, name]);
    });

    test(`is not made as ${name}`, () => {
      const found = faults(stackConfig("test", database({ name, user: name })));
      const remedy =
        "use a PostgreSQL name: lower-case letters, digits and '_', or set pulsar:managerDatabase.create to false if it exists";
      assert.deepEqual(
        found,
        ["name", "user"].map((key) => `pulsar:managerDatabase.${key}: "${name}" is not valid; ${remedy}`),
      );
    });
  }
});
