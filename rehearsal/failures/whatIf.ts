import type { Component } from "../../model/layouts/layout.ts";
import type { Observation } from "../cluster/observe.ts";

/** What happened to a pod of a node that failed or was drained. There is none for pods of Jobs. */
export interface Move {
  pod: string;
  component?: Component;
  from: string;
  /** The node that it runs on now. Absent if it does not run, or was not evicted. */
  to?: string;
  /** Why `to` is absent: the explained reasons of the scheduler, or why the eviction was refused. */
  why?: string;
  /** Whether it still runs on `from`, because its eviction was refused. */
  refused?: boolean;
}

/** The remaining replicas of one component. */
export interface Remaining {
  running: number;
  replicas: number;
  /** The minimum for the service to continue. */
  needed: number;
}

/** Whether Pulsar continues, calculated from the running pods by the rules of ZooKeeper and BookKeeper. */
export interface Survival {
  /** `needed` is the majority of all replicas. */
  zookeeper: Remaining;
  /** `needed` is the ensemble size: with fewer bookies, no ledger can be opened, and no failed bookie of a ledger replaced. */
  bookies: Remaining;
  /** Of each ledger, from the brokers' configuration (managedLedgerDefault...). */
  quorum: { ensemble: number; write: number; ack: number };
  brokers: Remaining;
  proxies: Remaining;
  /** Why the service stops, one line each. Empty if it continues. */
  stops: string[];
  /** What is degraded although the service continues, one line each. */
  degraded: string[];
}

/** A simulated failure or drain of nodes, and its effect. */
export interface WhatIf {
  kind: "lost" | "drained";
  /** In the order of the option. */
  nodes: string[];
  /** Set if the nodes were selected by their zone. */
  zone?: string;
  moves: Move[];
  survival: Survival;
  /** What the operator does next, one step per line, with its command. */
  advice: string[];
  /** The cluster afterwards. */
  after: Observation;
}
