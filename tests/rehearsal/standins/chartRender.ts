/** Renders the stand-ins for the Pulsar charts with the real Helm, and queries the objects. */
import assert from "node:assert/strict";
import { join } from "node:path";
import type {
  V1ClusterRole,
  V1ClusterRoleBinding,
  V1ConfigMap,
  V1Deployment,
  V1Job,
  V1ObjectMeta,
  V1PodDisruptionBudget,
  V1PodSpec,
  V1Role,
  V1RoleBinding,
  V1Secret,
  V1Service,
  V1ServiceAccount,
  V1StatefulSet,
} from "@kubernetes/client-node";
import { execa } from "execa";
import { parseAllDocuments, stringify } from "yaml";
import type { ChartVersion } from "../../../model/charts/lines.ts";
import { prepareTools } from "../../../rehearsal/tools/tools.ts";

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
  Job: V1Job;
  PodDisruptionBudget: V1PodDisruptionBudget;
  PodMonitor: PodMonitor;
  Role: V1Role;
  RoleBinding: V1RoleBinding;
  Secret: V1Secret;
  Service: V1Service;
  ServiceAccount: V1ServiceAccount;
  StatefulSet: V1StatefulSet;
}

interface KubeObject {
  apiVersion: string;
  kind: string;
  metadata?: V1ObjectMeta;
}

/** The objects of one render. */
export class Rendered {
  readonly objects: KubeObject[];
  /** Keys that a mapping contains more than once. Helm accepts them, and the last one takes precedence. */
  readonly repeatedKeys: string[];

  constructor(text: string) {
    const faults = parseAllDocuments(text).flatMap(({ errors }) => errors);
    assert.deepEqual(
      faults.filter(({ code }) => code !== "DUPLICATE_KEY"),
      [],
    );
    this.repeatedKeys = faults.map(({ pos }) => text.slice(pos[0]).split(":")[0] ?? "");
    this.objects = parseAllDocuments(text, { uniqueKeys: false })
      .map((document) => document.toJS() as KubeObject | null)
      .filter((object) => object !== null);
  }

  get apiVersions(): string[] {
    return [...new Set(this.objects.map(({ apiVersion }) => apiVersion))].sort();
  }

  all<Kind extends keyof Kinds>(kind: Kind): Kinds[Kind][] {
    return this.objects.filter((object) => object.kind === kind) as Kinds[Kind][];
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
  get workloads(): Workload[] {
    return [...this.all("StatefulSet"), ...this.all("Deployment"), ...this.all("Job")];
  }

  /** A ConfigMap's data. Fails the test if it does not exist. */
  data(configMap: string): Record<string, string> {
    return this.one("ConfigMap", configMap).data ?? {};
  }

  /** The result of `fact` for each workload, by name. */
  byWorkload<Fact>(fact: (pod: V1PodSpec, workload: Workload) => Fact): Record<string, Fact> {
    return Object.fromEntries(
      this.workloads.map((workload) => [workload.metadata?.name ?? "", fact(podSpec(workload), workload)]),
    );
  }

  /** The storage class and the size of the claims of each claim template, by the template's name. */
  claims(): Record<string, { storageClass: string | undefined; size: string | undefined }> {
    const templates = this.all("StatefulSet").flatMap(({ spec }) => spec?.volumeClaimTemplates ?? []);
    return Object.fromEntries(
      templates.map(({ metadata, spec }) => [
        metadata?.name ?? "",
        { storageClass: spec?.storageClassName, size: spec?.resources?.requests?.["storage"] },
      ]),
    );
  }

  /** The keys of Secrets that the first container of each workload has as files, each as `secret KEY /path`. */
  mountedSecrets(): Record<string, string[]> {
    const mounted = Object.entries(this.byWorkload(secretFiles));
    return Object.fromEntries(mounted.filter(([, files]) => files.length > 0));
  }
}

type Workload = V1StatefulSet | V1Deployment | V1Job;

/** The parts of the pods of a workload. */
export function podSpec(workload: Workload): V1PodSpec {
  const spec = workload.spec?.template.spec;
  assert.ok(spec);
  return spec;
}

function secretFiles({ containers, volumes }: V1PodSpec): string[] {
  const mountPath = (volume: string): string =>
    containers[0]?.volumeMounts?.find(({ name }) => name === volume)?.mountPath ?? "nowhere";
  // An empty list is null in YAML.
  return (volumes ?? []).flatMap(({ name, secret }) =>
    (secret?.items ?? []).map(({ key, path }) => `${secret?.secretName ?? ""} ${key} ${mountPath(name)}/${path}`),
  );
}

/** The environment variables of a workload's first container, each as its value or as the key of a Secret. */
export function environment(workload: Workload): Record<string, string> {
  return Object.fromEntries(
    (podSpec(workload).containers[0]?.env ?? []).map(({ name, value, valueFrom }) => {
      const { name: secret = "", key } = valueFrom?.secretKeyRef ?? {};
      return [name, value ?? `${secret} ${key ?? ""}`];
    }),
  );
}

/** A Secret's values in plain text. */
export function decoded({ data = {} }: V1Secret): Record<string, string> {
  return Object.fromEntries(Object.entries(data).map(([key, value]) => [key, Buffer.from(value, "base64").toString()]));
}

/** Values of the chart, as in a values file. */
export type Values = Record<string, unknown>;

/** The same settings for each of the keys. */
export const forEach = (keys: string[], settings: Values): Values =>
  Object.fromEntries(keys.map((key) => [key, settings]));

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
  /**
   * Renders the chart without its monitoring, which is enabled by default, and with all its workloads. A value of `undefined` is the chart's
   * default. The objects are kept for the next call.
   */
  render: (values?: Values, release?: string, more?: string[]) => Promise<Rendered>;
}

/** The stand-in for the charts of a line. `base` disables the monitoring, which it lacks, and enables all workloads. */
function standIn(line: string, base: Values): StandIn {
  const folder = join(import.meta.dirname, "../../../rehearsal/standins/charts", `pulsar-${line}`);
  const template: StandIn["template"] = async (values, release, namespace, more = []) => {
    helm ??= findHelm();
    const args = ["template", release, folder, "--namespace", namespace, "--values", "-", ...more];
    const { stdout } = await execa(await helm, args, { input: stringify(values) });
    return stdout;
  };
  const kept = new Map<string, Promise<Rendered>>();
  return {
    folder,
    template,
    render: async (values = {}, release = "pulsar", more = []) => {
      const components = { ...(base["components"] as Values), ...(values["components"] as Values | undefined) };
      const all = { ...base, ...values, components };
      const key = JSON.stringify([all, release, more]);
      const rendered = kept.get(key) ?? template(all, release, release, more).then((text) => new Rendered(text));
      kept.set(key, rendered);
      return rendered;
    },
  };
}

export const standIns: Record<ChartVersion, StandIn> = {
  "2.7.7": standIn("2.7", { monitoring: { prometheus: false, grafana: false }, initialize: true }),
  "4.7.0": standIn("4", { "victoria-metrics-k8s-stack": { enabled: false }, components: { pulsar_manager: true } }),
};
