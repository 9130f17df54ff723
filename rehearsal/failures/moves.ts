/** What became of the pods of nodes that died or were drained. */
import { enumerate, explain } from "../report/explain.ts";
import { byName, compareNames, type Observation, type PodView } from "../cluster/observe.ts";
import { componentOf } from "../report/plan.ts";
import type { Move } from "./whatIf.ts";

/**
 * A move for each pod that was on one of the nodes, but for those of Jobs. Pods of a Deployment come back under another name and are known by
 * their title.
 *
 * @param refused why a pod could not be evicted, by its name; it has stayed where it was
 */
export function movesOf(
  before: Observation,
  after: Observation,
  nodes: readonly string[],
  refused: ReadonlyMap<string, string> = new Map(),
): Move[] {
  const stayed = before.pods.filter(
    ({ name, node }) => node !== undefined && (!nodes.includes(node) || refused.has(name)),
  );
  // Each new pod takes the place of one old one.
  const open = after.pods.filter((pod) => !stayed.some(({ name, node }) => pod.name === name && pod.node === node));
  const moves = before.pods
    .filter((pod) => pod.job === undefined && pod.node !== undefined && nodes.includes(pod.node))
    .map((pod): Move => {
      const move = { pod: pod.title, component: componentOf(pod.component), from: pod.node ?? "" };
      const refusal = refused.get(pod.name);
      if (refusal !== undefined) return { ...move, refused: true, why: `it stays on ${move.from}: ${refusal}` };
      const place = open.findIndex(({ title, state }) => title === pod.title && state !== "ending");
      const [now] = place < 0 ? [] : open.splice(place, 1);
      return now?.state === "ready" ? { ...move, to: now.node } : { ...move, why: whyNot(pod, now, after) };
    });
  return moves.sort((a, b) => compareNames(a.pod, b.pod));
}

/** That the pod's volumes are on its old node, where they are. */
function stranded(
  pod: PodView,
  { claims, volumes, nodes }: Observation,
  oldNode: string | undefined,
): string[] | undefined {
  const hostname = nodes.find(({ name }) => name === oldNode)?.labels["kubernetes.io/hostname"];
  const bound = claims.filter(({ name }) => pod.claims.includes(name)).map(({ volume }) => volume);
  const there = volumes.filter(({ name, hostnames }) => bound.includes(name) && hostnames.includes(hostname ?? ""));
  if (oldNode === undefined || there.length === 0) return undefined;
  const names = enumerate(there.map(({ name }) => name));
  return [`its ${there.length === 1 ? `volume ${names} is` : `volumes ${names} are`} on ${oldNode} and nowhere else`];
}

function whyNot(old: PodView, now: PodView | undefined, after: Observation): string {
  if (now?.unscheduled !== undefined) {
    const reasons = explain(now, after);
    // The scheduler names what it found first on each node; but where its volume is, there it waits whatever else is.
    const oldNode = reasons.filter((reason) => reason.startsWith("its volume"));
    return (oldNode.length > 0 ? oldNode : (stranded(now, after, old.node) ?? reasons)).join("; ");
  }
  if (now !== undefined)
    return now.node === undefined ? "not scheduled yet" : `it does not become ready on ${now.node}`;
  const waiting = after.pods
    .filter(({ component, state }) => component === old.component && (state === "pending" || state === "starting"))
    .sort(byName)
    .map(({ name }) => name);
  return waiting.length === 0 ? "not created again" : `it is created only once ${enumerate(waiting)} runs`;
}
