/** The StatefulSets and Deployments of a plan, with what the forecast needs of them. */
import type { KubernetesObject, StackPlan } from "../plan.ts";

export interface PodTemplate {
  metadata?: { labels?: Record<string, string>; annotations?: Record<string, string> };
  spec?: Record<string, unknown>;
}

interface WorkloadSpec {
  replicas?: number;
  template: PodTemplate;
  podManagementPolicy?: string;
  updateStrategy?: { type?: string; rollingUpdate?: { partition?: number } };
  [field: string]: unknown;
}

export interface Workload {
  kind: "StatefulSet" | "Deployment";
  name: string;
  /** Its label `component`, as in the chart. */
  component: string;
  replicas: number;
  template: PodTemplate;
  spec: WorkloadSpec;
}

/** The workloads by `kind/name`, in the order of their names. */
export function workloadsOf(plan: StackPlan | undefined): Map<string, Workload> {
  const found = (plan?.objects ?? []).flatMap((object) => asWorkload(object) ?? []);
  found.sort((a, b) => (a.name < b.name ? -1 : 1));
  return new Map(found.map((workload) => [`${workload.kind}/${workload.name}`, workload]));
}

function asWorkload({ kind, metadata, spec }: KubernetesObject): Workload | undefined {
  if (kind !== "StatefulSet" && kind !== "Deployment") return undefined;
  const workload = spec as WorkloadSpec;
  const component = metadata.labels?.component ?? workload.template.metadata?.labels?.component ?? metadata.name;
  return {
    kind,
    name: metadata.name,
    component,
    replicas: workload.replicas ?? 1,
    template: workload.template,
    spec: workload,
  };
}

/** The names of the pods with these ordinals. Pods of a Deployment have random names, so theirs is the Deployment's. */
export function podNames({ kind, name }: Workload, ordinals: readonly number[]): string[] {
  return ordinals.map((ordinal) => (kind === "StatefulSet" ? `${name}-${ordinal}` : name));
}

/** A ConfigMap or Secret that the containers of a template read. */
export interface Reference {
  kind: "ConfigMap" | "Secret";
  name: string;
}

/** The ConfigMaps and Secrets in environments and volumes of the pods, without repetition. Image pull secrets are not read by containers. */
export function referencesOf({ spec }: PodTemplate): Reference[] {
  const found = new Map<string, Reference>();
  const add = (kind: Reference["kind"], name: unknown) => {
    if (typeof name === "string") found.set(`${kind} ${name}`, { kind, name });
  };
  const search = (value: unknown): void => {
    if (Array.isArray(value)) value.forEach(search);
    if (typeof value !== "object" || value === null) return;
    for (const [field, inner] of Object.entries(value) as [string, { name?: unknown; secretName?: unknown } | null][]) {
      if (field === "imagePullSecrets") continue;
      if (/^configMap(Ref|KeyRef)?$/.test(field)) add("ConfigMap", inner?.name);
      if (/^secret(Ref|KeyRef)?$/.test(field)) add("Secret", inner?.name ?? inner?.secretName);
      search(inner);
    }
  };
  search(spec);
  return [...found.values()];
}
