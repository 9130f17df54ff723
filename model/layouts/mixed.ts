import { type Component, type Layout, marked, placedOn, type Placement, type StackNode, type Taint } from "./layout.ts";

/** What the mixed layout is made from. */
export interface MixedLayoutArgs {
  /** The nodes in order: ordinal i of ZooKeeper and of the bookies lives on node i. */
  nodes: StackNode[];
  /** Put on every node and asked for by every pod, so that Pulsar stays on its nodes. */
  nodeLabel: { key: string; value: string };
  /** Put on every node and tolerated by every pod, so that nothing else lands there. */
  nodeTaint: Taint;
  replicas: Record<Exclude<Component, "init">, number>;
}

/**
 * The seed's test environment (section 1.1): every node carries ZooKeeper, a bookie, a broker and a proxy; recovery, toolset, manager
 * and the init Jobs run on any of them.
 */
export function mixedLayout({ nodeLabel, nodeTaint, replicas, ...args }: MixedLayoutArgs): Layout {
  const nodes = args.nodes.map((node) => marked(node, "everything", nodeLabel, nodeTaint));
  const place = (rule: Placement["rule"], count: number) => placedOn(nodes, nodeLabel, nodeTaint, rule, count);
  return {
    nodes,
    placements: {
      zookeeper: place("ordinal", replicas.zookeeper),
      bookkeeper: place("ordinal", replicas.bookkeeper),
      broker: place("spread", replicas.broker),
      proxy: place("spread", replicas.proxy),
      autorecovery: place("any", replicas.autorecovery),
      toolset: place("any", replicas.toolset),
      manager: place("any", replicas.manager),
      init: place("any", 1),
    },
  };
}
