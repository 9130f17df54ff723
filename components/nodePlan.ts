import * as pulumi from "@pulumi/pulumi";
import { type Component, components, type Layout, type Placement } from "../model/layouts/layout.ts";
import type { ClusterRef } from "../model/clusterRef.ts";
import { NodeMarks } from "../resources/kubernetes/nodeMarks.ts";

export interface NodePlanArgs {
  /**
   * The nodes and their components. A node that is removed loses its labels and taints; one that is added gets them. Running pods stay where
   * they are, unless the effect of a taint is NoExecute.
   */
  layout: Layout;
  /** The cluster whose nodes are labeled and tainted. */
  cluster: ClusterRef;
  /** Unique name of this stack. Labels and taints that several stacks set on a node are removed with the last of them. */
  owner: string;
}

/** A row of the placement in the stack's output. */
export type PlacementRow = { component: Component } & Pick<Placement, "replicas" | "nodes" | "rule">;

/** The placement of every component, in the order in which Pulsar starts them. */
export function placementTable(layout: Layout): PlacementRow[] {
  return components.map((component) => {
    const { replicas, nodes, rule } = layout.placements[component];
    return { component, replicas, nodes, rule };
  });
}

/**
 * Labels and taints the nodes of a layout, so that Pulsar's pods run on their nodes and other pods do not. It neither creates nor deletes nodes.
 * Whatever depends on this component is deployed after all labels and taints are set, and deleted before they are removed.
 */
export class NodePlan extends pulumi.ComponentResource {
  /** Where the pods of each component may run, for the stack's output. Plain data, known at preview. */
  readonly table: PlacementRow[];
  /** The labels and taints of each node, by name of the node, to depend on a single node. */
  readonly marks: ReadonlyMap<string, NodeMarks>;

  constructor(name: string, args: NodePlanArgs, opts?: pulumi.ComponentResourceOptions) {
    super("pulsar:components:NodePlan", name, {}, opts);
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
