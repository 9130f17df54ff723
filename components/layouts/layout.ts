/**
 * The vocabulary of a layout: which node carries which part of Pulsar. A layout is a pure function from the node list to a
 * `Layout`; NodePlan registers its labels and taints, the chart values take its placements, the rehearsal checks them.
 */

/** Everything the chart runs, by the names the seed uses; `init` stands for the two initialisation Jobs. */
export const components = [
  "zookeeper",
  "bookkeeper",
  "broker",
  "proxy",
  "autorecovery",
  "toolset",
  "manager",
  "init",
] as const;
export type Component = (typeof components)[number];

/** A Kubernetes taint. `effect` as in `Node.spec.taints`. */
export interface Taint {
  key: string;
  value: string;
  effect: "NoSchedule" | "PreferNoSchedule" | "NoExecute";
}

/** A Kubernetes toleration of exactly one taint. */
export interface Toleration extends Taint {
  operator: "Equal";
}

/** A node of the cluster that the stack labels and taints. */
export interface PlannedNode {
  /** `metadata.name` of the Node. */
  name: string;
  /** The node's `kubernetes.io/hostname` label; local volumes are pinned to it. */
  hostname: string;
  labels: Record<string, string>;
  taints: Taint[];
}

/** Where the pods of one component may run. */
export interface Placement {
  replicas: number;
  nodeSelector: Record<string, string>;
  tolerations: Toleration[];
  /** Names of the nodes its pods may run on, in the order of the node list. */
  nodes: string[];
  /**
   * `ordinal`: pod i runs on `nodes[i]`, because its local volume is there. `spread`: at most one pod a node. `any`: wherever the
   * scheduler likes among `nodes`.
   */
  rule: "ordinal" | "spread" | "any";
}

export interface Layout {
  nodes: PlannedNode[];
  placements: Record<Component, Placement>;
}
