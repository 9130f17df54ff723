import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { evaluate, violationText } from "../../policy/evaluate.ts";
import { type PolicyObject, type PolicyResource, type RuleName, rules } from "../../policy/rules.ts";
import type { PolicySettings } from "../../policy/settings.ts";
import { policyStack } from "./stack.ts";

const now = new Date("2026-06-01T12:00:00Z");
const digest = `@sha256:${"0".repeat(64)}`;
const toleration = { key: "dedicated", operator: "Equal", value: "pulsar", effect: "NoSchedule" } as const;
const settings: PolicySettings = {
  production: true,
  namespace: "pulsar",
  release: "pulsar",
  registry: "harbor.example.com/library",
  placements: [{ components: ["broker"], nodeSelector: { group: "serving" }, tolerations: [toleration] }],
  givenUp: [],
  waivers: [],
};
const network: PolicyObject = {
  apiVersion: "networking.k8s.io/v1",
  kind: "NetworkPolicy",
  metadata: { name: "all" },
  spec: { podSelector: { matchLabels: { release: "pulsar" } } },
};
const container = {
  name: "main",
  image: "harbor.example.com/library/apachepulsar/pulsar:4.0.12",
  resources: { requests: { cpu: "1", memory: "1Gi" } },
};
const good = { nodeSelector: { group: "serving" }, tolerations: [toleration], containers: [container] };

const workload = (spec: Record<string, unknown> = {}, component = "broker", kind = "StatefulSet"): PolicyObject => ({
  apiVersion: "apps/v1",
  kind,
  metadata: { name: "pulsar-broker" },
  spec: { template: { metadata: { labels: { component } }, spec: { ...good, ...spec } } },
});
const withContainer = (changes: Record<string, unknown>, group = "containers") =>
  workload({ [group]: [{ ...container, ...changes }] });
const service = (type: string, component: string, name = "page", ports?: object[]): PolicyObject => ({
  apiVersion: "v1",
  kind: "Service",
  metadata: { name },
  spec: { type, selector: { component }, ports },
});
const ofPorts = (component: string, ...ports: object[]) => service("ClusterIP", component, component, ports);
const configMap = (text: string): PolicyObject => ({
  apiVersion: "v1",
  kind: "ConfigMap",
  metadata: { name: "settings" },
  data: { "broker.conf": text },
});
const variable = (name: string, value: string) => withContainer({ env: [{ name, value }] });
const volume = (policy: string): PolicyObject => ({
  apiVersion: "v1",
  kind: "PersistentVolume",
  metadata: { name: "disk" },
  spec: { persistentVolumeReclaimPolicy: policy },
});
const volumeResource = (protect: boolean): PolicyResource => ({
  type: "kubernetes:core/v1:PersistentVolume",
  name: "volumes-disk",
  inputs: { metadata: { name: "disk" }, spec: { persistentVolumeReclaimPolicy: "Retain" } },
  secretInputs: [],
  protect,
});
const token = `eyJhbGciOiJSUzI1NiJ9.eyJzdWIiOiJhZG1pbiJ9.c2lnbmF0dXJl`;
const pem = "-----BEGIN RSA PRIVATE KEY-----\nMIIE";

function check(
  given: { objects?: PolicyObject[]; resources?: PolicyResource[] },
  changes: Partial<PolicySettings> = {},
) {
  const { objects = [], resources } = given;
  return evaluate({ objects: [network, ...objects], resources: resources ?? [] }, { ...settings, ...changes }, now);
}

