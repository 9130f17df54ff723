import type { Observation } from "./observe.ts";

export interface UnreadyObject {
  kind: "Pod" | "Job" | "Service" | "StatefulSet" | "Deployment" | "PersistentVolumeClaim";
  name: string;
}

/** Everything that is not ready. Empty if every pod is ready or done, every Job is complete and every claim is bound. */
export function unreadyObjects(seen: Observation): UnreadyObject[] {
  return [
    ...seen.pods
      // A Job replaces its failed pods, so only the state of the Job counts.
      .filter(({ state, job }) => state !== "ready" && state !== "done" && !(state === "failed" && job !== undefined))
      .map(({ name }): UnreadyObject => ({ kind: "Pod", name })),
    ...seen.jobs.filter(({ state }) => state !== "complete").map(({ name }): UnreadyObject => ({ kind: "Job", name })),
    ...seen.claims
      .filter(({ phase }) => phase !== "Bound")
      .map(({ name }): UnreadyObject => ({ kind: "PersistentVolumeClaim", name })),
    ...seen.workloads
      .filter(({ wanted, created, ready }) => wanted !== created || wanted !== ready)
      .map(({ kind, name }): UnreadyObject => ({ kind, name })),
    ...seen.services.filter(({ pending }) => pending).map(({ name }): UnreadyObject => ({ kind: "Service", name })),
  ];
}

/** `stalled`: something is not ready, and nothing has changed for so long that nothing will. */
export type Readiness = "ready" | "progressing" | "stalled";

/**
 * Detects that a cluster makes no more progress. The events of the scheduler cannot show this, because it also records FailedScheduling for
 * temporary conflicts.
 */
export class StallDetector {
  readonly #quietPeriod: () => number;
  #last = "";
  #lastChange = Number.NEGATIVE_INFINITY;

  /** @param quietPeriod milliseconds without a change after which an unready cluster counts as stalled */
  constructor(quietPeriod: () => number) {
    this.#quietPeriod = quietPeriod;
  }

  /** Restarts the quiet period, for progress outside the cluster. */
  reset(now: number): void {
    this.#lastChange = now;
  }

  /** Takes the next observation. @param now in milliseconds of a monotonic clock */
  check(seen: Observation, now: number): Readiness {
    const text = JSON.stringify(seen);
    if (text !== this.#last) {
      this.#last = text;
      this.#lastChange = now;
    }
    if (unreadyObjects(seen).length === 0) return "ready";
    return now - this.#lastChange >= this.#quietPeriod() ? "stalled" : "progressing";
  }
}
