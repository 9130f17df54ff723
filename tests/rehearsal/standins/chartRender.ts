/** Renders the stand-ins for the Pulsar charts with the real Helm, and returns the objects by kind and name. */
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

/** Ingresses of extensions/v1beta1, which the client does not support. */
interface OldIngress {
  apiVersion: string;
  kind: string;
  metadata: { name: string };
  spec: { rules: { http: { paths: { backend: { serviceName: string; servicePort: number } }[] } }[] };
}

/** Kinds of the Prometheus operator. */
interface PodMonitor {
  apiVersion: string;
  kind: string;
  metadata: { name: string; labels: Record<string, string> };
  spec: { selector: { matchLabels: Record<string, string> }; podMetricsEndpoints: { port: string }[] };
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
  PodMonitor: PodMonitor;
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
  /** Keys that a mapping contains more than once. Helm accepts them, and the last one takes precedence. */
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

  /** Fails the test if the object does not exist. */
  one<Kind extends keyof Kinds>(kind: Kind, name: string): Kinds[Kind] {
    const object = this.all(kind).find(({ metadata }) => metadata?.name === name);
    assert.ok(object, `no ${kind} ${name} among ${this.names(kind).join(", ")}`);
    return object;
  }

  /** All workloads. */
  get workloads(): (V1StatefulSet | V1Deployment | V1Job)[] {
    return [...this.all("StatefulSet"), ...this.all("Deployment"), ...this.all("Job")];
  }
}

let helm: Promise<string> | undefined;

async function findHelm(): Promise<string> {
  const { tools } = await prepareTools({ log: console.error, signal: new AbortController().signal });
  return tools.helm;
}

/** One of the stand-ins. */
export interface StandIn {
  /** The chart's folder. */
  folder: string;
  /** Runs `helm template` with additional arguments. Rejects with Helm's error if the chart refuses. */
  template: (values: Values, release: string, namespace: string, more?: string[]) => Promise<string>;
  /** Renders the chart with the given values, and without monitoring, which is enabled by default. */
  render: (values?: Values, release?: string, namespace?: string, more?: string[]) => Promise<Rendered>;
}

/** The stand-in for the charts of a line, and the values that disable the monitoring, which it lacks. */
function standIn(line: string, withoutMonitoring: Values): StandIn {
  const folder = join(import.meta.dirname, "../../../rehearsal/standins/charts", `pulsar-${line}`);
  const template: StandIn["template"] = async (values, release, namespace, more = []) => {
    helm ??= findHelm();
    const args = ["template", release, folder, "--namespace", namespace, "--values", "-", ...more];
    const { stdout } = await execa(await helm, args, { input: stringify(values) });
    return stdout;
  };
  return {
    folder,
    template,
    render: async (values = {}, release = "pulsar", namespace = release, more = []) =>
      new Rendered(await template({ ...withoutMonitoring, ...values }, release, namespace, more)),
  };
}

export const chart27 = standIn("2.7", { monitoring: { prometheus: false, grafana: false } });
export const chart4 = standIn("4", { "victoria-metrics-k8s-stack": { enabled: false } });