describe("each rule", () => {
  const violating: [RuleName, string, PolicyObject][] = [
    ["images-from-registry", "another registry", withContainer({ image: "docker.io/apachepulsar/pulsar:4.0.12" })],
    [
      "images-from-registry",
      "a name that only begins like it",
      withContainer({ image: "harbor.example.com/library2/a:1" }),
    ],
    ["images-from-registry", "an init container", withContainer({ image: "busybox:1" }, "initContainers")],
    ["images-pinned", "latest", withContainer({ image: "harbor.example.com/library/pulsar:latest" })],
    ["images-pinned", "no tag", withContainer({ image: "harbor.example.com/library/pulsar" })],
    ["manager-not-exposed", "a NodePort", service("NodePort", "pulsar-manager")],
    ["manager-not-exposed", "a LoadBalancer, by name", service("LoadBalancer", "", "pulsar-pulsar-manager")],
    ["no-plain-ports", "a port of the proxies", ofPorts("proxy", { port: 6651 }, { port: 6650 })],
    ["no-plain-ports", "another port of the brokers", ofPorts("broker", { port: 9000, targetPort: 8080 })],
    ["no-plain-ports", "a port by its name", ofPorts("zookeeper", { port: 9000, targetPort: "client" })],
    ["volumes-retained", "Delete", volume("Delete")],
    [
      "volumes-retained",
      "a class that says nothing",
      { apiVersion: "storage.k8s.io/v1", kind: "StorageClass", metadata: { name: "local" } },
    ],
    ["placement", "no selector", workload({ nodeSelector: null })],
    ["placement", "another group", workload({ nodeSelector: { group: "zookeeper" } })],
    ["placement", "no toleration", workload({ tolerations: [] })],
    ["placement", "another effect", workload({ tolerations: [{ ...toleration, effect: "NoExecute" }] })],
    ["placement", "a Job", workload({ tolerations: [] }, "broker", "Job")],
    ["placement", "an unknown component", workload({}, "sidecar")],
    ["requests-set", "nothing", withContainer({ resources: {} })],
    ["requests-set", "memory only", withContainer({ resources: { requests: { memory: "1Gi" } } })],
    ["no-plain-secrets", "a token", configMap(`brokerClientAuthenticationParameters=token:${token}`)],
    ["no-plain-secrets", "a token in base64", configMap(Buffer.from(token).toString("base64"))],
    ["no-plain-secrets", "a key", configMap(pem)],
    ["no-plain-secrets", "a key in base64", configMap(Buffer.from(pem).toString("base64"))],
    ["no-plain-secrets", "a password", configMap("user=admin\npassword=hunter22")],
    ["no-plain-secrets", "a password in an address", configMap("postgres://pulsar:hunter22@db:5432/manager")],
    ["no-plain-secrets", "credentials of a request", configMap("Authorization: Bearer hunter22-hunter22")],
    ["no-plain-secrets", "an access key", configMap(`AKIA${"HUNTER22".repeat(2)}`)],
    ["no-plain-secrets", "a password in a JDBC URL", configMap("url=jdbc:mysql://db/manager?user=a&password=hunter22")],
    ["no-plain-secrets", "parameters of an authentication plugin", configMap("authParams=token:hunter22")],
    ["no-plain-secrets", "a token as such parameters", configMap("authParams=hunter22")],
    ["no-plain-secrets", "a variable", variable("DB_PASSWORD", "hunter22")],
    ["no-plain-secrets", "a variable of Pulsar", variable("PULSAR_PREFIX_tlsKeyStorePassword", "hunter22")],
    ...[
      ["brokerClientAuthenticationParameters", "hunter22"],
      ["brokerClientAuthenticationParameters", "token:hunter22"],
      ["tlsTrustStorePassword", "hunter22"],
    ].map(([key = "", value]): [RuleName, string, PolicyObject] => [
      "no-plain-secrets",
      `${key} in a ConfigMap`,
      { ...configMap(""), data: { [key]: value } },
    ]),
    ["no-plain-secrets", "what a review has masked", configMap("password=[secret]")],
  ];
  for (const [rule, what, object] of violating) {
    test(`${rule} finds ${what}`, () => {
      const { violations } = check({ objects: [object] });
      assert.deepEqual([...new Set(violations.map((one) => one.rule))], [rule], JSON.stringify(violations));
      const [violation] = violations;
      assert.ok(violation);
      assert.match(violationText(violation), /^[A-Z]\w+\/\S+: \S+: [^;]+; .+$/);
      assert.doesNotMatch(violationText(violation), /hunter22|eyJ|MIIE/);
    });
  }

  const accepted: [string, PolicyObject][] = [
    ["a workload as planned", workload()],
    ["a digest", withContainer({ image: `harbor.example.com/library/pulsar${digest}` })],
    [
      "more tolerations and labels than planned",
      workload({ tolerations: [{ operator: "Exists" }, toleration], nodeSelector: { group: "serving", disk: "ssd" } }),
    ],
    ["a load balancer of the proxies", service("LoadBalancer", "proxy")],
    ["ports for TLS", ofPorts("proxy", { port: 443, targetPort: "https" }, { port: 6651, targetPort: "pulsarssl" })],
    ["the port of a bookie", ofPorts("bookie", { port: 3181 }, { port: 8000, targetPort: "http" })],
    ["a Service of the manager inside the cluster", service("ClusterIP", "pulsar-manager")],
    ["a volume that is retained", volume("Retain")],
    ["a Job without requests", workload({ containers: [{ ...container, resources: {} }] }, "broker", "Job")],
    ["the path of a token", configMap("tokenSecretKey=file:///keys/public.key\npassword=${PASSWORD}\npassword=")],
    ["parameters with paths", configMap("authParams=tlsCertFile:/tls.crt,tlsKeyFile:/tls.key\nauthParams=")],
    ["parameters with a path", { ...configMap(""), data: { authParams: "file:///pulsar/tokens/client/token" } }],
    ["a variable with a path", variable("CLIENT_TOKEN", "/pulsar/tokens/client")],
    [
      "a Secret",
      {
        apiVersion: "v1",
        kind: "Secret",
        metadata: { name: "token" },
        data: { TOKEN: Buffer.from(token).toString("base64") },
      },
    ],
    ["a public key", configMap("-----BEGIN PUBLIC KEY-----\nMIIB")],
  ];
  for (const [what, object] of accepted) {
    test(`accepts ${what}`, () => {
      assert.deepEqual(check({ objects: [object] }).violations, []);
    });
  }

  test("volumes-protected finds an unprotected volume, unless it is given up or this is test", () => {
    const resources = [volumeResource(false)];
    assert.deepEqual(
      check({ resources }).violations.map(({ rule, object }) => [rule, object]),
      [["volumes-protected", "PersistentVolume/disk"]],
    );
    assert.deepEqual(check({ resources: [volumeResource(true)] }).violations, []);
    assert.deepEqual(check({ resources }, { givenUp: ["disk"] }).violations, []);
    assert.deepEqual(check({ resources }, { production: false }).violations, []);
  });

  test("network-policies names the components that no policy selects", () => {
    const without = evaluate({}, settings, now).violations;
    assert.deepEqual(without.map(violationText), [
      "Namespace/pulsar: pulsar:networkPolicies.enabled: no NetworkPolicy selects the pods of any component, so the whole cluster can reach them; enable the network policies",
    ]);
    const broker = { ...network, spec: { podSelector: { matchLabels: { component: "broker" } } } };
    const two = {
      ...settings,
      placements: [...settings.placements, { components: ["proxy"], nodeSelector: {}, tolerations: [] }],
    };
    assert.match(evaluate({ objects: [broker] }, two, now).violations[0]?.problem ?? "", /the pods of proxy,/);
    assert.deepEqual(evaluate({}, { ...settings, production: false }, now).violations, []);
  });

  test("no-plain-secrets checks the plain inputs of other resources, and no secret ones", () => {
    const one = {
      type: "pulumi-nodejs:dynamic/pulsar:Token",
      name: "auth-token",
      inputs: { value: token },
      protect: false,
    };
    assert.deepEqual(check({ resources: [{ ...one, secretInputs: ["value"] }] }).violations, []);
    assert.deepEqual(
      check({ resources: [{ ...one, secretInputs: [] }] }).violations.map(({ object, key }) => [object, key]),
      [["Token/auth-token", "value"]],
    );
  });

  test("has a name and a description of one sentence", () => {
    for (const { name, description } of rules) {
      assert.match(name, /^[a-z]+(-[a-z]+)*$/);
      assert.match(description, /^[A-Z][^.]*\.$/);
    }
  });
});

