/** The effect of a failure or drain on the pods of the nodes. */
import { enumerate, explain, volumesOf } from "../report/explain.ts";
import { byName, compareNames, type Observation, type PodView } from "../cluster/observe.ts";
import { componentOf } from "../report/placement.ts";
import type { Move } from "./whatIf.ts";

/**
 * A move for each pod that was on one of the nodes, except for pods of Jobs. The new pods of a Deployment have other names, so pods are matched by
 * title.
 *
 * @param refused the reason for each pod that was not evicted, by name
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
  // Each new pod replaces one old pod.
  const candidates = after.pods.filter(
    (pod) => !stayed.some(({ name, node }) => pod.name === name && pod.node === node),
  );
  const moves = before.pods
    .filter((pod) => pod.job === undefined && pod.node !== undefined && nodes.includes(pod.node))
    .map((pod): Move => {
      const move = { pod: pod.title, component: componentOf(pod.component), from: pod.node ?? "" };
      const refusal = refused.get(pod.name);
      if (refusal !== undefined) return { ...move, refused: true, why: `it stays on ${move.from}: ${refusal}` };
      const index = candidates.findIndex(({ title, state }) => title === pod.title && state !== "ending");
      const [now] = index < 0 ? [] : candidates.splice(index, 1);
      return now?.state === "ready" ? { ...move, to: now.node } : { ...move, why: notRunningReason(pod, now, after) };
    });
  return moves.sort((a, b) => compareNames(a.pod, b.pod));
}

/** The reason that the volumes of the pod are on its old node. Undefined if they are not. */
function volumesOnOldNode(pod: PodView, seen: Observation, oldNode: string | undefined): string[] | undefined {
  const hostname = seen.nodes.find(({ name }) => name === oldNode)?.labels["kubernetes.io/hostname"];
  const there = volumesOf(pod, seen).filter(({ hostnames }) => hostnames.includes(hostname ?? ""));
  if (oldNode === undefined || there.length === 0) return undefined;
  const names = enumerate(there.map(({ name }) => name));
  return [`its ${there.length === 1 ? `volume ${names} is` : `volumes ${names} are`} on ${oldNode} and nowhere else`];
}

function notRunningReason(old: PodView, now: PodView | undefined, after: Observation): string {
  if (now?.unscheduled !== undefined) {
    const reasons = explain(now, after);
    // The scheduler names only the first reason for each node. The node of its volumes is decisive.
    const ofVolumes = reasons.filter((reason) => reason.startsWith("its volume"));
    return (ofVolumes.length > 0 ? ofVolumes : (volumesOnOldNode(now, after, old.node) ?? reasons)).join("; ");
  }
  if (now !== undefined)
    return now.node === undefined ? "not scheduled yet" : `it does not become ready on ${now.node}`;
  const waiting = after.pods
    .filter(({ component, state }) => component === old.component && (state === "pending" || state === "starting"))
    .sort(byName)
    .map(({ name }) => name);
  return waiting.length === 0 ? "not created again" : `it is created only once ${enumerate(waiting)} runs`;
}
