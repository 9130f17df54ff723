/** The policies that the API server can enforce on one object alone, as ValidatingAdmissionPolicies. */
import { stringify } from "yaml";
import { fullName } from "../model/charts/names.ts";
import {
  accessKeys,
  isReference,
  parameters,
  reference,
  secretName,
  secretVariable,
  privateKeyStart,
  secretWords,
} from "../model/secretLooks.ts";
import { functionComponents } from "../model/network/policies.ts";
import { encryptedComponents, movingTag, pinnedImage, plainPorts, type RuleName, rules } from "./rules.ts";
import type { PolicySettings } from "./settings.ts";
import type { Waiver } from "./waivers.ts";

/** A ValidatingAdmissionPolicy or its binding. */
export interface AdmissionObject {
  apiVersion: string;
  kind: string;
  metadata: { name: string; labels: Record<string, string> };
  spec: Record<string, unknown>;
}

/** What identifies the cluster-scoped objects of the stack: an annotation, and how its value ends. */
export interface StackMark {
  annotation: string;
  suffix: string;
}

/** Where a rule applies, and what must hold there, in CEL. */
interface Check {
  resources: Record<string, unknown>[];
  /** @default false */
  clusterScoped?: boolean;
  /** Each must hold. Without any, the rule demands nothing. */
  expressions: string[];
}

const inGroup = (group: string, ...resources: string[]) => ({
  apiGroups: [group],
  apiVersions: ["v1"],
  operations: ["CREATE", "UPDATE"],
  resources,
});
const withPods = [
  inGroup("", "pods"),
  inGroup("apps", "daemonsets", "deployments", "replicasets", "statefulsets"),
  inGroup("batch", "cronjobs", "jobs"),
];

/** Available to the expressions on kinds with pods. Without `dyn`, the type checker knows each kind and warns of the others' fields. */
const variables = {
  template: `object.kind == "Pod" ? dyn(object) : object.kind == "CronJob" ? dyn(object).spec.jobTemplate.spec.template : dyn(object).spec.template`,
  pod: "variables.template.spec",
  component: `variables.template.?metadata.?labels[?"component"].orValue("")`,
  containers: "variables.pod.?initContainers.orValue([]) + variables.pod.containers",
};

