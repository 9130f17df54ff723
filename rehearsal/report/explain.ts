import type { V1Taint, V1Toleration } from "@kubernetes/client-node";
import type { Plain } from "../cluster/api.ts";
import type { ClaimView, NodeView, Observation, PodView, Room, VolumeView } from "../cluster/observe.ts";

/**
 * Explains why the scheduler cannot place a pod: one clause for each reason in its message (`FitError` of kube-scheduler), with details
 * from the cluster. A reason that is not known here is returned as it is.
 */
export function explain(pod: PodView, seen: Observation): string[] {
  const clauses = reasonsIn(pod.unscheduled ?? "").flatMap(({ count, text }) => inPlainWords(text, count, pod, seen));
  // The scheduler has two reasons for unschedulable nodes, and both produce the same clause.
  return [...new Set(clauses)];
}

interface Reason {
  /** The number of nodes it applies to; undefined where it is about the pod itself. */
  count?: number;
  text: string;
}

/**
 * The reasons in a message such as "0/4 nodes are available: 1 node(s) had untolerated taint(s), 3 node(s) didn't match pod
 * anti-affinity rules. preemption: ...". The text after the full stop is about preemption and adds nothing.
 */
export function reasonsIn(message: string): Reason[] {
  const list = /^\d+\/\d+ nodes are available: (.*?)\.(?: |$)/s.exec(message)?.[1] ?? message;
  const counted = [...list.matchAll(/(?:^|, )(\d+) (.+?)(?=, \d+ |$)/gs)];
  if (counted.length === 0) return list === "" ? [] : [{ text: list }];
  return counted.map(([, count, text = ""]) => ({ count: Number(count), text }));
}

function inPlainWords(text: string, count: number | undefined, pod: PodView, seen: Observation): string[] {
  const nodes = count === undefined ? "no node" : count === 1 ? "1 node" : `${count} nodes`;
  const known = (clause: string | undefined): string[] => [clause ?? `${nodes}: ${text}`];
  if (text.includes("untolerated taint") || text.includes("were unschedulable")) {
    const clauses = keptAway(pod, seen.nodes);
    return clauses.length === 0 ? known(undefined) : clauses;
  }
  if (text.includes("node affinity/selector")) return known(selector(pod, seen.nodes));
  if (text.includes("PersistentVolume's node affinity")) return known(pinned(pod, seen));
  if (text.includes("available persistent volumes") || text.includes("unbound immediate")) {
    return known(unbound(pod, seen));
  }
  if (text.includes("anti-affinity")) {
    return [`anti-affinity with pods on ${nodes}`];
  }
  if (text === "Insufficient cpu") return known(tooSmall(pod, "cpu", seen));
  if (text === "Insufficient memory") return known(tooSmall(pod, "memory", seen));
  if (text.startsWith("Insufficient ")) return [`not enough ${text.slice("Insufficient ".length)} on ${nodes}`];
  return count === undefined ? [text] : known(undefined);
}

/** The condition of a node that a taint means. An operator sets `out-of-service` on a node that is off. */
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
function untolerated({ tolerations }: PodView, { taints }: NodeView): NodeView["taints"] {
  return taints.filter(
    (taint) => taint.effect !== "PreferNoSchedule" && !tolerations.some((one) => tolerates(one, taint)),
  );
}

/** A clause for the nodes that are lost, one for the cordoned ones, and one for the taints of all others. */
function keptAway(pod: PodView, nodes: readonly NodeView[]): string[] {
  const gone = new Map<string, string[]>();
  const carriers = new Map<string, string[]>();
  for (const node of nodes) {
    const taints = untolerated(pod, node);
    const condition = conditionIn(taints);
    if (condition !== undefined) append(gone, condition, node.name);
    else for (const taint of taints) append(carriers, taintText(taint), node.name);
  }
  const clauses = [...carriers].map(([taint, names]) => `the taint ${taint} on ${those(names, nodes)}`);
  return [
    ...[...gone].map(([condition, names]) =>
      names.length === 1 ? `node ${enumerate(names)} is ${condition}` : `nodes ${enumerate(names)} are ${condition}`,
    ),
    ...(clauses.length === 0 ? [] : [`no toleration for ${clauses.join(" and ")}`]),
  ];
}

