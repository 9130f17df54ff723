import * as pulumi from "@pulumi/pulumi";
import type { ClusterRef } from "./connection.ts";
import type { Marks } from "./nodeMerge.ts";
import type * as provider from "./nodeMarksProvider.ts";
import { storedProvider } from "../kit/storedProvider.ts";

export type { NodeMarksArgs } from "./nodeMarksProvider.ts";

export const nodeMarksProvider = storedProvider<provider.NodeMarksArgs, provider.NodeMarksArgs>(
  "./resources/kubernetes/nodeMarksProvider.ts",
);

/**
 * Labels and taints of ours on a node that is not ours. Everybody else's stay as they are; ours are known by key, and a taint by key
 * and effect. On deletion each goes only if it still has our value (one that somebody changed since is theirs), was not there before, and no
 * other stack needs it.
 *
 * A `NodePatch` of @pulumi/kubernetes is no substitute: server-side apply would erase other people's taints, and both its creation and its
 * deletion bring a Node into being where there is none.
 */
export class NodeMarks extends pulumi.dynamic.Resource {
  declare readonly cluster: pulumi.Output<ClusterRef>;
  declare readonly node: pulumi.Output<string>;
  declare readonly owner: pulumi.Output<string>;
  declare readonly labels: pulumi.Output<Marks["labels"]>;
  declare readonly taints: pulumi.Output<Marks["taints"]>;

  constructor(name: string, args: provider.NodeMarksArgs, opts?: pulumi.CustomResourceOptions) {
    super(nodeMarksProvider, name, { ...args }, opts, "pulsar", "NodeMarks");
  }
}
