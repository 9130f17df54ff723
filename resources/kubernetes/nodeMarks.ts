import * as pulumi from "@pulumi/pulumi";
import type * as provider from "./nodeMarksProvider.ts";
import { storedProvider } from "../kit/storedProvider.ts";

export type { NodeMarksArgs } from "./nodeMarksProvider.ts";

export const nodeMarksProvider = storedProvider<provider.NodeMarksArgs, provider.NodeMarksArgs>(
  "./resources/kubernetes/nodeMarksProvider.ts",
);

/**
 * Labels and taints of the stack on an existing node; all others are kept. A label is identified by its key, a taint by its key and effect. On deletion,
 * each is removed only if it still has our value, did not exist before, and no other stack needs it.
 *
 * A `NodePatch` of @pulumi/kubernetes cannot replace it: server-side apply would remove the taints of others, and its creation and deletion both
 * create a Node that does not exist.
 */
export class NodeMarks extends pulumi.dynamic.Resource {
  constructor(name: string, args: provider.NodeMarksArgs, opts?: pulumi.CustomResourceOptions) {
    super(nodeMarksProvider, name, { ...args }, opts, "pulsar", "NodeMarks");
  }
}
