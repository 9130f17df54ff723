import type { V1Taint, V1Toleration } from "@kubernetes/client-node";
import type { Plain } from "../cluster/api.ts";
import {
  type NodeView,
  type Observation,
  type PodView,
  reservedFor,
  type Resources,
  type VolumeView,
} from "../cluster/observe.ts";

/**
 * Explains why the scheduler cannot place a pod: one clause for each reason in its message (`FitError` of kube-scheduler), with details
 * from the cluster. A reason that is not known here is returned as it is.
 */
export function explain(pod: PodView, seen: Observation): string[] {
  const clauses = reasonsIn(pod.unscheduled ?? "").flatMap(({ count, text }) => clausesFor(text, count, pod, seen));
  // The scheduler has two reasons for unschedulable nodes, and both produce the same clause.
  return [...new Set(clauses)];
}

interface Reason {
  /** The number of nodes that it applies to. Undefined if it concerns the pod itself. */
  count?: number;
  text: string;
}

/**
 * The reasons in a message such as "0/4 nodes are available: 1 node(s) had untolerated taint(s), 3 node(s) didn't match pod
 * anti-affinity rules. preemption: ...". The text after the full stop is ignored.
 */
export function reasonsIn(message: string): Reason[] {
  const list = /^\d+\/\d+ nodes are available: (.*?)\.(?: |$)/s.exec(message)?.[1] ?? message;
  const counted = [...list.matchAll(/(?:^|, )(\d+) (.+?)(?=, \d+ |$)/gs)];
  if (counted.length === 0) return list === "" ? [] : [{ text: list }];
  return counted.map(([, count, text = ""]) => ({ count: Number(count), text }));
}

function clausesFor(text: string, count: number | undefined, pod: PodView, seen: Observation): string[] {
  const nodes = count === undefined ? "no node" : count === 1 ? "1 node" : `${count} nodes`;
  const orVerbatim = (clause: string | undefined): string[] => [clause ?? `${nodes}: ${text}`];
  if (text.includes("untolerated taint") || text.includes("were unschedulable")) {
    const clauses = taintClauses(pod, seen.nodes);
    return clauses.length === 0 ? orVerbatim(undefined) : clauses;
  }
  if (text.includes("node affinity/selector")) return orVerbatim(selectorClause(pod, seen.nodes));
  if (text.includes("PersistentVolume's node affinity")) return orVerbatim(affinityClause(pod, seen));
  if (text.includes("available persistent volumes") || text.includes("unbound immediate")) {
    return orVerbatim(unboundClause(pod, seen));
  }
  if (text.includes("anti-affinity")) {
    return [`anti-affinity with pods on ${nodes}`];
  }
  if (text === "Insufficient cpu") return orVerbatim(shortageClause(pod, "cpu", seen));
  if (text === "Insufficient memory") return orVerbatim(shortageClause(pod, "memory", seen));
  if (text.startsWith("Insufficient ")) return [`not enough ${text.slice("Insufficient ".length)} on ${nodes}`];
  return count === undefined ? [text] : orVerbatim(undefined);
}

/** Taints that show the condition of a node. */
const conditions: Readonly<Record<string, "lost" | "cordoned">> = {
  "node.kubernetes.io/unreachable": "lost",
  "node.kubernetes.io/out-of-service": "lost",
  "node.kubernetes.io/unschedulable": "cordoned",
};

function conditionIn(taints: NodeView["taints"]): "lost" | "cordoned" | undefined {
  const found = taints.map(({ key }) => conditions[key]);
  return found.find((condition) => condition === "lost") ?? found.find((condition) => condition !== undefined);
}

/** The taints of a node that keep the pod away. */
export function untolerated(
  { tolerations }: Pick<PodView, "tolerations">,
  { taints }: Pick<NodeView, "taints">,
): NodeView["taints"] {
  return taints.filter(
    (taint) => taint.effect !== "PreferNoSchedule" && !tolerations.some((one) => tolerates(one, taint)),
  );
}

/** One clause each for the lost nodes, the cordoned nodes, and the taints of the others. */
function taintClauses(pod: PodView, nodes: readonly NodeView[]): string[] {
  const unavailable = new Map<string, string[]>();
  const tainted = new Map<string, string[]>();
  for (const node of nodes) {
    const taints = untolerated(pod, node);
    const condition = conditionIn(taints);
    if (condition !== undefined) append(unavailable, condition, node.name);
    else for (const taint of taints) append(tainted, taintText(taint), node.name);
  }
  const clauses = [...tainted].map(([taint, names]) => `the taint ${taint} on ${nodeList(names, nodes)}`);
  return [
    ...[...unavailable].map(([condition, names]) =>
      names.length === 1 ? `node ${enumerate(names)} is ${condition}` : `nodes ${enumerate(names)} are ${condition}`,
    ),
    ...(clauses.length === 0 ? [] : [`no toleration for ${clauses.join(" and ")}`]),
  ];
}

function lacksLabel({ nodeSelector }: PodView, { labels }: NodeView): boolean {
  return Object.entries(nodeSelector).some(([key, value]) => labels[key] !== value);
}

