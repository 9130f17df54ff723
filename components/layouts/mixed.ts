import type { Component, Layout, Placement, PlannedNode, Taint } from "./layout.ts";

/** What the mixed layout is made from. */
export interface MixedLayoutArgs {
  /** The nodes in order: ordinal i of ZooKeeper and of the bookies lives on node i. */
  nodes: { name: string; hostname: string }[];
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
export function mixedLayout(args: MixedLayoutArgs): Layout {
  const labels = { [args.nodeLabel.key]: args.nodeLabel.value };
  const nodes: PlannedNode[] = args.nodes.map((node) => ({ ...node, labels, taints: [args.nodeTaint] }));
  const place = (component: Component, rule: Placement["rule"]): Placement => ({
    replicas: component === "init" ? 1 : args.replicas[component],
    nodeSelector: labels,
    tolerations: [{ ...args.nodeTaint, operator: "Equal" }],
    nodes: nodes.map((node) => node.name),
    rule,
  });
  return {
    nodes,
    placements: {
      zookeeper: place("zookeeper", "ordinal"),
      bookkeeper: place("bookkeeper", "ordinal"),
      broker: place("broker", "spread"),
      proxy: place("proxy", "spread"),
      autorecovery: place("autorecovery", "any"),
      toolset: place("toolset", "any"),
      manager: place("manager", "any"),
      init: place("init", "any"),
    },
  };
}