describe("a waiver", () => {
  const objects = [withContainer({ image: "harbor.example.com/library/pulsar:latest" })];
  const waiver = { rule: "images-pinned" as const, reason: "waits for the next release", expires: "2026-06-01" };

  test("holds until the end of its day", () => {
    const { violations, waived, waiverFaults } = check({ objects }, { waivers: [waiver] });
    assert.deepEqual([violations, waived.map((one) => one.waiver), waiverFaults], [[], [waiver], []]);
  });

  test("counts as none when it is expired, and is named", () => {
    const { violations, waived, waiverFaults } = check(
      { objects },
      { waivers: [{ ...waiver, expires: "2026-05-31" }] },
    );
    assert.deepEqual([violations.length, waived], [1, []]);
    assert.deepEqual(waiverFaults, [
      "pulsar:policyWaivers[0]: the waiver of images-pinned expired on 2026-05-31; fix the cause, or review it again",
    ]);
  });

  test("is for one object if it names one, and is named if it has no effect", () => {
    const one = (object: string) => check({ objects }, { waivers: [{ ...waiver, object }] });
    assert.equal(one("StatefulSet/pulsar-broker").violations.length, 0);
    const other = one("StatefulSet/pulsar-proxy");
    assert.equal(other.violations.length, 1);
    assert.deepEqual(other.waiverFaults, [
      "pulsar:policyWaivers[0]: the waiver of images-pinned for StatefulSet/pulsar-proxy has no effect; remove it",
    ]);
  });
});

for (const [stack, version] of [
  ["test", "2.7.7"],
  ["test", "4.7.0"],
  ["prod", "2.7.7"],
  ["prod", "4.7.0"],
] as const) {
  test(`what stack ${stack} registers with chart ${version} violates no policy`, async () => {
    const given = await policyStack(stack, { "pulsar:chart": { version } });
    const { enforcement, violations, waiverFaults } = evaluate(given, given.settings, now);
    assert.deepEqual(violations.map(violationText), []);
    assert.deepEqual([enforcement, waiverFaults], [stack === "prod" ? "mandatory" : "advisory", []]);
  });
}

test("a waiver is a setting", async () => {
  const waiver = { rule: "network-policies", reason: "the cluster has no network plugin", expires: "2026-12-31" };
  const { resources, settings } = await policyStack("prod", {
    "pulsar:networkPolicies": { enabled: false },
    "pulsar:policyWaivers": [waiver],
  });
  const { violations, waived } = evaluate({ resources }, settings, now);
  assert.deepEqual([violations, waived.map((one) => one.waiver)], [[], [waiver]]);
});
