/** The policies, each once, as pure functions of Kubernetes objects, registered resources and settings. */
import { podLabels } from "../model/charts/cluster.ts";
import { fullName } from "../model/charts/names.ts";
import { plainSecrets } from "../model/secretLooks.ts";
import type { PolicySettings } from "./settings.ts";

/** A Kubernetes object, rendered by the chart, registered by the program, or live. */
export interface PolicyObject {
  apiVersion: string;
  kind: string;
  metadata: { name: string; labels?: Record<string, string> | undefined };
  [field: string]: unknown;
}

/** A resource that the program registers. */
export interface PolicyResource {
  type: string;
  name: string;
  inputs: Record<string, unknown>;
  /** The inputs that are secret. They are not checked. */
  secretInputs: readonly string[];
  protect: boolean;
}

export interface Violation {
  rule: RuleName;
  /** `Service/pulsar-pulsar-manager`, or `PersistentVolume/...` of a resource. */
  object: string;
  /** The setting, or the field of the object. */
  key: string;
  /** What is wrong. Never a secret. */
  problem: string;
  /** What to do. */
  remedy: string;
}

interface Subject {
  objects: readonly PolicyObject[];
  resources: readonly PolicyResource[];
  settings: PolicySettings;
}

type Found = Omit<Violation, "rule">;

interface Rule {
  name: string;
  /** One sentence, for the docs and for Pulumi. */
  description: string;
  severity: "medium" | "high" | "critical";
  /** `production`: what it demands is an option in test. */
  where: "everywhere" | "production";
  check: (subject: Subject) => Found[];
}

