import { setTimeout as wait } from "node:timers/promises";
import type { dynamic } from "@pulumi/pulumi";
import { ask, type Cluster, type ClusterRef, connect, statusOf } from "./cluster.ts";
import { type Marks, patchFor, sameMarks, standing } from "./nodeMerge.ts";

/** Inputs of a NodeMarks resource, and its outputs: those of the marks that are on the node. */
export interface NodeMarksArgs extends Marks {
  /** The cluster the node belongs to. A change is taken over without touching the node under the former name. */
  cluster: ClusterRef;
  /** `metadata.name` of the Node, which must exist: it is never created. A change marks the new node and then unmarks the old one. */
  node: string;
}

const none: Marks = { labels: {}, taints: [] };
/** A kubelet and several controllers write a Node at any time; client-go's RetryOnConflict gives up after five attempts. */
const attempts = 10;

/** Never connects, so that a preview needs no cluster. */
export function diff(_id: string, olds: NodeMarksArgs, news: NodeMarksArgs): dynamic.DiffResult {
  const moved = olds.node !== news.node;
  const renamed = olds.cluster.kubeconfig !== news.cluster.kubeconfig || olds.cluster.context !== news.cluster.context;
  return { changes: moved || renamed || !sameMarks(olds, news), replaces: moved ? ["node"] : [] };
}

export async function create(args: NodeMarksArgs): Promise<dynamic.CreateResult<NodeMarksArgs>> {
  await mark(args, none);
  return { id: args.node, outs: args };
}

export async function update(
  _id: string,
  olds: NodeMarksArgs,
  news: NodeMarksArgs,
): Promise<dynamic.UpdateResult<NodeMarksArgs>> {
  await mark(news, olds);
  return { outs: news };
}

/** What is left of our marks: the next `up` puts back what is missing. A node that is gone takes its marks along. */
export async function read(id: string, props: NodeMarksArgs): Promise<dynamic.ReadResult<NodeMarksArgs>> {
  try {
    const cluster = await connect(props.cluster);
    const node = await ask(cluster, (api) => api.readNode({ name: props.node }));
    const live = { cluster: props.cluster, node: props.node, ...standing(node, props) };
    return { id, props: live, inputs: live };
  } catch (error) {
    if (statusOf(error) === 404) return { id: "" };
    throw headed(props.node, error);
  }
}

/** Takes off what is still ours. A node that is gone has nothing left to take off. */
export async function remove(_id: string, props: NodeMarksArgs): Promise<void> {
  try {
    await write(await connect(props.cluster), props.node, props, none);
  } catch (error) {
    throw headed(props.node, error);
  }
}

/** The dynamic provider of @pulumi/pulumi 3.270 prints a fault of read and delete as `${fault}: ${fault.stack}`. */
function headed(node: string, error: unknown): unknown {
  return error instanceof Error ? Object.assign(error, { toString: () => `node "${node}"` }) : error;
}

async function mark(args: NodeMarksArgs, before: Marks): Promise<void> {
  const cluster = await connect(args.cluster);
  if (await write(cluster, args.node, before, args)) return;
  const context = `the cluster of context "${cluster.context}"`;
  throw new Error(`node "${args.node}" does not exist in ${context}; it has ${await nodeNames(cluster)}`);
}

/**
 * Reads, merges and writes until nobody wrote in between. False when there is no such node.
 *
 * A merge patch and not a server-side apply: apply owns `spec.taints` as a whole, and it creates a Node that is missing, even when all
 * it says is that we let go of our fields. Nor a PUT: it would lose what this client's model of a Node does not know yet.
 */
async function write(cluster: Cluster, name: string, before: Marks, after: Marks): Promise<boolean> {
  const { PatchStrategy, setHeaderOptions } = await import("@kubernetes/client-node");
  const asMergePatch = setHeaderOptions("Content-Type", PatchStrategy.MergePatch);
  for (let attempt = 1; ; attempt += 1) {
    try {
      const node = await ask(cluster, (api) => api.readNode({ name }));
      const body = patchFor(node, before, after);
      if (body !== undefined) await ask(cluster, (api) => api.patchNode({ name, body }, asMergePatch));
      return true;
    } catch (error) {
      if (statusOf(error) === 404) return false;
      if (statusOf(error) !== 409 || attempt === attempts) throw error;
      await wait(Math.random() * 10 * 2 ** attempt);
    }
  }
}

/** Up to twenty of them: enough to see a slip of the pen or the wrong cluster. */
async function nodeNames(cluster: Cluster): Promise<string> {
  const list = await ask(cluster, (api) => api.listNode({ limit: 20 }));
  const names = list.items.flatMap((item) => item.metadata?.name ?? []);
  const more = list.metadata?.remainingItemCount;
  return names.length === 0 ? "none" : names.join(", ") + (more === undefined ? "" : ` and ${more} more`);
}
