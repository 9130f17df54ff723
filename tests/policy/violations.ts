/** Changes to the plan of a stack, each of which violates one policy. */
import assert from "node:assert/strict";
import { objectsOf, type PolicyObject, type RuleName } from "../../policy/rules.ts";
import type { StackPlan } from "../../review/plan.ts";

interface Violating {
  rule: RuleName;
  what: string;
  /** Changes the plan. @returns the violating object, if one alone violates the policy */
  change: (plan: StackPlan) => PolicyObject | undefined;
}

// The parts of an object or of a resource's inputs that the changes need.
interface Container {
  name?: string;
  image?: string;
  args?: string[];
  env?: { name: string; value: string }[];
  resources?: { requests?: Record<string, string> };
}
interface Pod {
  nodeSelector?: object;
  tolerations?: object[];
  containers: [Container];
  initContainers?: Container[];
}
interface Changeable {
  kind: string;
  metadata: { name: string };
  data: Record<string, string>;
  reclaimPolicy?: string;
  spec: {
    type: string;
    ports: { name: string; port: number; targetPort?: number | string }[];
    externalIPs?: string[];
    persistentVolumeReclaimPolicy: string;
    template: { metadata: { labels: Record<string, string> }; spec: Pod };
  };
}

/** Changes the object of this kind whose name ends so, in the rendered chart. */
function inChart(kind: string, name: string, edit: (object: Changeable) => void): Violating["change"] {
  return ({ objects }) => {
    const object = objects.find((one) => one.kind === kind && one.metadata.name.endsWith(name));
    assert.ok(object, `the chart has no ${kind} ${name}`);
    edit(object as unknown as Changeable);
    return object;
  };
}

/** The same among the resources. */
function inProgram(kind: string, name: RegExp, edit: (object: Changeable) => void): Violating["change"] {
  return ({ resources }) => {
    const resource = resources.find((one) => one.type.endsWith(`:${kind}`) && name.test(one.name));
    assert.ok(resource, `the program has no ${kind} ${name.source}`);
    edit(resource.inputs as unknown as Changeable);
    return objectsOf([resource])[0];
  };
}

const pod = (edit: (spec: Pod) => void) => (object: Changeable) => {
  edit(object.spec.template.spec);
};
const container = (edit: (one: Container) => void) =>
  pod(({ containers: [first] }) => {
    edit(first);
  });
const image = (name: string) => container((one) => (one.image = name));
const variable = (name: string, value: string) => container((one) => (one.env = [{ name, value }]));
const data = (key: string, value: string) => (object: Changeable) => {
  object.data[key] = value;
};

const token = "eyJhbGciOiJSUzI1NiJ9.eyJzdWIiOiJhZG1pbiJ9.c2lnbmF0dXJl";
const key = "-----BEGIN RSA PRIVATE KEY-----\nMIIE";
const tag = "harbor.example.com/library/apachepulsar/pulsar";

