import { type Component, type Layout, marked, placedOn, type Placement, type StackNode, type Taint } from "./layout.ts";

/** What the dedicated layout is made from. */
export interface DedicatedLayoutArgs {
  groups: {
    /** In order: ordinal i of ZooKeeper lives on node i. */
    zookeeper: StackNode[];
    /** In order: bookie i lives on node i. A new bookie's node goes at the end. */
    bookkeeper: StackNode[];
    /** The nodes of everything without data; none: any node of the cluster that has no taint. */
    serving: StackNode[];
  };
  /** The key is put on every node of a group, with the value and the group's name: `pulsar-zookeeper`. */
  nodeLabel: { key: string; value: string };
  /** The same of the taint, which only the group's pods tolerate. */
  nodeTaint: Taint;
  replicas: Record<Exclude<Component, "init">, number>;
}

/**
 * The seed's production environment (section 1.1): ZooKeeper and the bookies on nodes of their own, everything else on the serving nodes.
 * Label and taint are each group's own, so that no group lands on another's nodes and nobody else on any.
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
    placements: {
      zookeeper: zookeeper.place("ordinal", replicas.zookeeper),
      bookkeeper: bookkeeper.place("ordinal", replicas.bookkeeper),
      broker: serving("spread", replicas.broker),
      proxy: serving("spread", replicas.proxy),
      autorecovery: serving("any", replicas.autorecovery),
      toolset: serving("any", replicas.toolset),
      manager: serving("any", replicas.manager),
      init: serving("any", 1),
    },
  };
}

/** The value of a group's own label or taint. */
export function groupMark(value: string, group: "zookeeper" | "bookkeeper" | "serving"): string {
  return `${value}-${group}`;
}

/** On nodes that are nobody's: taints keep these pods away from all others. */
function anywhere(rule: Placement["rule"], replicas: number): Placement {
  return { replicas, nodeSelector: {}, tolerations: [], nodes: [], rule, overZones: false };
}
