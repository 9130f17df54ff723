import * as pulumi from "@pulumi/pulumi";
import type { ClusterRef } from "./cluster.ts";
import type { Marks } from "./nodeMerge.ts";
import type * as provider from "./nodeMarksProvider.ts";

export type { NodeMarksArgs } from "./nodeMarksProvider.ts";

/**
 * Where the provider is, from the folder of Pulumi.yaml, in which the engine runs it. Pulumi stores a dynamic provider in the state as
 * program text; this one stores the path, so that a refresh or destroy runs today's code, not that of the last change, and a preview
 * does not spend a third of a second on turning functions into text. The price: the module must stay where it is.
 */
const module = "./components/resources/nodeMarksProvider.ts";
const load = async () => (await import(module)) as typeof provider;

/** What the state holds of the provider. */
export const nodeMarksProvider: pulumi.dynamic.ResourceProvider<provider.NodeMarksArgs, provider.NodeMarksArgs> = {
  diff: async (id, olds, news) => (await load()).diff(id, olds, news),
  create: async (args) => (await load()).create(args),
  read: async (id, props) => (await load()).read(id, props as provider.NodeMarksArgs),
  update: async (id, olds, news) => (await load()).update(id, olds, news),
  delete: async (id, props) => (await load()).remove(id, props),
};

/**
 * Labels and taints of ours on a node that is not ours. Everybody else's stay as they are; ours are known by key, and a taint by key
 * and effect. On deletion each goes only if it still has our value: one that somebody changed since is theirs.
 *
 * A `NodePatch` of @pulumi/kubernetes is no substitute: server-side apply would erase other people's taints, and both its creation and its
 * deletion bring a Node into being where there is none.
 */
export class NodeMarks extends pulumi.dynamic.Resource {
  declare readonly cluster: pulumi.Output<ClusterRef>;
  declare readonly node: pulumi.Output<string>;
  declare readonly labels: pulumi.Output<Marks["labels"]>;
  declare readonly taints: pulumi.Output<Marks["taints"]>;

  constructor(name: string, args: provider.NodeMarksArgs, opts?: pulumi.CustomResourceOptions) {
    super(nodeMarksProvider, name, { ...args }, opts, "pulsar", "NodeMarks");
  }
}