const table: [RuleName, string, Violating["change"]][] = [
  ["images-from-registry", "another registry", inChart("StatefulSet", "-broker", image("docker.io/library/pulsar:1"))],
  [
    "images-from-registry",
    "a name that begins like it",
    inChart("StatefulSet", "-broker", image("harbor.example.com/library2/pulsar:1")),
  ],
  ["images-from-registry", "a Job", inProgram("Job", /smoke/, image("busybox:1"))],
  [
    "images-from-registry",
    "an init container",
    inChart(
      "StatefulSet",
      "-bookie",
      pod((spec) => (spec.initContainers = [{ name: "first", image: "busybox:1" }])),
    ),
  ],
  ["images-pinned", "no tag", inChart("StatefulSet", "-broker", image(tag))],
  ["images-pinned", "latest", inChart("StatefulSet", "-proxy", image(`${tag}:latest`))],
  ["manager-not-exposed", "a NodePort", inChart("Service", "-pulsar-manager", ({ spec }) => (spec.type = "NodePort"))],
  [
    "manager-not-exposed",
    "a load balancer",
    inChart("Service", "-pulsar-manager", ({ spec }) => (spec.type = "LoadBalancer")),
  ],
  [
    "manager-not-exposed",
    "an address",
    inChart("Service", "-pulsar-manager", ({ spec }) => (spec.externalIPs = ["192.0.2.1"])),
  ],
  [
    "no-plain-ports",
    "a port for plain text",
    inChart("Service", "-broker", ({ spec }) => spec.ports.push({ name: "plain", port: 6650 })),
  ],
  [
    "no-plain-ports",
    "a name in the pods",
    inChart("Service", "-proxy", ({ spec }) => spec.ports.push({ name: "plain", port: 7000, targetPort: "pulsar" })),
  ],
  [
    "volumes-retained",
    "a volume",
    inProgram("PersistentVolume", /bookie-ledgers-0/, ({ spec }) => (spec.persistentVolumeReclaimPolicy = "Delete")),
  ],
  ["volumes-retained", "a StorageClass", inProgram("StorageClass", /./, (object) => delete object.reclaimPolicy)],
  [
    "volumes-protected",
    "a volume",
    ({ resources }) => {
      const volume = resources.find(({ type }) => type === "kubernetes:core/v1:PersistentVolume");
      assert.ok(volume);
      volume.protect = false;
      return undefined;
    },
  ],
  [
    "placement",
    "no node selector",
    inChart(
      "StatefulSet",
      "-broker",
      pod((spec) => delete spec.nodeSelector),
    ),
  ],
  [
    "placement",
    "no toleration",
    inChart(
      "StatefulSet",
      "-bookie",
      pod((spec) => (spec.tolerations = [])),
    ),
  ],
  [
    "placement",
    "a Job",
    inProgram(
      "Job",
      /smoke/,
      pod((spec) => delete spec.tolerations),
    ),
  ],
  [
    "placement",
    "a Job for directories",
    inProgram(
      "Job",
      /director/,
      pod((spec) => delete spec.tolerations),
    ),
  ],
  [
    "placement",
    "a component outside the plan",
    inProgram("Job", /smoke/, ({ spec }) => (spec.template.metadata.labels["component"] = "sidecar")),
  ],
  [
    "network-policies",
    "none",
    (plan) => {
      plan.resources = plan.resources.filter(({ type }) => !type.endsWith(":NetworkPolicy"));
      return undefined;
    },
  ],
  [
    "requests-set",
    "nothing",
    inChart(
      "StatefulSet",
      "-zookeeper",
      container((one) => delete one.resources),
    ),
  ],
  [
    "requests-set",
    "memory only",
    inChart(
      "StatefulSet",
      "-broker",
      container((one) => (one.resources = { requests: { memory: "1Gi" } })),
    ),
  ],
  ["no-plain-secrets", "a token", inChart("ConfigMap", "-broker", data("other", `token:${token}`))],
  [
    "no-plain-secrets",
    "a token in base64",
    inChart("ConfigMap", "-broker", data("other", Buffer.from(token).toString("base64"))),
  ],
  ["no-plain-secrets", "a key", inChart("ConfigMap", "-proxy", data("other", key))],
  [
    "no-plain-secrets",
    "a key in base64",
    inChart("ConfigMap", "-proxy", data("other", Buffer.from(key).toString("base64"))),
  ],
  [
    "no-plain-secrets",
    "a password in a file",
    inChart("ConfigMap", "-broker", data("other", "password=null\npassword=hunter22")),
  ],
  [
    "no-plain-secrets",
    "a password in an address",
    inChart("ConfigMap", "-broker", data("other", "postgres://pulsar:hunter22@db:5432")),
  ],
  ["no-plain-secrets", "a password in a ConfigMap", inChart("ConfigMap", "-broker", data("DB_PASSWORD", "hunter22"))],
  ["no-plain-secrets", "a variable", inChart("StatefulSet", "-broker", variable("CLIENT_TOKEN", "hunter22"))],
  [
    "no-plain-secrets",
    "a variable that holds a token",
    inChart("StatefulSet", "-broker", variable("OPTS", `-Dtoken=${token}`)),
  ],
  [
    "no-plain-secrets",
    "an argument of a Job",
    inProgram(
      "Job",
      /smoke/,
      container((one) => (one.args = [`--auth=${token}`])),
    ),
  ],
];
export const violating = table.map(([rule, what, change]): Violating => ({ rule, what, change }));