/** A value after one of these names. In quotes it has one word. */
const assigned = (names: string, others: string) => {
  const value = String.raw`[^\s"',;&}({<[$*%/${others}][^\s"',;&}${others}]{3,}`;
  return new RegExp(String.raw`(?:${names})["']?\s*[=:]\s*(?:"${value}"|'${value}'|${value})`, "i");
};
const assignedReference = new RegExp(String.raw`^[^=:]*[=:]\s*["']*(?:${reference})`);
/** The forms of `model/secretLooks.ts` for RE2, which has no lookahead. Nothing that is accepted there may be refused here. */
const secretForms: { pattern: RegExp; except?: RegExp }[] = [
  { pattern: /eyJ[\w-]{5,}\.[\w-]+\./ },
  { pattern: /\bZXlK[A-Za-z0-9+/]{40,}/ },
  { pattern: privateKeyStart },
  { pattern: /\bLS0tLS1CRUdJTi[A-Za-z0-9+/]*(?:UFJJVkFURSBLRV|BSSVZBVEUgS0VZ|QUklWQVRFIEtFW)/ },
  { pattern: /\b(?:Bearer|Basic) +[\w.~+/-]{12,}[\d=]/ },
  { pattern: new RegExp(String.raw`\b${accessKeys}`) },
  { pattern: /hooks\.slack\.com\/services\/[\w/]{8,}/ },
  { pattern: /\w:\/\/[^\s/:@]*:[^\s/@${[][^\s/@]*@/ },
  { pattern: assigned(secretWords, ""), except: assignedReference },
  { pattern: assigned(parameters, "{:"), except: assignedReference },
];

/** Each rule in CEL, or why the API server cannot decide it. */
const checks: Record<RuleName, ((settings: PolicySettings) => Check) | string> = {
  "images-from-registry": ({ registry }) => ({
    resources: withPods,
    expressions:
      registry === undefined
        ? []
        : [`variables.containers.all(c, c.?image.orValue("").startsWith(${literal(`${registry}/`)}))`],
  }),
  "images-pinned": () => ({
    resources: withPods,
    expressions: [
      `variables.containers.all(c, ${matches(`c.?image.orValue("")`, pinnedImage)} && !c.image.endsWith(${literal(movingTag)}))`,
    ],
  }),
  "manager-not-exposed": ({ release }) => {
    const manages = `(object.metadata.name.startsWith(${literal(`${fullName(release)}-pulsar-manager`)}) || object.spec.?selector[?"component"].orValue("") == "pulsar-manager")`;
    const exposed = `(object.spec.?type.orValue("") in ["NodePort", "LoadBalancer"] || object.spec.?externalIPs.orValue([]).size() > 0)`;
    return { resources: [inGroup("", "services")], expressions: [`!(${manages} && ${exposed})`] };
  },
  "volumes-retained": () => ({
    resources: [inGroup("", "persistentvolumes"), inGroup("storage.k8s.io", "storageclasses")],
    clusterScoped: true,
    // The API server sets the defaults before: Retain for a volume, Delete for a StorageClass.
    expressions: [
      `(object.kind == "PersistentVolume" ? dyn(object).spec.persistentVolumeReclaimPolicy : dyn(object).reclaimPolicy) == "Retain"`,
    ],
  }),
  "volumes-protected": "an option of the Pulumi resource decides it",
  placement: ({ placements }) => ({
    resources: withPods,
    expressions: [
      // Brokers create the pods of functions, which have no plan.
      `variables.component in ${literal([...placements.flatMap(({ components }) => components), ...functionComponents])}`,
      ...placements.flatMap(({ components, nodeSelector, tolerations }) => {
        const demands = [
          ...Object.entries(nodeSelector).map(
            ([label, value]) => `variables.pod.?nodeSelector[?${literal(label)}].orValue("") == ${literal(value)}`,
          ),
          ...tolerations.map((toleration) => {
            const parts = Object.entries<string>({ ...toleration }).map(
              ([part, value]) => `t.?${part}.orValue("") == ${literal(value)}`,
            );
            return `variables.pod.?tolerations.orValue([]).exists(t, ${parts.join(" && ")})`;
          }),
        ];
        if (demands.length === 0) return [];
        return `!(variables.component in ${literal(components)}) || (${demands.join(" && ")})`;
      }),
    ],
  }),
  "network-policies": "more than one object decides it",
  "no-plain-ports": ({ production }) => {
    const encrypted = `object.spec.?selector[?"component"].orValue("") in ${literal(encryptedComponents)}`;
    const { numbers, names } = plainPorts;
    const plain = `p.port in ${literal(numbers)} || p.?targetPort.orValue(0) in ${literal(numbers)} || p.?targetPort.orValue("") in ${literal(names)}`;
    return {
      resources: [inGroup("", "services")],
      expressions: production ? [`!(${encrypted} && object.spec.?ports.orValue([]).exists(p, ${plain}))`] : [],
    };
  },
  "requests-set": () => ({
    resources: [inGroup("apps", "deployments", "statefulsets")],
    expressions: [`variables.pod.containers.all(c, ["cpu", "memory"].all(r, r in c.?resources.?requests.orValue({})))`],
  }),
  "no-plain-secrets": () => {
    const texts = "variables.containers.all(c, (c.?command.orValue([]) + c.?args.orValue([])).all(";
    const named = (name: string, value: string) =>
      `!(${looksSecret(value)} || (${matches(name, secretName)} || ${matches(name, secretVariable)}) && !${matches(value, isReference)})`;
    return {
      resources: [inGroup("", "configmaps"), ...withPods],
      expressions: [
        `object.kind != "ConfigMap" || dyn(object).?data.orValue({}).all(k, ${named("k", "dyn(object).data[k]")})`,
        `object.kind == "ConfigMap" || variables.containers.all(c, c.?env.orValue([]).all(e, ${named("e.name", `e.?value.orValue("")`)}))`,
        `object.kind == "ConfigMap" || ${texts}t, !(${looksSecret("t")})))`,
      ],
    };
  },
};

/**
 * The policies of a stack and their bindings. What is exported depends on the settings and the day only.
 *
 * @param settings the stack's output `policies`
 * @param now decides which waivers are expired
 */
export function admissionObjects(settings: PolicySettings, mark: StackMark, now: Date): AdmissionObject[] {
  const { namespace, production } = settings;
  return rules.flatMap(({ name, description }) => {
    const check = checkOf(name, settings);
    if (typeof check === "string") return [];
    const waivers = validWaivers(settings, now).filter(({ rule }) => rule === name);
    const waived = waivers.flatMap(({ object }) => object ?? []);
    const conditions = {
      "not-deleted": "!has(object.metadata.deletionTimestamp)",
      // The template of the controller is checked, and a refused pod is hard to notice.
      "not-controlled": "!object.metadata.?ownerReferences.orValue([]).exists(o, o.?controller.orValue(false))",
      ...(check.clusterScoped
        ? {
            "of-the-stack": `object.metadata.?annotations[?${literal(mark.annotation)}].orValue("").endsWith(${literal(mark.suffix)})`,
          }
        : {}),
      ...(waived.length > 0
        ? { "not-waived": `!(object.kind + "/" + object.metadata.?name.orValue("") in ${literal(waived)})` }
        : {}),
    };
    const object = (kind: string, spec: AdmissionObject["spec"]): AdmissionObject => ({
      apiVersion: "admissionregistration.k8s.io/v1",
      kind,
      metadata: { name: `${namespace}-${name}`, labels: { "pulsar-stack/policies": namespace } },
      spec,
    });
    return [
      object("ValidatingAdmissionPolicy", {
        matchConstraints: {
          // Cluster-scoped objects match every namespaceSelector.
          namespaceSelector: { matchLabels: { "kubernetes.io/metadata.name": namespace } },
          resourceRules: check.resources,
        },
        matchConditions: Object.entries(conditions).map(([name, expression]) => ({ name, expression })),
        ...(check.expressions.some((expression) => expression.includes("variables."))
          ? { variables: Object.entries(variables).map(([name, expression]) => ({ name, expression })) }
          : {}),
        validations: check.expressions.map((expression) => ({ expression, message: `${name}: ${description}` })),
      }),
      object("ValidatingAdmissionPolicyBinding", {
        policyName: `${namespace}-${name}`,
        // A waived rule keeps its objects, so that `kubectl apply` replaces what an earlier export has said.
        validationActions: waivers.some((waiver) => waiver.object === undefined)
          ? ["Audit"]
          : production
            ? ["Deny"]
            : ["Warn", "Audit"],
      }),
    ];
  });
}

/** The same as a file for `kubectl apply`, which says in comments what it leaves out and how long it is valid. */
export function admissionFile(stack: string, settings: PolicySettings, mark: StackMark, now: Date): string {
  const waivers = validWaivers(settings, now);
  const [first] = waivers.map(({ expires }) => expires).sort();
  const comment = [
    `Policies of the stack ${stack} for the API server of Kubernetes 1.30 or newer. Do not edit; write it again with`,
    `npm run policies -- --stack ${stack}, after each change of the stack's settings.`,
    `A violation ${settings.production ? "is refused" : "is answered with a warning, and recorded in the audit log"}.`,
    ...rules.flatMap(({ name }) => {
      const check = checkOf(name, settings);
      return typeof check === "string" ? `Not in this file: ${name}, because ${check}.` : [];
    }),
    ...waivers.map(
      ({ rule, object, reason, expires }) =>
        `Waived until ${expires}: ${rule}${object === undefined ? "" : ` for ${object}`}. Reason: ${reason.replace(/\s+/g, " ")}`,
    ),
    ...(first === undefined
      ? []
      : [`The API server does not know when a waiver expires: write this file again after ${first}.`]),
  ];
  const documents = admissionObjects(settings, mark, now).map((object) => stringify(object, { lineWidth: 0 }));
  return `${comment.map((line) => `# ${line}\n`).join("")}${documents.map((text) => `---\n${text}`).join("")}`;
}

/** A string says why the rule is not exported. */
function checkOf(name: RuleName, settings: PolicySettings): Check | string {
  const check = checks[name];
  if (typeof check === "string") return check;
  const { expressions, ...rest } = check(settings);
  return expressions.length === 0 ? "the settings do not ask for it" : { expressions, ...rest };
}

function validWaivers({ waivers }: PolicySettings, now: Date): Waiver[] {
  const today = now.toISOString().slice(0, 10);
  return waivers.filter(({ expires }) => expires >= today);
}

function looksSecret(value: string): string {
  const looks = secretForms.map(({ pattern, except }) =>
    except === undefined
      ? matches(value, pattern)
      : `${value}.findAll(${regex(pattern)}).exists(m, !${matches("m", except)})`,
  );
  return looks.join(" || ");
}

function matches(value: string, pattern: RegExp): string {
  return `${value}.matches(${regex(pattern)})`;
}

function regex({ source, flags }: RegExp): string {
  return literal(`${flags.includes("i") ? "(?i)" : ""}${source}`);
}

/** A string or a list in CEL, whose escapes include those of JSON. */
function literal(value: string | string[] | number[]): string {
  return JSON.stringify(value);
}
