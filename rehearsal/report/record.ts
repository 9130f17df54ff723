import type { Layout } from "../../model/layouts/layout.ts";
import type { Observation } from "../cluster/observe.ts";
import type { Check } from "../realCluster/messages/checks.ts";
import type { TrafficStep } from "../realCluster/messages/trafficSteps.ts";
import type { WhatIf } from "../failures/whatIf.ts";

/** An `up` with other settings. */
export type ChangeName = "value change" | "token rotation" | "certificate renewal" | `CA rotation, update ${number}`;

/** One run of the engine, or one drain, within a rehearsal. */
export interface Operation {
  name: "up" | "second up" | "refresh" | ChangeName | "drain" | "destroy" | "destroy, unprotected";
  seconds: number;
  /**
   * `done`: it succeeded; the second `up` and the refresh found no changes. `changed`: the second `up` or the refresh found changes.
   * `failed`: it ended with an error. `stopped`: the rehearsal stopped it, because it would never have finished. `refused`: the destroy of a
   * production stack was refused as required, and nothing was changed.
   */
  outcome: "done" | "changed" | "failed" | "stopped" | "refused";
  /** What changed or failed, one line each, without secrets. */
  details: string[];
}

/** The result of a rehearsal: everything that the report contains. */
export interface RehearsalRecord {
  stack: string;
  /** The planned placement that the pods are compared with. */
  layout: Layout;
  /** The Secret to pull every image with; undefined if the registry needs none. */
  pullSecret?: string;
  /** Every image that a pod of the stack may use. */
  images: string[];
  /** The real components with their versions, and those that were simulated or replaced by stand-ins. */
  parts: { real: string[]; standIns: string[] };
  operations: Operation[];
  /** The cluster after the first `up`, when it was ready or stalled. Undefined if the rehearsal ended before. */
  seen?: Observation;
  /** References to objects that do not exist, one line each; only real kubelets fail on them. */
  missing: string[];
  /** What `destroy` should have removed and did not. */
  leftovers: string[];
  /** What the stack changed or removed although it does not own it. */
  foreignChanges: string[];
  /** The context of the existing cluster. Absent if the nodes were simulated. */
  cluster?: string;
  /** What real messages showed. Absent if no containers ran. */
  messages?: { checks: Check[]; traffic: TrafficStep[] };
  /** Where each pod runs, by the rehearsal on simulated nodes and in the real cluster. */
  comparison?: PredictedPod[];
  /** The effect of each requested failure or drain, each starting with all pods running. */
  whatIfs?: WhatIf[];
}

/** A pod, or a move of one, in a rehearsal on simulated nodes and in reality. */
export interface PredictedPod {
  pod: string;
  predicted: string;
  real: string;
}

export interface Verdict {
  ok: boolean;
  /** In the order in which they would occur. A problem with a long message of the engine has several lines. */
  problems: string[];
}
