/** Renders the stand-in for the Pulsar chart with the real Helm, and hands out the objects by kind and name. */
import assert from "node:assert/strict";
import { join } from "node:path";
import type {
  V1ClusterRole,
  V1ClusterRoleBinding,
  V1ConfigMap,
  V1Deployment,
  V1Job,
  V1Namespace,
  V1PodDisruptionBudget,
  V1Role,
  V1RoleBinding,
  V1Secret,
  V1Service,
  V1ServiceAccount,
  V1StatefulSet,
  V1StorageClass,
} from "@kubernetes/client-node";
import { execa } from "execa";
import { parseAllDocuments, stringify } from "yaml";
import { prepareTools } from "../../../rehearsal/tools/tools.ts";

/** The chart's folder. */
export const chart = join(import.meta.dirname, "../../../rehearsal/standins/charts/pulsar-2.7");

/** Ingresses of extensions/v1beta1, which no client knows any more. */
interface OldIngress {
  apiVersion: string;
  kind: string;
  metadata: { name: string };
  spec: { rules: { http: { paths: { backend: { serviceName: string; servicePort: number } }[] } }[] };
}

interface Kinds {
  ClusterRole: V1ClusterRole;
  ClusterRoleBinding: V1ClusterRoleBinding;
  ConfigMap: V1ConfigMap;
  Deployment: V1Deployment;
  Ingress: OldIngress;
  Job: V1Job;
  Namespace: V1Namespace;
  PodDisruptionBudget: V1PodDisruptionBudget;
  Role: V1Role;
  RoleBinding: V1RoleBinding;
  Secret: V1Secret;
  Service: V1Service;
  ServiceAccount: V1ServiceAccount;
  StatefulSet: V1StatefulSet;
  StorageClass: V1StorageClass;
}

/** Values of the chart, as in a values file. */
export type Values = Record<string, unknown>;

/** The objects of one render. */
export class Rendered {
  readonly #objects: (Kinds[keyof Kinds] & { kind: string })[];
  /** The keys that some mapping has more than once; Helm lets them pass, and the last one counts. */
  readonly repeatedKeys: string[];

  constructor(text: string) {
    const faults = parseAllDocuments(text).flatMap(({ errors }) => errors);
    assert.deepEqual(
      faults.filter(({ code }) => code !== "DUPLICATE_KEY"),
      [],
    );
    this.repeatedKeys = faults.map(({ pos }) => text.slice(pos[0]).split(":")[0] ?? "");
    this.#objects = parseAllDocuments(text, { uniqueKeys: false })
      .map((document) => document.toJS() as (Kinds[keyof Kinds] & { kind: string }) | null)
      .filter((object) => object !== null);
  }

  get kinds(): string[] {
    return [...new Set(this.#objects.map(({ kind }) => kind))].sort();
  }

  get apiVersions(): string[] {
    return [...new Set(this.#objects.map(({ apiVersion }) => apiVersion ?? ""))].sort();
  }

  all<Kind extends keyof Kinds>(kind: Kind): Kinds[Kind][] {
    return this.#objects.filter((object) => object.kind === kind) as Kinds[Kind][];
  }

  names(kind: keyof Kinds): string[] {
    return this.all(kind)
      .map(({ metadata }) => metadata?.name ?? "")
      .sort();
  }

  /** Fails the test if there is no such object. */
  one<Kind extends keyof Kinds>(kind: Kind, name: string): Kinds[Kind] {
    const object = this.all(kind).find(({ metadata }) => metadata?.name === name);
    assert.ok(object, `no ${kind} ${name} among ${this.names(kind).join(", ")}`);
    return object;
  }

  /** Everything that runs pods. */
  get workloads(): (V1StatefulSet | V1Deployment | V1Job)[] {
    return [...this.all("StatefulSet"), ...this.all("Deployment"), ...this.all("Job")];
  }
}

/** Monitoring is on by default, and the stand-in has none. */
const withoutMonitoring: Values = { monitoring: { prometheus: false, grafana: false } };

let helm: Promise<string> | undefined;

async function findHelm(): Promise<string> {
  const { tools } = await prepareTools({ log: console.error, signal: new AbortController().signal });
  return tools.helm;
}

/** Runs `helm template` on the stand-in; Helm's error if it refuses. */
export async function helmTemplate(values: Values, release: string, namespace: string): Promise<string> {
  helm ??= findHelm();
  const args = ["template", release, chart, "--namespace", namespace, "--values", "-"];
  const { stdout } = await execa(await helm, args, { input: stringify(values) });
  return stdout;
}

/** Renders the chart with monitoring off and the given values. */
export async function render(values: Values = {}, release = "pulsar", namespace = release): Promise<Rendered> {
  return new Rendered(await helmTemplate({ ...withoutMonitoring, ...values }, release, namespace));
}