export const rules = [
  {
    name: "images-from-registry",
    description: "Every image comes from `pulsar:registry`, if it is set.",
    severity: "high",
    where: "everywhere",
    check: ({ objects, settings: { registry } }) =>
      registry === undefined
        ? []
        : containersOf(objects)
            .filter(({ image }) => !image.startsWith(`${registry}/`))
            .map(({ object, key, image }) => ({
              object,
              key: `${key}.image`,
              problem: `${image} is not in the registry ${registry}`,
              remedy: "mirror the image (npm run images), and use its name there",
            })),
  },
  {
    name: "images-pinned",
    description: "Every image has a tag other than `latest`, or a digest.",
    severity: "high",
    where: "everywhere",
    check: ({ objects }) =>
      containersOf(objects)
        .filter(({ image }) => !isPinned(image))
        .map(({ object, key, image }) => ({
          object,
          key: `${key}.image`,
          problem: `${image || "an empty image"} may be another image tomorrow`,
          remedy: "use the tag of a version, or a digest",
        })),
  },
  {
    name: "manager-not-exposed",
    description: "No Service of Pulsar Manager opens a port on the nodes or at a load balancer.",
    severity: "critical",
    where: "everywhere",
    check: ({ objects, settings: { release } }) =>
      objects
        .filter(({ kind, spec, metadata }) => {
          const { selector, type, externalIPs } = fields(spec);
          const manages =
            metadata.name.startsWith(`${fullName(release)}-pulsar-manager`) ||
            fields(selector)["component"] === manager;
          const exposed = type === "NodePort" || type === "LoadBalancer" || list(externalIPs).length > 0;
          return kind === "Service" && manages && exposed;
        })
        .map((object) => {
          const { type, externalIPs } = fields(object["spec"]);
          const byAddress = list(externalIPs).length > 0;
          return {
            object: nameOf(object),
            key: byAddress ? "spec.externalIPs" : "spec.type",
            problem: `${byAddress ? "an address" : text(type)} makes the page reachable without TLS, past the Ingress`,
            remedy: `${byAddress ? "remove it" : "use ClusterIP"}, and use pulsar:ingress.manager`,
          };
        }),
  },
  {
    name: "volumes-retained",
    description: "Every volume and StorageClass of the stack has the reclaim policy Retain.",
    severity: "critical",
    where: "everywhere",
    check: ({ objects }) =>
      objects.flatMap((object) => {
        const [key, policy] =
          object.kind === "PersistentVolume"
            ? ["spec.persistentVolumeReclaimPolicy", fields(object["spec"])["persistentVolumeReclaimPolicy"]]
            : ["reclaimPolicy", object["reclaimPolicy"]];
        if (!["PersistentVolume", "StorageClass"].includes(object.kind) || policy === "Retain") return [];
        // Kubernetes retains a volume that somebody has made by hand.
        if (object.kind === "PersistentVolume" && policy === undefined) return [];
        return {
          object: nameOf(object),
          key,
          problem: `is ${text(policy) || "not set, which means Delete"}: the data goes with the claim`,
          remedy: "use Retain",
        };
      }),
  },
  {
    name: "volumes-protected",
    description: "The engine refuses to delete a volume, unless `pulsar:movedVolumes` gives it up.",
    severity: "critical",
    where: "production",
    check: ({ resources, settings: { givenUp } }) =>
      resources
        .filter(({ type, protect }) => type === "kubernetes:core/v1:PersistentVolume" && !protect)
        .map((resource) => ({ resource, claim: text(fields(resource.inputs["metadata"])["name"]) || resource.name }))
        .filter(({ claim }) => !givenUp.includes(claim))
        .map(({ claim }) => ({
          object: `PersistentVolume/${claim}`,
          key: "protect",
          problem: "is false: the next change may delete the only record of where the data is",
          remedy: "protect the resource",
        })),
  },
  {
    name: "placement",
    description: "Every pod, including those of Jobs, has the node selector and the tolerations of its plan.",
    severity: "critical",
    where: "everywhere",
    check: ({ objects, settings }) => podsOf(objects).flatMap((pod) => misplaced(pod, settings)),
  },
  {
    name: "network-policies",
    description: "A NetworkPolicy selects the pods of every component.",
    severity: "high",
    where: "production",
    check: ({ objects, settings: { placements, release, namespace } }) => {
      const selected = objects
        .filter(({ kind }) => kind === "NetworkPolicy")
        .map(({ spec }) => fields(fields(fields(spec)["podSelector"])["matchLabels"]));
      const components = placements.flatMap((one) => one.components);
      const open = components.filter((component) => {
        const labels: Record<string, string> = podLabels(release, component);
        return !selected.some((selector) => Object.entries(selector).every(([key, value]) => labels[key] === value));
      });
      if (open.length === 0) return [];
      return [
        {
          object: `Namespace/${namespace}`,
          key: "pulsar:networkPolicies.enabled",
          problem: `no NetworkPolicy selects the pods of ${open.length === components.length ? "any component" : open.join(", ")}, so the whole cluster can reach them`,
          remedy: "enable the network policies",
        },
      ];
    },
  },
  {
    name: "no-plain-ports",
    description: "No Service of ZooKeeper, brokers and proxies has a port for plain text.",
    severity: "critical",
    where: "production",
    check: ({ objects }) =>
      objects
        .filter(({ kind, spec }) => {
          const { selector, ports } = fields(spec);
          const isEncrypted = kind === "Service" && encryptedComponents.includes(text(fields(selector)["component"]));
          return isEncrypted && list(ports).map(fields).some(isPlain);
        })
        .map((object) => ({
          object: nameOf(object),
          key: "spec.ports",
          problem: "tokens and messages cross the network in plain text",
          remedy: "remove the ports for plain text (pulsar:tls.enabled removes the chart's)",
        })),
  },
  {
    name: "requests-set",
    description: "Every container of a StatefulSet or Deployment, except init containers, requests CPU and memory.",
    severity: "medium",
    where: "everywhere",
    check: ({ objects }) =>
      containersOf(objects.filter(({ kind }) => kind === "StatefulSet" || kind === "Deployment"))
        .filter(({ init }) => !init)
        .flatMap(({ object, key, requests }) => {
          const missing = ["cpu", "memory"].filter((resource) => requests[resource] === undefined);
          if (missing.length === 0) return [];
          return {
            object,
            key: `${key}.resources.requests`,
            problem: `has no ${missing.join(" and no ")}, so the scheduler may overload the node`,
            remedy: "set pulsar:pods, or what each node offers",
          };
        }),
  },
  {
    name: "no-plain-secrets",
    description: "Nothing outside a Secret looks like a token, a private key or a password.",
    severity: "critical",
    where: "everywhere",
    check: ({ objects, resources }) => [
      ...objects.filter(({ kind }) => kind !== "Secret").flatMap((object) => secretsIn(object, nameOf(object))),
      ...resources
        .filter(({ type }) => objectType(type) === undefined)
        .flatMap(({ type, name, inputs, secretInputs }) =>
          secretsIn(
            Object.fromEntries(Object.entries(inputs).filter(([key]) => !secretInputs.includes(key))),
            `${type.split(":").at(-1) ?? type}/${name}`,
          ),
        ),
    ],
  },
] as const satisfies readonly Rule[];

export type RuleName = (typeof rules)[number]["name"];
export const ruleNames = rules.map(({ name }) => name) as [RuleName, ...RuleName[]];

/** All violations, in the order of the rules. Waivers do not count here: see `evaluate`. */
export function violationsOf(subject: Subject): Violation[] {
  return rules
    .filter(({ where }) => where === "everywhere" || subject.settings.production)
    .flatMap(({ name, check }) => check(subject).map((found) => ({ rule: name, ...found })));
}

/** The objects among the resources: those that the Kubernetes provider sends as they are. */
export function objectsOf(resources: readonly PolicyResource[]): PolicyObject[] {
  return resources.flatMap(({ type, name, inputs, secretInputs }) => {
    const object = objectType(type);
    if (object === undefined) return [];
    const plain = Object.entries(inputs).filter(([key]) => !secretInputs.includes(key));
    const metadata = fields(inputs["metadata"]);
    return {
      ...Object.fromEntries(plain),
      ...object,
      metadata: { ...metadata, name: text(metadata["name"]) || name },
    };
  });
}