function selectorClause(pod: PodView, nodes: readonly NodeView[]): string | undefined {
  const unmatched = nodes.filter((node) => lacksLabel(pod, node));
  if (unmatched.length === 0) return undefined;
  const labels = Object.entries(pod.nodeSelector)
    .map(([key, value]) => `${key}=${value}`)
    .join(", ");
  const names = enumerate(unmatched.map(({ name }) => name));
  return unmatched.length === nodes.length
    ? `its nodeSelector requires ${labels}, which no node has`
    : `its nodeSelector requires ${labels}, which ${names} ${unmatched.length === 1 ? "does" : "do"} not have`;
}

/** The missing amount on each node that is suitable otherwise. Only pods of the stack's namespace are counted. */
function shortageClause(pod: PodView, resource: keyof Resources, { nodes, pods }: Observation): string | undefined {
  const requested = pod.requests[resource];
  const shortages = new Map<string, string[]>();
  for (const node of nodes) {
    if (lacksLabel(pod, node) || untolerated(pod, node).length > 0) continue;
    const allocatable = node.allocatable[resource];
    const taken = reservedFor(pods.filter((other) => other.node === node.name))[resource];
    // Rounded to thousandths, as the scheduler counts cores, because sums of fractions are inexact.
    const shortage = Math.round((requested - allocatable + taken) * 1000) / 1000;
    if (shortage <= 0) continue;
    const [missing, wanted, free, all] = [shortage, requested, allocatable - taken, allocatable].map((each) =>
      quantity(each, resource),
    );
    const what = resource === "cpu" ? "CPU" : resource;
    append(shortages, `short of ${missing} ${what} (requested ${wanted}, free ${free} of ${all})`, node.name);
  }
  const clauses = [...shortages].map(
    ([shortage, names]) => `${enumerate(names)} ${names.length === 1 ? "is" : "are each"} ${shortage}`,
  );
  return clauses.length === 0 ? undefined : clauses.join(", ");
}

/** CPU in cores, memory in Gi or Mi. */
export function quantity(amount: number, resource: keyof Resources): string {
  const rounded = (value: number, decimals: number) => String(Number(value.toFixed(decimals)));
  if (resource === "cpu") return rounded(amount, 3);
  return amount >= 2 ** 30 ? `${rounded(amount / 2 ** 30, 2)}Gi` : `${rounded(amount / 2 ** 20, 2)}Mi`;
}

function affinityClause(pod: PodView, seen: Observation): string | undefined {
  const { nodes } = seen;
  const clauses = volumesOf(pod, seen).flatMap(({ name, hostnames }) => {
    if (hostnames.length === 0) return [];
    const hosts = nodes.filter(({ labels }) => hostnames.includes(labels["kubernetes.io/hostname"] ?? ""));
    if (hosts.length === 0) {
      return [`volume ${name} is pinned to kubernetes.io/hostname=${hostnames.join(", ")}, which no node has`];
    }
    const lost = hosts.length === 1 && hosts.every(({ taints }) => conditionIn(taints) === "lost");
    return [`volume ${name} is on ${lost ? "the lost node " : ""}${enumerate(hosts.map((host) => host.name))} and nowhere else`]; // prettier-ignore
  });
  return clauses.length === 0 ? undefined : `its ${clauses.join(", its ")}`;
}

function unboundClause(pod: PodView, { claims }: Observation): string | undefined {
  const open = pod.claims.filter((name) => claims.some((claim) => claim.name === name && claim.phase !== "Bound"));
  return open.length === 0
    ? undefined
    : `no volume for its ${open.length === 1 ? "claim" : "claims"} ${enumerate(open)}`;
}

/** The volumes that the claims of a pod are bound to. */
export function volumesOf(pod: PodView, { claims, volumes }: Observation): VolumeView[] {
  const names = claims.filter(({ name }) => pod.claims.includes(name)).map(({ volume }) => volume);
  return volumes.filter(({ name }) => names.includes(name));
}

/** Whether a toleration matches a taint, by the rule of Kubernetes (`Toleration.ToleratesTaint`). */
export function tolerates(toleration: Plain<V1Toleration>, taint: Plain<V1Taint>): boolean {
  if (toleration.effect && toleration.effect !== taint.effect) return false;
  if (toleration.key && toleration.key !== taint.key) return false;
  return (
    toleration.operator === "Exists" || (Boolean(toleration.key) && (toleration.value ?? "") === (taint.value ?? ""))
  );
}

/** A taint as kubectl writes it. */
export function taintText({ key, value, effect }: Plain<V1Taint>): string {
  return `${key}${value ? `=${value}` : ""}:${effect}`;
}

function append(lists: Map<string, string[]>, key: string, value: string): void {
  lists.set(key, [...(lists.get(key) ?? []), value]);
}

function nodeList(names: readonly string[], all: readonly NodeView[]): string {
  if (names.length < all.length || names.length === 1) return enumerate(names);
  return names.length === 2 ? "both nodes" : `all ${names.length} nodes`;
}

/** "a", "a and b", "a, b and c". */
export function enumerate(names: readonly string[], last: "and" | "or" = "and"): string {
  if (names.length < 2) return names.join("");
  return `${names.slice(0, -1).join(", ")} ${last} ${names.at(-1) ?? ""}`;
}
