import { compareNames, type Observation } from "../cluster/observe.ts";
import type { Move } from "../failures/whatIf.ts";
import { componentOf } from "../report/placement.ts";
import type { PredictedPod } from "../report/record.ts";

/** Where each pod of the stack runs, predicted and in reality. Pods of Jobs come and go, and are left out. */
export function comparePods(predicted: Observation, real: Observation): PredictedPod[] {
  const places = (seen: Observation) =>
    new Map(
      seen.pods
        .filter(({ job, component }) => job === undefined && componentOf(component) !== undefined)
        .map(({ title, node }) => [title, node ?? "no node"]),
    );
  return pairs(places(predicted), places(real), "no pod");
}

/** Where each pod of a drained node goes, predicted and in reality. */
export function compareMoves(predicted: readonly Move[], real: readonly Move[]): PredictedPod[] {
  const places = (moves: readonly Move[]) =>
    new Map(
      moves.map(({ pod, to, refused }) => [`${pod} after the drain`, refused === true ? "stays" : (to ?? "waits")]),
    );
  return pairs(places(predicted), places(real), "does not move");
}

function pairs(predicted: Map<string, string>, real: Map<string, string>, absent: string): PredictedPod[] {
  return [...new Set([...predicted.keys(), ...real.keys()])]
    .sort(compareNames)
    .map((pod) => ({ pod, predicted: predicted.get(pod) ?? absent, real: real.get(pod) ?? absent }));
}