/** `kubernetes:apps/v1:StatefulSet` as version and kind. Undefined for patches, Helm releases and the resources of other providers. */
function objectType(type: string): { apiVersion: string; kind: string } | undefined {
  const [, version = "", kind = ""] = /^kubernetes:((?!helm).+\/.+):(.+)(?<!Patch)$/.exec(type) ?? [];
  return kind === "" ? undefined : { apiVersion: version.replace(/^core\//, ""), kind };
}

const manager = "pulsar-manager";

/** The components with other ports for TLS. Those of a bookie are the same. */
export const encryptedComponents = ["zookeeper", "broker", "proxy"];
/** Their ports for plain text, and the names of these in the containers (charts 2.7.7 and 4.7.0). */
export const plainPorts = {
  numbers: [80, 2181, 6650, 8080],
  names: ["client", "http", "pulsar", "sts-http", "sts-pulsar"],
};

function isPlain({ port, targetPort }: Record<string, unknown>): boolean {
  const plain: readonly unknown[] = [...plainPorts.numbers, ...plainPorts.names];
  return plain.includes(port) || plain.includes(targetPort);
}

export function nameOf({ kind, metadata }: PolicyObject): string {
  return `${kind}/${metadata.name}`;
}

interface Pod {
  /** The object whose template it is. */
  object: string;
  /** Path of its spec in the object. */
  key: string;
  labels: Record<string, unknown>;
  spec: Record<string, unknown>;
}

function podsOf(objects: readonly PolicyObject[]): Pod[] {
  return objects.flatMap((object) => {
    const spec = fields(object["spec"]);
    const [key, template] =
      object.kind === "Pod"
        ? ["spec", object]
        : object.kind === "CronJob"
          ? ["spec.jobTemplate.spec.template.spec", fields(fields(fields(spec["jobTemplate"])["spec"])["template"])]
          : ["spec.template.spec", fields(spec["template"])];
    if (template["spec"] === undefined) return [];
    const labels = fields(fields(template["metadata"])["labels"]);
    return { object: nameOf(object), key, labels, spec: fields(template["spec"]) };
  });
}

function containersOf(objects: readonly PolicyObject[]) {
  return podsOf(objects).flatMap(({ object, key, spec }) =>
    (["initContainers", "containers"] as const).flatMap((group) =>
      list(spec[group]).map((one) => {
        const { name, image, resources } = fields(one);
        return {
          object,
          key: `${key}.${group}[${text(name)}]`,
          init: group === "initContainers",
          image: text(image),
          requests: fields(fields(resources)["requests"]),
        };
      }),
    ),
  );
}

/** The end of an image with a tag or a digest. */
export const pinnedImage = /(?:@sha256:[0-9a-f]{64}|:[^:/@]+)$/;
export const movingTag = ":latest";

function isPinned(image: string): boolean {
  return pinnedImage.test(image) && !image.endsWith(movingTag);
}

function misplaced({ object, key, labels, spec }: Pod, { placements }: PolicySettings): Found[] {
  const component = text(labels["component"]);
  const planned = placements.find(({ components }) => components.includes(component));
  if (planned === undefined) {
    return [
      {
        object,
        key: key.replace(/spec$/, "metadata.labels.component"),
        problem: `${component || "none"} is not a component of the plan, so nothing says where its pods may run`,
        remedy: "label the pods with one of the plan's components",
      },
    ];
  }
  const selector = fields(spec["nodeSelector"]);
  const lacks = Object.entries(planned.nodeSelector).filter(([label, value]) => selector[label] !== value);
  const tolerations = list(spec["tolerations"]).map(fields);
  const refused = planned.tolerations.filter(
    (toleration) =>
      !tolerations.some((one) => Object.entries(toleration).every(([part, value]) => one[part] === value)),
  );
  return [
    ...lacks.map(([label, value]) => ({
      object,
      key: `${key}.nodeSelector`,
      problem: `has no ${label}=${value}, so the pod may run on a node outside its plan`,
      remedy: "select the planned nodes",
    })),
    ...refused.map(({ key: taint, value, effect }) => ({
      object,
      key: `${key}.tolerations`,
      problem: `has none of ${taint}=${value}:${effect}, so the pod cannot run on its nodes`,
      remedy: "tolerate the taint of the planned nodes",
    })),
  ];
}

/** The fields that look like a secret, without their values. */
function secretsIn(value: unknown, object: string): Found[] {
  return plainSecrets(value).map(({ path, what }) => ({
    object,
    key: path.map((part, i) => (typeof part === "number" ? `[${part}]` : `${i ? "." : ""}${part}`)).join(""),
    problem: `holds ${what} in plain text`,
    remedy: "put it into a Secret, refer to it, and replace the secret itself",
  }));
}

function fields(value: unknown): Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value) ? (value as Record<string, unknown>) : {};
}

function list(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : [];
}

function text(value: unknown): string {
  return typeof value === "string" ? value : "";
}
