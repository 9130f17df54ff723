import assert from "node:assert/strict";
import { describe, test } from "node:test";
import * as pulumi from "@pulumi/pulumi";
import { parseSettings } from "../../settings/settings.ts";
import { type Cases, faults, hasOneFault } from "../support/faults.ts";
import { nodes } from "../support/nodeGroups.ts";
import { valueOf } from "../support/mocks.ts";
import { projectFile, stackConfig, testSecrets } from "../support/stackFile.ts";

const images = {
  pulsar: "apachepulsar/pulsar-all:2.7.4",
  manager: "apachepulsar/pulsar-manager:v0.2.0",
  pullSecret: "regsecret",
};

test("the committed test stack has the reference deployment's settings", async () => {
  const settings = parseSettings(stackConfig("test"), "test", false);
  assert.equal(settings.layoutName, "mixed");
  assert.deepEqual(
    settings.nodes,
    ["node1", "node2", "node3"].map((name, i) => ({ name, hostname: name, setting: `pulsar:nodes[${i}]` })),
  );
  assert.deepEqual(settings.nodeLabel, { key: "node-role.kubernetes.io/pulsar", value: "pulsar" });
  assert.deepEqual(settings.nodeTaint, { key: "dedicated", value: "pulsar", effect: "NoSchedule" });
  assert.equal(settings.chart.version, "2.7.7");
  assert.equal(settings.chart.source, "https://pulsar.apache.org/charts");
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
  const chart4 = { "pulsar:chart": { version: "4.7.0" } };
  const cases: Cases = {
    "pulsar:replica: is not a setting; did you mean pulsar:replicas?": { "pulsar:replica": {} },
    "pulsar:tokens.generatoin: is not a setting; did you mean pulsar:tokens.generation?": {
      "pulsar:tokens": { generatoin: 2 },
    },
    "pulsar:tokens.keys.size: is not a setting; write keys: { size: ... } in the stack file, or add --path to pulumi config set":
      { "pulsar:tokens": { "keys.size": 2 } },
    "pulsar:managerDatabase.admin.user: is not a setting; write pulsar:managerDatabase: { admin: { user: ... } } in the stack file, or add --path to pulumi config set":
      { "pulsar:managerDatabase.admin.user": "postgres" },
    "pulsr:layout: is not read by this program; did you mean pulsar:layout?": { "pulsr:layout": "mixed" },
    "kubernetes:kubeconfg: is not read by this program; did you mean kubernetes:kubeconfig?": {
      "kubernetes:kubeconfg": "/x",
    },
    "pulsar:toString: is not a setting; use one of layout, ": { "pulsar:toString": 3 },
    "pulsar:volumes.dataDir: is not a setting; use one of storageClass, dataDirectory": {
      "pulsar:volumes": { dataDir: "/x" },
    },
    'pulsar:layout: "spread" is not valid; use one of mixed, dedicated': { "pulsar:layout": "spread" },
    "pulsar:layout: is not set; set one of mixed, dedicated": { "pulsar:layout": "" },
    'pulsar:nodes: "node1,node2" is not valid; use a list of nodes': { "pulsar:nodes": "node1,node2" },
    'pulsar:nodes[2].name: "Node_3" is not valid; use a DNS name': {
      "pulsar:nodes": nodes("node1", "node2", "Node_3"),
    },
    'pulsar:environment: "staging" is not valid; use one of test, production': { "pulsar:environment": "staging" },
    "pulsar:nodes[0].cpu: 0 is not valid; use CPU in cores such as 4, 0.5 or 500m": {
      "pulsar:nodes": [{ name: "node1", cpu: 0 }],
    },
    'pulsar:movedVolumes[0].pod: "broker-1" is not valid; use a pod with data, such as bookie-1 or zookeeper-0': {
      "pulsar:movedVolumes": [{ pod: "broker-1", from: "node1" }],
    },
    "pulsar:replicas.broker: 1.5 is not valid; use a whole number from 1 to 1000": {
      "pulsar:replicas": { broker: 1.5 },
    },
    'pulsar:clusterDomain: ".cluster.local" is not valid; use a DNS name': { "pulsar:clusterDomain": ".cluster.local" },
    'pulsar:values.clusterDomain: "cluster.local" is not allowed, because the racks of the bookies follow pulsar:clusterDomain; use pulsar:clusterDomain':
      { "pulsar:clusterDomain": "k8s.example", "pulsar:values": { clusterDomain: "cluster.local" } },
    'pulsar:chart.version: "2.7.8" is not valid; use one of 4.7.0, 2.7.7': { "pulsar:chart": { version: "2.7.8" } },
    'pulsar:chart.source: "ftp://charts" is not valid': {
      "pulsar:chart": { version: "2.7.7", source: "ftp://charts" },
    },
    'pulsar:volumes.sizes.bookie-journal: "50 GB" is not valid; use a Kubernetes quantity such as 20Gi': {
      "pulsar:volumes": { sizes: { "bookie-journal": "50 GB" } },
    },
    "pulsar:volumes.dataDirectory: \"/data/\" is not valid; use an absolute path such as /home/pulsar/data, without '..' and without '/' at the end":
      { "pulsar:volumes": { dataDirectory: "/data/" } },
    'pulsar:volumes.dataDirectory: "/data/../etc" is not valid': {
      "pulsar:volumes": { dataDirectory: "/data/../etc" },
    },
    'pulsar:images.pulsar: "apachepulsar/pulsar-all" is not valid; use an image with its tag': {
      "pulsar:images": { ...images, pulsar: "apachepulsar/pulsar-all" },
    },
    'pulsar:images.pulsar: "quay.io/apachepulsar/pulsar-all:2.7.4" names a registry although pulsar:registry (harbor.example.com/library) is set; use the name of the image without its registry':
      { "pulsar:images": { ...images, pulsar: "quay.io/apachepulsar/pulsar-all:2.7.4" } },
    'pulsar:registry: "https://harbor.example.com" is not valid; use a registry such as harbor.example.com/library: host[:port][/path], without scheme':
      {
        "pulsar:registry": "https://harbor.example.com",
      },
    'pulsar:images.manager: "apachepulsar/pulsar-manager:v0.3.0" is not valid; use an image whose tag is a pulsar-manager version with a known schema: v0.2.0, v0.4.0':
      { "pulsar:images": { ...images, manager: "apachepulsar/pulsar-manager:v0.3.0" } },
    'pulsar:managerDatabase.host: "postgres://db" is not valid; use a host name or an IP address': {
      "pulsar:managerDatabase": { host: "postgres://db" },
    },
    "pulsar:managerDatabase.port: 70000 is not valid; use a whole number from 1 to 65535": {
      "pulsar:managerDatabase": { host: "db", port: 70000 },
    },
    'pulsar:managerDatabase.tls: "prefer" is not valid; use one of disable, require, verify-full': {
      "pulsar:managerDatabase": { host: "db", tls: "prefer" },
    },
    "pulsar:proxyService.sourceRanges: has no effect on a Service of type NodePort; remove it, and use pulsar:networkPolicies.clients":
      { "pulsar:proxyService": { type: "NodePort", sourceRanges: ["203.0.113.0/24"] } },
    'pulsar:proxyService.ipFamilies: ["IPv4","IPv4"] is not valid; use a list of IPv4, IPv6': {
      "pulsar:proxyService": { ipFamilies: ["IPv4", "IPv4"] },
    },
    "pulsar:proxyService.externalTrafficPolicy: has no effect on a Service of type ClusterIP; remove it": {
      "pulsar:proxyService": { externalTrafficPolicy: "Local" },
    },
    "pulsar:managerDatabase.tlsCaFile: is not used with tls require": {
      "pulsar:managerDatabase": { host: "db", tls: "require", tlsCaFile: "ca.pem" },
    },
    "pulsar:managerDatabasePassword: is not set; set a password (pulumi config set --secret": {
      "pulsar:managerDatabasePassword": undefined,
    },
    "pulsar:managerDatabaseAdminPassword: is not set; set the password": {
      "pulsar:managerDatabaseAdminPassword": undefined,
    },
    "pulsar:imagePullCredentials: is not set, so Secret regsecret would have to exist": {
      "pulsar:imagePullCredentials": undefined,
    },
    "pulsar:images.pullSecret: is not set although pulsar:imagePullCredentials is": {
      "pulsar:images": { ...images, pullSecret: undefined },
    },
    "pulsar:clients: repeats admin; use each role only once in tokens.roles and clients together": {
      "pulsar:clients": [{ role: "admin" }],
    },
    "pulsar:tokens.roles: repeats admin": { "pulsar:tokens": { roles: { broker: "admin" } } },
    'pulsar:clients[0].role: "asymmetric-key" is not valid; use another role': {
      "pulsar:clients": [{ role: "asymmetric-key" }],
    },
    "pulsar:tokens.roles: repeats admin; use each role only once": { "pulsar:tokens": { roles: { manager: "admin" } } },
    "pulsar:managerPassword: is not set; set a password": { "pulsar:managerPassword": undefined },
    "pulsar:managerPassword: is not set; set a password of six characters or more, without white space, control characters, quotation mark or backslash (pulumi config set --secret pulsar:managerPassword)":
      { ...chart4, "pulsar:managerPassword": undefined },
    "pulsar:images.manager: v0.4.0 lets anybody who reaches it create an account, which chart 2.7.7 cannot prevent; use v0.2.0":
      { "pulsar:images": { ...images, manager: "apachepulsar/pulsar-manager:v0.4.0" } },
    "pulsar:manager.user: \"o.brien\" is not valid; use a login name: letters, digits and '_'": {
      ...chart4,
      "pulsar:manager": { user: "o.brien" },
    },
    ...Object.fromEntries(
      ["https://pulsar.example.com", "pulsar.example.com:443", "*.example.com", "Pulsar.example.com", "10.0.0.1"].map(
        (host) => [
          `pulsar:ingress.manager.host: "${host}" is not valid; use a host name such as pulsar.example.com, without scheme, port or '*'`,
          { "pulsar:ingress": { manager: { host } } },
        ],
      ),
    ),
    "pulsar:ingress.manager.host: is not set; set a host name": { "pulsar:ingress": { manager: { tlsSecret: "tls" } } },
    "pulsar:ingress: sets className, issuer, annotations without a host; set a host in manager or admin, or remove them":
      { "pulsar:ingress": { className: "nginx", issuer: "ca", annotations: { a: "b" } } },
    'pulsar:ingress.admin.host: "pulsar.example.com" is also the manager\'s host, and the manager serves /admin and /lookup too; use another host':
      { "pulsar:ingress": { manager: { host: "pulsar.example.com" }, admin: { host: "pulsar.example.com" } } },
    "pulsar:ingress.issuer: a and clusterIssuer b are both set; set only one of them": {
      "pulsar:ingress": { manager: { host: "m.example.com" }, issuer: "a", clusterIssuer: "b" },
    },
    'pulsar:ingress.annotations.cert-manager.io/cluster-issuer: "a" belongs in pulsar:ingress.clusterIssuer; set it there instead':
      {
        "pulsar:ingress": {
          manager: { host: "m.example.com" },
          annotations: { "cert-manager.io/cluster-issuer": "a" },
        },
      },
    "pulsar:ingress.admin.tlsSecret: tls is also the manager's Secret, but ca issues a certificate for each host; use another Secret":
      {
        "pulsar:ingress": {
          issuer: "ca",
          manager: { host: "m.example.com", tlsSecret: "tls" },
          admin: { host: "a.example.com", tlsSecret: "tls" },
        },
      },
    "pulsar:ingress.annotations.a: true is not valid; use text, in quotes": {
      "pulsar:ingress": { manager: { host: "m.example.com" }, annotations: { a: true } },
    },
    'pulsar:tokens.expires: "2027-02-30" is not valid; use a day such as 2027-06-30': {
      "pulsar:tokens": { expires: "2027-02-30" },
    },
    'pulsar:clients[0].expires: "2027-06-30T12:00:00Z" is not valid; use a day such as 2027-06-30': {
      "pulsar:clients": [{ role: "orders", expires: "2027-06-30T12:00:00Z" }],
    },
    "pulsar:tokens.generation: 0 is not valid; use a whole number from 1 to 100000": {
      "pulsar:tokens": { generation: 0 },
    },
    'pulsar:tokens.keys: "rsa" is not valid; use one of asymmetric, ecdsa, symmetric': {
      "pulsar:tokens": { keys: "rsa" },
    },
    "kubernetes:context: is not set; set the kubeconfig context": { "kubernetes:context": undefined },
    "kubernetes:kubeconfig: holds the contents of a kubeconfig, which would put the cluster's credentials into the state; use the path of a kubeconfig":
      {
        "kubernetes:kubeconfig": "apiVersion: v1\nusers: []",
      },
  };
  for (const [fault, changes] of Object.entries(cases)) {
    test(fault, () => {
      hasOneFault(stackConfig("test", changes), fault);
    });
  }
  for (const password of ["short", "with space", 'with"quote', "with\\backslash"]) {
    test(`the manager's password ${password}`, () => {
      hasOneFault(
        stackConfig("test", { ...chart4, "pulsar:managerPassword": password }),
        "pulsar:managerPassword: the secret value is not valid; use a password of six characters or more, without white space, control characters, quotation mark or backslash (pulumi config set --secret pulsar:managerPassword)",
      );
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

test("an invalid setting hides only the faults that depend on it", () => {
  const invalid = {
    "pulsar:tokens": { keys: "rsa" },
    "pulsar:chart": { version: "1" },
    "pulsar:volumes": { dataDirectory: "data" },
    "pulsar:nodes": [{ name: "Node_1" }],
    "pulsar:ledgers": { ack: 0 },
  };
  const others = {
    "pulsar:values": { namespace: "a", clusterDomain: "b", auth: { superUsers: { client: "root" } } },
    "pulsar:tenants": [{ name: "shop", adminRoles: ["a", "a"] }],
    "pulsar:pods": { broker: { requests: { cpu: 8 }, limits: { cpu: 2 } } },
  };
  for (const [key, value] of Object.entries(invalid)) {
    const found = faults(stackConfig("test", { ...others, [key]: value })).map((line) => line.split(": ")[0]);
    const superUsers = key === "pulsar:tokens" || key === "pulsar:chart" ? [] : ["pulsar:values.auth.superUsers"];
    assert.ok(found.shift()?.startsWith(key));
    assert.deepEqual(
      found.sort(),
      [
        "pulsar:pods.broker.requests.cpu",
        "pulsar:tenants[0].adminRoles[1]",
        ...superUsers,
        "pulsar:values.clusterDomain",
        "pulsar:values.namespace",
      ],
      key,
    );
  }
});

test("keys of other namespaces are accepted", () => {
  const config = stackConfig("test", { "pulumi:tags": "{}", "kubernetes:namespace": "x", "aws:region": "eu" });
  assert.equal(parseSettings(config, "test", false).layoutName, "mixed");
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
      /^pulsar:managerDatabasePassword: the secret value is not valid; use a password without white space, quotation marks, backslash and \$\{\.\.\.\}: the manager/,
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

  test("under a misspelled key are reported as unknown, without being shown", () => {
    const config = stackConfig("test", { "pulsar:managerPasswrd": "hidden" });
    const found = faults({ ...config, encrypted: [...config.encrypted, "pulsar:managerPasswrd"] });
    assert.deepEqual(found, ["pulsar:managerPasswrd: is not a setting; did you mean pulsar:managerPassword?"]);
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

test("the host of an Ingress may end with a digit", () => {
  const ingress = { manager: { host: "pulsar.lab1" } };
  assert.equal(
    parseSettings(stackConfig("test", { "pulsar:ingress": ingress }), "test", true).ingress?.manager?.host,
    "pulsar.lab1",
  );
});