function lacksLabel({ nodeSelector }: PodView, { labels }: NodeView): boolean {
  return Object.entries(nodeSelector).some(([key, value]) => labels[key] !== value);
}

function selector(pod: PodView, nodes: readonly NodeView[]): string | undefined {
  const misfits = nodes.filter((node) => lacksLabel(pod, node));
  if (misfits.length === 0) return undefined;
  const labels = Object.entries(pod.nodeSelector)
    .map(([key, value]) => `${key}=${value}`)
    .join(", ");
  const names = enumerate(misfits.map(({ name }) => name));
  return misfits.length === nodes.length
    ? `its nodeSelector requires ${labels}, which no node has`
    : `its nodeSelector requires ${labels}, which ${names} ${misfits.length === 1 ? "does" : "do"} not have`;
}

/** What is missing on each node that the pod fits otherwise. Only pods of the stack's namespace are counted. */
function tooSmall(pod: PodView, resource: keyof Room, { nodes, pods }: Observation): string | undefined {
  const requested = pod.requests[resource];
  const lacking = new Map<string, string[]>();
  for (const node of nodes) {
    if (lacksLabel(pod, node) || untolerated(pod, node).length > 0) continue;
    const offered = node.allocatable[resource];
    const taken = pods
      .filter((other) => other.node === node.name && other.state !== "done" && other.state !== "failed")
      .reduce((sum, { requests }) => sum + requests[resource], 0);
    // The scheduler counts in thousandths of a core; sums of fractions are a little off.
    const lack = Math.round((requested - offered + taken) * 1000) / 1000;
    if (lack <= 0) continue;
    const [missing, wanted, free, all] = [lack, requested, offered - taken, offered].map((each) =>
      inUnits(each, resource),
    );
    const what = resource === "cpu" ? "CPU" : resource;
    append(lacking, `short of ${missing} ${what} (requested ${wanted}, free ${free} of ${all})`, node.name);
  }
  const clauses = [...lacking].map(
    ([lack, names]) => `${enumerate(names)} ${names.length === 1 ? "is" : "are each"} ${lack}`,
  );
  return clauses.length === 0 ? undefined : clauses.join(", ");
}

/** CPU in cores, memory in Gi or Mi. */
function inUnits(amount: number, resource: keyof Room): string {
  const rounded = (value: number, decimals: number) => String(Number(value.toFixed(decimals)));
  if (resource === "cpu") return rounded(amount, 3);
  return amount >= 2 ** 30 ? `${rounded(amount / 2 ** 30, 2)}Gi` : `${rounded(amount / 2 ** 20, 2)}Mi`;
}

function pinned(pod: PodView, { nodes, claims, volumes }: Observation): string | undefined {
  const clauses = volumesOf(pod, claims, volumes).flatMap(({ name, hostnames }) => {
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

function unbound(pod: PodView, { claims }: Observation): string | undefined {
  const open = pod.claims.filter((name) => claims.some((claim) => claim.name === name && claim.phase !== "Bound"));
  return open.length === 0
    ? undefined
    : `no volume for its ${open.length === 1 ? "claim" : "claims"} ${enumerate(open)}`;
}

function volumesOf(pod: PodView, claims: readonly ClaimView[], volumes: readonly VolumeView[]): VolumeView[] {
  const names = claims.filter(({ name }) => pod.claims.includes(name)).map(({ volume }) => volume);
  return volumes.filter(({ name }) => names.includes(name));
}

/** Kubernetes' rule of `Toleration.ToleratesTaint`; a toleration without a key tolerates everything, one without effect every effect. */
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

function those(names: readonly string[], all: readonly NodeView[]): string {
  if (names.length < all.length || names.length === 1) return enumerate(names);
  return names.length === 2 ? "both nodes" : `all ${names.length} nodes`;
}

/** "a", "a and b", "a, b and c". */
export function enumerate(names: readonly string[]): string {
  if (names.length < 2) return names.join("");
  return `${names.slice(0, -1).join(", ")} and ${names.at(-1) ?? ""}`;
}
