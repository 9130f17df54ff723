import { z } from "zod";
import * as scalar from "../scalars.ts";
import { perVolume } from "../volumes.ts";

/**
 * A layout decides which node runs which part of Pulsar: a pure function from the node list to a `Layout`. NodePlan registers its labels and
 * taints, the chart values use its placements, and the rehearsal checks them.
 */

const cpuOffered = scalar.cpu.optional();
const memoryOffered = scalar.quantity.optional();
const nodeList = z.array(
  scalar.object({
    name: scalar.name.describe("Name of the node (`kubectl get nodes`)."),
    hostname: scalar.kubernetesLabelValue.optional().meta({
      description: "The node's label `kubernetes.io/hostname`.",
      otherwise: "its name",
      change: "Its volumes are pinned to the label: a change with data is refused.",
    }),
    zone: scalar.kubernetesLabelValue
      .refine((zone) => zone !== "", { error: "a zone's name" })
      .optional()
      .describe("Zone. Brokers and proxies are spread over zones."),
    rack: scalar.rack.optional().meta({ description: "Rack of the node's bookie.", otherwise: "its zone" }),
    cpu: cpuOffered.meta({ description: "CPU that the node offers, in cores.", otherwise: "16 in a rehearsal" }),
    memory: memoryOffered.meta({ description: "Memory that the node offers.", otherwise: "64Gi in a rehearsal" }),
    directories: perVolume(scalar.absolutePath.optional())
      .optional()
      .meta({ description: "The node's own directories, by volume.", otherwise: "`volumes.directories`" }),
    sizes: perVolume(scalar.quantity.optional())
      .optional()
      .meta({ description: "The node's own volume sizes.", otherwise: "`volumes.sizes`" }),
  }),
  { error: "a list of nodes, each with its name" },
);
const group = {
  nodes: nodeList.default([]).meta({ description: "The group's nodes, in order.", like: "pulsar:nodes" }),
  cpu: cpuOffered.describe("CPU that each node offers, unless the node says otherwise."),
  memory: memoryOffered.describe("Memory that each node offers, unless the node says otherwise."),
};

export const nodesSchema = nodeList.default([]).meta({
  description: "Nodes of the mixed layout, in order: ZooKeeper i and bookie i run on node i.",
  otherwise: "required with the mixed layout",
  change: "New nodes go at the end. A change that would separate a pod from its data is refused.",
  example:
    "pulsar:nodes:\n  - name: node1\n  - { name: node2, zone: b, directories: { bookie-journal: /mnt/journal } }",
});

export const nodeGroupsSchema = scalar
  .object({
    zookeeper: scalar.object(group).prefault({}).describe("Nodes of ZooKeeper."),
    bookkeeper: scalar.object(group).prefault({}).describe("Nodes of the bookies: bookie i runs on node i."),
    serving: scalar
      .object({
        ...group,
        untainted: scalar
          .wholeNumber(1, 5000)
          .optional()
          .describe("Instead of `nodes`: how many other nodes without a taint the cluster has."),
      })
      .prefault({})
      .describe("Nodes of everything else."),
  })
  .prefault({})
  .meta({
    description: "Nodes of the dedicated layout.",
    otherwise: "required with the dedicated layout",
    change: "New nodes go at the end of their group. A change that would separate a pod from its data is refused.",
    example:
      "pulsar:nodeGroups:\n  bookkeeper:\n    cpu: 16\n    memory: 64Gi\n    nodes:\n      - { name: bk-1, zone: a }",
  });

export const nodeLabelSchema = scalar
  .object({
    key: scalar.kubernetesLabelKey.default("node-role.kubernetes.io/pulsar"),
    value: scalar.kubernetesLabelValue.default("pulsar"),
  })
  .prefault({})
  .describe(
    "Label that the stack puts on every node and that every pod selects. In the dedicated layout the group's name follows the value.",
  );

export const nodeTaintSchema = scalar
  .object({
    key: scalar.kubernetesLabelKey.default("dedicated"),
    value: scalar.kubernetesLabelValue.default("pulsar"),
    effect: scalar.oneOf(["NoSchedule", "PreferNoSchedule", "NoExecute"]).default("NoSchedule"),
  })
  .prefault({})
  .describe(
    "Taint that the stack puts on every node and that every pod tolerates. In the dedicated layout the group's name follows the value.",
  );

export const replicasSchema = scalar
  .object({
    zookeeper: scalar.replicas.optional().meta({ otherwise: "3; in the dedicated layout one per node" }),
    bookkeeper: scalar.replicas.optional().meta({ otherwise: "3; in the dedicated layout one per node" }),
    broker: scalar.replicas.default(3),
    proxy: scalar.replicas.default(3),
    autorecovery: scalar.replicas.default(1),
    toolset: scalar.replicas.default(1),
  })
  .prefault({})
  .describe("Number of pods of each component.");

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

/** A Kubernetes taint. */
export type Taint = z.output<typeof nodeTaintSchema>;

/** A Kubernetes toleration of exactly one taint. */
export interface Toleration extends Taint {
  operator: "Equal";
}

/** The purpose of a node: one of the dedicated groups, or everything. */
export type NodeRole = "zookeeper" | "bookkeeper" | "serving" | "everything";

/** A node of the stack's configuration, with its `kubernetes.io/hostname` label: local volumes are pinned to it. */
export type StackNode = Omit<z.output<typeof nodesSchema>[number], "hostname"> & { hostname: string };

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
  /** Every node that is labeled and tainted. */
  nodes: PlannedNode[];
  placements: Record<Component, Placement>;
}

/** Input of every layout, besides the nodes. */
export interface LayoutArgs {
  /**
   * Label of every node, and node selector of every pod, so that Pulsar runs only on these nodes. In the dedicated layout the value ends with the group:
   * `pulsar-zookeeper`.
   */
  nodeLabel: { key: string; value: string };
  /** Taint of every node, tolerated by every pod, so that nothing else runs there. In the dedicated layout the value ends with the group too. */
  nodeTaint: Taint;
  replicas: Record<Exclude<Component, "init">, number>;
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

type Place = (rule: Placement["rule"], replicas: number) => Placement;

/** The placement of every component, on the nodes for ZooKeeper, for the bookies, and for everything without data. */
export function placementsOf(
  replicas: LayoutArgs["replicas"],
  { zookeeper, bookkeeper, serving }: Record<"zookeeper" | "bookkeeper" | "serving", Place>,
): Layout["placements"] {
  return {
    zookeeper: zookeeper("ordinal", replicas.zookeeper),
    bookkeeper: bookkeeper("ordinal", replicas.bookkeeper),
    broker: serving("spread", replicas.broker),
    proxy: serving("spread", replicas.proxy),
    autorecovery: serving("any", replicas.autorecovery),
    toolset: serving("any", replicas.toolset),
    manager: serving("any", replicas.manager),
    init: serving("any", 1),
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
