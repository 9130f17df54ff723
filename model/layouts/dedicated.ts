import {
  type Layout,
  type LayoutArgs,
  marked,
  placedOn,
  type Placement,
  placementsOf,
  type StackNode,
} from "./layout.ts";

/** Input of the dedicated layout. */
export interface DedicatedLayoutArgs extends LayoutArgs {
  groups: {
    /** In order: ordinal i of ZooKeeper runs on node i. */
    zookeeper: StackNode[];
    /** In order: bookie i runs on node i. Add the node of a new bookie at the end. */
    bookkeeper: StackNode[];
    /** The nodes of everything without data. Empty: any node of the cluster without a taint. */
    serving: StackNode[];
  };
}

/**
 * The production layout: ZooKeeper and the bookies on nodes of their own, everything else on the serving nodes. Each group has its own label
 * and taint, so that its nodes run only its pods.
 */
export function dedicatedLayout({ groups, nodeLabel, nodeTaint, replicas }: DedicatedLayoutArgs): Layout {
  const group = (role: "zookeeper" | "bookkeeper" | "serving") => {
    const label = { ...nodeLabel, value: groupMark(nodeLabel.value, role) };
    const taint = { ...nodeTaint, value: groupMark(nodeTaint.value, role) };
    const nodes = groups[role].map((node) => marked(node, role, label, taint));
    return { nodes, place: (rule: Placement["rule"], count: number) => placedOn(nodes, label, taint, rule, count) };
  };
  const [zookeeper, bookkeeper, listed] = [group("zookeeper"), group("bookkeeper"), group("serving")];
  const serving = listed.nodes.length > 0 ? listed.place : anywhere;
  return {
    nodes: [...zookeeper.nodes, ...bookkeeper.nodes, ...listed.nodes],
    placements: placementsOf(replicas, { zookeeper: zookeeper.place, bookkeeper: bookkeeper.place, serving }),
  };
}

/** The value of a group's label and taint. */
export function groupMark(value: string, group: "zookeeper" | "bookkeeper" | "serving"): string {
  return `${value}-${group}`;
}

/** A placement on nodes outside the layout: taints keep these pods off the layout's nodes. */
function anywhere(rule: Placement["rule"], replicas: number): Placement {
  return { replicas, nodeSelector: {}, tolerations: [], nodes: [], rule, overZones: false };
}
