import type { V1Taint, V1Toleration } from "@kubernetes/client-node";
import type { Plain } from "./kubernetes.ts";
import type { ClaimView, NodeView, Observation, PodView, VolumeView } from "./observe.ts";

/**
 * Why the scheduler binds a pod to no node, in plain words: one clause for each reason of its message (`FitError` of
 * kube-scheduler), with what the cluster shows about it. A reason that is not known here is passed on as it is.
 */
export function explain(pod: PodView, seen: Observation): string[] {
  return reasonsIn(pod.unscheduled ?? "").map(({ count, text }) => inPlainWords(text, count, pod, seen));
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

function inPlainWords(text: string, count: number | undefined, pod: PodView, seen: Observation): string {
  const nodes = count === undefined ? "no node" : count === 1 ? "1 node" : `${count} nodes`;
  if (text.includes("untolerated taint")) return taints(pod, seen.nodes) ?? `${nodes}: ${text}`;
  if (text.includes("node affinity/selector")) return selector(pod, seen.nodes) ?? `${nodes}: ${text}`;
  if (text.includes("PersistentVolume's node affinity")) return pinned(pod, seen) ?? `${nodes}: ${text}`;
  if (text.includes("available persistent volumes") || text.includes("unbound immediate")) {
    return unbound(pod, seen) ?? `${nodes}: ${text}`;
  }
  if (text.includes("anti-affinity")) {
    return `on ${nodes} there is already a pod that it may not share a node with (anti-affinity)`;
  }
  if (text.startsWith("Insufficient ")) return `${nodes} with too little ${text.slice("Insufficient ".length)} left`;
  if (text.includes("were unschedulable")) return `${nodes} cordoned (unschedulable)`;
  return count === undefined ? text : `${nodes}: ${text}`;
}

function taints(pod: PodView, nodes: readonly NodeView[]): string | undefined {
  const carriers = new Map<string, string[]>();
  for (const node of nodes) {
    for (const taint of node.taints) {
      if (taint.effect === "PreferNoSchedule" || pod.tolerations.some((one) => tolerates(one, taint))) continue;
      carriers.set(taintText(taint), [...(carriers.get(taintText(taint)) ?? []), node.name]);
    }
  }
  const clauses = [...carriers].map(
    ([taint, names]) => `the taint ${taint} that ${those(names, nodes)} ${carry(names)}`,
  );
  return clauses.length === 0 ? undefined : `no toleration for ${clauses.join(" and ")}`;
}

function selector(pod: PodView, nodes: readonly NodeView[]): string | undefined {
  const wanted = Object.entries(pod.nodeSelector);
  const misfits = nodes.filter(({ labels }) => !wanted.every(([key, value]) => labels[key] === value));
  if (misfits.length === 0) return undefined;
  const labels = wanted.map(([key, value]) => `${key}=${value}`).join(", ");
  const names = enumerate(misfits.map(({ name }) => name));
  return misfits.length === nodes.length
    ? `its nodeSelector asks for ${labels}, which no node has`
    : `its nodeSelector asks for ${labels}, which ${names} ${misfits.length === 1 ? "has" : "have"} not`;
}

function pinned(pod: PodView, { nodes, claims, volumes }: Observation): string | undefined {
  const clauses = volumesOf(pod, claims, volumes).flatMap(({ name, hostnames }) => {
    if (hostnames.length === 0) return [];
    const hosts = nodes.filter(({ labels }) => hostnames.includes(labels["kubernetes.io/hostname"] ?? ""));
    return hosts.length === 0
      ? [`volume ${name} is pinned to kubernetes.io/hostname=${hostnames.join(", ")}, which no node has`]
      : [`volume ${name} is on ${enumerate(hosts.map((host) => host.name))} and nowhere else`];
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
