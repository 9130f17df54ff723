import type { Component } from "../../model/layouts/layout.ts";
import type { Observation } from "../cluster/observe.ts";

/** A pod that was on a node when the node died or was drained, and what became of it. Pods of Jobs that were done are left out. */
export interface Move {
  pod: string;
  component?: Component | undefined;
  from: string;
  /** Where it runs now; none where it cannot. */
  to?: string | undefined;
  /** Why it runs nowhere, in plain words: the scheduler's reasons, or why the eviction was refused. */
  why?: string | undefined;
  /** Whether it still runs where it was, because its eviction was refused. */
  refused?: boolean | undefined;
}

/** How much of one component is left. */
export interface Remaining {
  running: number;
  replicas: number;
  /** How many it takes for the service to go on. */
  needed: number;
}

/** Whether Pulsar goes on, by its own rules: pure arithmetic over the pods that run. */
export interface Survival {
  /** `needed` is the majority of all replicas. */
  zookeeper: Remaining;
  /** `needed` is the ensemble: with fewer bookies no ledger can be opened and no failed bookie be replaced in one. */
  bookies: Remaining;
  /** How each ledger is written, from the brokers' configuration (managedLedgerDefault...). */
  quorum: { ensemble: number; write: number; ack: number };
  brokers: Remaining;
  proxies: Remaining;
  /** Why the service would stop, a line each; none: it goes on. */
  stops: string[];
  /** Degraded than before though the service goes on, a line each. */
  weaker: string[];
}

/** Nodes that died or were drained after the stack had started, and what became of it. */
export interface WhatIf {
  kind: "lost" | "drained";
  /** The nodes, in the order asked for. */
  nodes: string[];
  /** The zone they were asked for by, if they were. */
  zone?: string | undefined;
  moves: Move[];
  survival: Survival;
  /** What the operator does next, a line each, commands included. */
  advice: string[];
  /** The cluster once it had settled. */
  after: Observation;
}
