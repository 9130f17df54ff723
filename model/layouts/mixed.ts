import {
  type Layout,
  type LayoutArgs,
  marked,
  placedOn,
  type Placement,
  placementsOf,
  type StackNode,
} from "./layout.ts";

/** Input of the mixed layout. */
export interface MixedLayoutArgs extends LayoutArgs {
  /** The nodes in order: ordinal i of ZooKeeper and of the bookies runs on node i. */
  nodes: StackNode[];
}

/**
 * The layout for tests: every node runs ZooKeeper, a bookie, a broker and a proxy; recovery, toolset, manager and the init Jobs run on any
 * of them.
 */
export function mixedLayout({ nodeLabel, nodeTaint, replicas, ...args }: MixedLayoutArgs): Layout {
  const nodes = args.nodes.map((node) => marked(node, "everything", nodeLabel, nodeTaint));
  const place = (rule: Placement["rule"], count: number) => placedOn(nodes, nodeLabel, nodeTaint, rule, count);
  return { nodes, placements: placementsOf(replicas, { zookeeper: place, bookkeeper: place, serving: place }) };
}
