import * as pulumi from "@pulumi/pulumi";
import { type Component, components, type Layout, type Placement } from "../model/layouts/layout.ts";
import type { ClusterRef } from "../resources/kubernetes/connection.ts";
import { NodeMarks } from "../resources/kubernetes/nodeMarks.ts";

export interface NodePlanArgs {
  /**
   * Which node carries what. A node that leaves it loses its labels and taints; one that joins gets them. Pods that run already stay
   * where they are, unless a taint's effect is NoExecute.
   */
  layout: Layout;
  /** The cluster whose nodes are labelled and tainted. */
  cluster: ClusterRef;
  /** This stack, by the name that no other stack of the cluster has: what several stacks put on a node goes with the last of them. */
  owner: string;
}

/** One line of the placement as the stack shows it. */
export type PlacementRow = { component: Component } & Pick<Placement, "replicas" | "nodes" | "rule">;

/** The placement of every component, in the order in which Pulsar starts them. */
export function placementTable(layout: Layout): PlacementRow[] {
  return components.map((component) => {
    const { replicas, nodes, rule } = layout.placements[component];
    return { component, replicas, nodes, rule };
  });
}

/**
 * Labels and taints the nodes of a layout, so that Pulsar's pods find their nodes and nobody else's land there. Nodes are neither created
 * nor deleted. What depends on this component is deployed once every node is marked, and is gone before a mark is taken off.
 */
export class NodePlan extends pulumi.ComponentResource {
  /** Where each component's pods may run: plain data, known at preview. */
  readonly placements: Layout["placements"];
  /** The same as a table, for the stack's output. */
  readonly table: PlacementRow[];
  /** What stands for each node's labels and taints, by the node's name: to wait for a single node. */
  readonly marks: ReadonlyMap<string, NodeMarks>;

  constructor(name: string, args: NodePlanArgs, opts?: pulumi.ComponentResourceOptions) {
    super("pulsar:components:NodePlan", name, {}, opts);
    this.placements = args.layout.placements;
    this.table = placementTable(args.layout);
    this.marks = new Map(
      args.layout.nodes.map(({ name: node, labels, taints }) => [
        node,
        new NodeMarks(
          `${name}-marks-${node}`,
          { cluster: args.cluster, owner: args.owner, node, labels, taints },
          { parent: this },
        ),
      ]),
    );
    this.registerOutputs({ placements: this.table });
  }
}
