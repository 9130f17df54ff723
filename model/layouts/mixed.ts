import { type Component, type Layout, marked, placedOn, type Placement, type StackNode, type Taint } from "./layout.ts";

/** Input of the mixed layout. */
export interface MixedLayoutArgs {
  /** The nodes in order: ordinal i of ZooKeeper and of the bookies runs on node i. */
  nodes: StackNode[];
  /** Label of every node, and node selector of every pod, so that Pulsar runs only on these nodes. */
  nodeLabel: { key: string; value: string };
  /** Taint of every node, tolerated by every pod, so that nothing else runs there. */
  nodeTaint: Taint;
  replicas: Record<Exclude<Component, "init">, number>;
}

/**
 * The layout for tests: every node runs ZooKeeper, a bookie, a broker and a proxy; recovery, toolset, manager and the init Jobs run on any
 * of them.
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
