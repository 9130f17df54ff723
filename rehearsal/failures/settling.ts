import type { Observation } from "../cluster/observe.ts";

/** Something that is not ready yet, and may never be. */
export interface OpenMatter {
  kind: "Pod" | "Job" | "Service" | "StatefulSet" | "Deployment" | "PersistentVolumeClaim";
  name: string;
}

/** What an observation leaves open; nothing when every pod runs or is done, every Job is complete and every claim is bound. */
export function openMatters(seen: Observation): OpenMatter[] {
  return [
    ...seen.pods
      // A failed pod of a Job is followed by another one: the Job is what counts.
      .filter(({ state, job }) => state !== "ready" && state !== "done" && !(state === "failed" && job !== undefined))
      .map(({ name }): OpenMatter => ({ kind: "Pod", name })),
    ...seen.jobs.filter(({ state }) => state !== "complete").map(({ name }): OpenMatter => ({ kind: "Job", name })),
    ...seen.claims
      .filter(({ phase }) => phase !== "Bound")
      .map(({ name }): OpenMatter => ({ kind: "PersistentVolumeClaim", name })),
    ...seen.workloads
      .filter(({ wanted, created, ready }) => wanted !== created || wanted !== ready)
      .map(({ kind, name }): OpenMatter => ({ kind, name })),
    ...seen.services.filter(({ pending }) => pending).map(({ name }): OpenMatter => ({ kind: "Service", name })),
  ];
}

/**
 * `settled`: nothing is open. `stuck`: something is, and nothing has moved for so long that nothing will. `moving`: neither yet.
 */
export type Movement = "settled" | "stuck" | "moving";

/**
 * Judges a sequence of observations. A pod that cannot be placed is told from one that has not been placed yet by its PodScheduled
 * condition standing still, and everything else with it. Events are no witness: FailedScheduling is also recorded for passing conflicts.
 */
export class Settling {
  readonly #quiet: number;
  #last = "";
  #since = Number.NEGATIVE_INFINITY;

  /** @param quiet milliseconds without any change after which what is open counts as stuck */
  constructor(quiet: number) {
    this.#quiet = quiet;
  }

  /** Somebody is at work elsewhere (the engine reports a step): the quiet period starts again. */
  moved(now: number): void {
    this.#since = now;
  }

  /** Takes the next observation, made at `now` (milliseconds on any clock that does not go back). */
  judge(seen: Observation, now: number): Movement {
    const text = JSON.stringify(seen);
    if (text !== this.#last) {
      this.#last = text;
      this.#since = now;
    }
    if (openMatters(seen).length === 0) return "settled";
    return now - this.#since >= this.#quiet ? "stuck" : "moving";
  }
}
