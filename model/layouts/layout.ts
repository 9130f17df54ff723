/**
 * The vocabulary of a layout: which node carries which part of Pulsar. A layout is a pure function from the node list to a
 * `Layout`; NodePlan registers its labels and taints, the chart values take its placements, the rehearsal checks them.
 */

/** Everything the chart runs, by the names the seed uses; `init` stands for the initialisation Jobs. */
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

/** What a node is for: one of the dedicated groups, or everything. */
export type NodeRole = "zookeeper" | "bookkeeper" | "serving" | "everything";

/** A node of the stack's configuration. */
export interface StackNode {
  /** `metadata.name` of the Node. */
  name: string;
  /** The node's `kubernetes.io/hostname` label; local volumes are pinned to it. */
  hostname: string;
  /** What fails together: a data centre, a room, a rack's power. */
  zone?: string | undefined;
  /** What BookKeeper keeps the copies of a ledger apart by; where it is not given, the zone. */
  rack?: string | undefined;
}

/** A node of the cluster that the stack labels and taints. */
export interface PlannedNode extends StackNode {
  role: NodeRole;
  labels: Record<string, string>;
  taints: Taint[];
}

/** Where the pods of one component may run. */
export interface Placement {
  replicas: number;
  nodeSelector: Record<string, string>;
  tolerations: Toleration[];
  /** Names of the nodes its pods may run on, in the order of the node list. Empty: any node that is not the layout's and has no taint. */
  nodes: string[];
  /**
   * `ordinal`: pod i runs on `nodes[i]`, because its local volume is there. `spread`: at most one pod a node. `any`: wherever the
   * scheduler likes among `nodes`.
   */
  rule: "ordinal" | "spread" | "any";
  /** Whether its pods are also to be spread evenly over the zones of their nodes, which all have one. */
  overZones: boolean;
}

export interface Layout {
  /** Every node that is labelled and tainted. */
  nodes: PlannedNode[];
  placements: Record<Component, Placement>;
}

/** Label with the zone of a node, put there by the stack: the well-known topology.kubernetes.io/zone is the cloud's, and bare metal has none. */
export const zoneLabel = "pulsar-stack/zone";

/** The tolerations of every taint in a layout, for what has to run on each of its nodes. */
export function allTolerations({ nodes }: Layout): Toleration[] {
  const byText = new Map(nodes.flatMap(({ taints }) => taints.map((taint) => [JSON.stringify(taint), taint])));
  return [...byText.values()].map((taint) => ({ ...taint, operator: "Equal" }));
}

/** A node with the marks of its role, and its zone if it has one. */
export function marked(
  node: StackNode,
  role: NodeRole,
  label: { key: string; value: string },
  taint: Taint,
): PlannedNode {
  const zone: Record<string, string> = node.zone === undefined ? {} : { [zoneLabel]: node.zone };
  return { ...node, role, labels: { [label.key]: label.value, ...zone }, taints: [taint] };
}

/** A placement on nodes of one role, which share label and taint. */
export function placedOn(
  nodes: readonly PlannedNode[],
  label: { key: string; value: string },
  taint: Taint,
  rule: Placement["rule"],
  replicas: number,
): Placement {
  return {
    replicas,
    nodeSelector: { [label.key]: label.value },
    tolerations: [{ ...taint, operator: "Equal" }],
    nodes: nodes.map(({ name }) => name),
    rule,
    // Pods with a volume go where it is.
    overZones: rule === "spread" && nodes.every(({ zone }) => zone !== undefined),
  };
}
