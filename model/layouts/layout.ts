/**
 * A layout decides which node runs which part of Pulsar: a pure function from the node list to a `Layout`. NodePlan registers its labels and
 * taints, the chart values use its placements, and the rehearsal checks them.
 */

/** Everything that the chart runs; `init` stands for the init Jobs. */
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

/** The purpose of a node: one of the dedicated groups, or everything. */
export type NodeRole = "zookeeper" | "bookkeeper" | "serving" | "everything";

/** A node of the stack's configuration. */
export interface StackNode {
  /** `metadata.name` of the Node. */
  name: string;
  /** The node's `kubernetes.io/hostname` label; local volumes are pinned to it. */
  hostname: string;
  /** Failure domain: a data centre, a room, a power supply. */
  zone?: string | undefined;
  /** BookKeeper places the copies of a ledger in different racks. @default the zone */
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
  /** Names of the nodes its pods may run on, in the order of the node list. Empty: any node without a taint outside the layout. */
  nodes: string[];
  /**
   * `ordinal`: pod i runs on `nodes[i]`, because its local volume is there. `spread`: at most one pod on each node. `any`: on any
   * of `nodes`.
   */
  rule: "ordinal" | "spread" | "any";
  /** Whether its pods are also spread evenly over zones; all their nodes have one. */
  overZones: boolean;
}

export interface Layout {
  /** Every node that is labelled and tainted. */
  nodes: PlannedNode[];
  placements: Record<Component, Placement>;
}

/** Label of the stack with the zone of a node. The well-known topology.kubernetes.io/zone belongs to the cloud provider, and bare metal has none. */
export const zoneLabel = "pulsar-stack/zone";

/** The tolerations of all taints in a layout, for pods that run on each of its nodes. */
export function allTolerations({ nodes }: Layout): Toleration[] {
  const byText = new Map(nodes.flatMap(({ taints }) => taints.map((taint) => [JSON.stringify(taint), taint])));
  return [...byText.values()].map((taint) => ({ ...taint, operator: "Equal" }));
}

/** A node with the label and taint of its role, and a label for its zone if it has one. */
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
    // Pods with a volume run on its node.
    overZones: rule === "spread" && nodes.every(({ zone }) => zone !== undefined),
  };
}

/** The rack of each bookie by ordinal, with a leading `/`. Undefined if a node has neither rack nor zone. */
export function bookieRacks({ replicas, nodes }: Placement, all: readonly StackNode[]): string[] | undefined {
  const racks = nodes.slice(0, replicas).map((name) => {
    const node = all.find((other) => other.name === name);
    return node?.rack ?? node?.zone;
  });
  if (racks.includes(undefined)) return undefined;
  return racks.map((rack = "") => (rack.startsWith("/") ? rack : `/${rack}`));
}
