/** Differences between the rendered objects of two plans. */
import { diffObjects } from "../../rehearsal/standins/kubernetes/diff.ts";
import { keyOf } from "../chart/render.ts";
import type { KubernetesObject, StackPlan } from "../plan.ts";
import { type FieldChange, fieldChanges } from "./fields.ts";

/** `recreate`: Helm cannot change the object in place, so the upgrade fails unless it has another name. */
export type ObjectAction = "create" | "update" | "recreate" | "delete";

/** What a change can endanger, the most serious first. */
const risks = ["data", "availability", "access", "configuration", "other"] as const;
export type Risk = (typeof risks)[number];

export interface ObjectChange {
  action: ObjectAction;
  apiVersion: string;
  kind: string;
  name: string;
  namespace?: string;
  /** The label `component`, or empty. */
  component: string;
  risk: Risk;
  /** Fields that Kubernetes does not change in place. */
  fixed: string[];
  /** Empty for a create or a delete, and without the keys of Secrets. */
  fields: FieldChange[];
  /** The number of fields that differ but only follow from another change or from the version: hashes, checksums, labels of the chart's version. */
  folded: number;
  /** How many keys of a Secret differ. */
  secretKeys: number;
}

/** Sorted by component and risk. Objects of which only folded fields differ are included. */
export function objectChanges(before: StackPlan, after: StackPlan): ObjectChange[] {
  const olds = new Map(before.objects.map((object) => [keyOf(object), object]));
  const news = new Map(after.objects.map((object) => [keyOf(object), object]));
  const changes = [...new Set([...olds.keys(), ...news.keys()])].flatMap(
    (key) => objectChange(olds.get(key), news.get(key)) ?? [],
  );
  return changes.sort(
    (a, b) =>
      risks.indexOf(mostSerious(changes, a.component)) - risks.indexOf(mostSerious(changes, b.component)) ||
      byText(a.component, b.component) ||
      risks.indexOf(a.risk) - risks.indexOf(b.risk) ||
      byText(`${a.kind} ${a.name}`, `${b.kind} ${b.name}`),
  );
}

function mostSerious(changes: readonly ObjectChange[], component: string): Risk {
  return risks.find((risk) => changes.some((one) => one.component === component && one.risk === risk)) ?? "other";
}

function byText(a: string, b: string): number {
  return a < b ? -1 : Number(a > b);
}

function objectChange(before?: KubernetesObject, after?: KubernetesObject): ObjectChange | undefined {
  const object = after ?? before;
  if (object === undefined) return undefined;
  const all = before && after ? fieldChanges(before, after) : [];
  const [shown, noise] = [all.filter(({ path }) => !isNoise(path)), all.filter(({ path }) => isNoise(path))];
  if (before && after && all.length === 0) return undefined;
  const isSecretKey = ({ path }: FieldChange) => object.kind === "Secret" && /^(data|stringData)\b/.test(path);
  const fixed =
    before && after
      ? diffObjects(before, before, after, { enableSecretMutable: true, enableConfigMapMutable: true }).replaces
      : [];
  const action = !before ? "create" : !after ? "delete" : fixed.length > 0 ? "recreate" : "update";
  return {
    action,
    apiVersion: object.apiVersion,
    kind: object.kind,
    name: object.metadata.name,
    namespace: object.metadata.namespace,
    component: object.metadata.labels?.["component"] ?? object.metadata.labels?.["app.kubernetes.io/component"] ?? "",
    risk: riskOf(object.kind, action, shown),
    fixed,
    fields: shown.filter((field) => !isSecretKey(field)),
    folded: noise.length,
    secretKeys: shown.filter(isSecretKey).length,
  };
}

/** Hashes and checksums follow from another change, and the chart's labels from its version. */
function isNoise(path: string): boolean {
  return (
    /(annotations|labels)\["?[^"]*(checksum|hash)/i.test(path) ||
    /(annotations|labels)\.(\w*checksum|\w*hash|heritage|chart)$/i.test(path) ||
    /labels\["(helm\.sh\/chart|app\.kubernetes\.io\/(version|managed-by))"\]$/.test(path)
  );
}

function riskOf(kind: string, action: ObjectAction, shown: readonly FieldChange[]): Risk {
  if (action === "update" && shown.length === 0) return "other";
  const ends = action === "delete" || action === "recreate";
  if (/^(PersistentVolume|PersistentVolumeClaim|StorageClass|Namespace)$/.test(kind)) return "data";
  if (kind === "StatefulSet" && ends) return "data";
  if (shown.some(({ path }) => /volumeClaimTemplates|persistentVolumeClaim|spec\.replicas$/.test(path))) return "data";
  if (/^(StatefulSet|Deployment|DaemonSet|Service|PodDisruptionBudget|Ingress)$/.test(kind)) return "availability";
  if (/^(Secret|ServiceAccount|(Cluster)?Role(Binding)?|NetworkPolicy)$/.test(kind)) return "access";
  return kind === "ConfigMap" || kind === "Job" ? "configuration" : "other";
}
