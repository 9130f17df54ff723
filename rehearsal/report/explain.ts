import type { V1Taint, V1Toleration } from "@kubernetes/client-node";
import type { Plain } from "../cluster/api.ts";
import type { ClaimView, NodeView, Observation, PodView, Room, VolumeView } from "../cluster/observe.ts";

/**
 * Why the scheduler binds a pod to no node, in plain words: one clause for each reason of its message (`FitError` of
 * kube-scheduler), with what the cluster shows about it. A reason that is not known here is passed on as it is.
 */
export function explain(pod: PodView, seen: Observation): string[] {
  const clauses = reasonsIn(pod.unscheduled ?? "").flatMap(({ count, text }) => inPlainWords(text, count, pod, seen));
  // The scheduler has two reasons for nodes that take no pods, and they are told together.
  return [...new Set(clauses)];
}

interface Reason {
  /** How many nodes it holds for; none where it is about the pod itself. */
  count?: number;
  text: string;
}

/**
 * The reasons in a message such as "0/4 nodes are available: 1 node(s) had untolerated taint(s), 3 node(s) didn't match pod
 * anti-affinity rules. preemption: ...". What follows their full stop is about making room and says nothing new.
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
    return [`on ${nodes} there is already a pod that it may not share a node with (anti-affinity)`];
  }
  if (text === "Insufficient cpu") return known(tooSmall(pod, "cpu", seen));
  if (text === "Insufficient memory") return known(tooSmall(pod, "memory", seen));
  if (text.startsWith("Insufficient ")) return [`${nodes} with too little ${text.slice("Insufficient ".length)} left`];
  return count === undefined ? [text] : known(undefined);
}

/** What the control plane says of a node by a taint; `out-of-service` is said by an operator who knows that it will not come back. */
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
  const clauses = [...carriers].map(
    ([taint, names]) => `the taint ${taint} that ${those(names, nodes)} ${carry(names)}`,
  );
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
    ? `its nodeSelector asks for ${labels}, which no node has`
    : `its nodeSelector asks for ${labels}, which ${names} ${misfits.length === 1 ? "has" : "have"} not`;
}

/** How much is missing on each node that the pod could be on but for that. Only pods of the stack's namespace are seen to take room. */
function tooSmall(pod: PodView, resource: keyof Room, { nodes, pods }: Observation): string | undefined {
  const asked = pod.requests[resource];
  const lacking = new Map<string, string[]>();
  for (const node of nodes) {
    if (lacksLabel(pod, node) || untolerated(pod, node).length > 0) continue;
    const offered = node.allocatable[resource];
    const taken = pods
      .filter((other) => other.node === node.name && other.state !== "done" && other.state !== "failed")
      .reduce((sum, { requests }) => sum + requests[resource], 0);
    // The scheduler counts in thousandths of a core; sums of fractions are a little off.
    const lack = Math.round((asked - offered + taken) * 1000) / 1000;
    if (lack <= 0) continue;
    const [missing, wanted, free, all] = [lack, asked, offered - taken, offered].map((each) => inUnits(each, resource));
    const what = resource === "cpu" ? "CPU" : resource;
    append(lacking, `short of ${missing} ${what} (asked ${wanted}, free ${free} of ${all})`, node.name);
  }
  const clauses = [...lacking].map(
    ([lack, names]) => `${enumerate(names)} ${names.length === 1 ? "is" : "are each"} ${lack}`,
  );
  return clauses.length === 0 ? undefined : clauses.join(", ");
}

/** Cores as they are, bytes in Gi or Mi. */
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

function carry(names: readonly string[]): string {
  return names.length === 1 ? "carries" : "carry";
}

/** "a", "a and b", "a, b and c". */
export function enumerate(names: readonly string[]): string {
  if (names.length < 2) return names.join("");
  return `${names.slice(0, -1).join(", ")} and ${names.at(-1) ?? ""}`;
}
