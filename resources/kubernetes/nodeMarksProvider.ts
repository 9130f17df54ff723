import { setTimeout as wait } from "node:timers/promises";
import type { dynamic } from "@pulumi/pulumi";
import { withTitle } from "../kit/withTitle.ts";
import { fault } from "../kit/fault.ts";
import type { ClusterRef } from "../../model/clusterRef.ts";
import { ask, type Cluster, connect, statusOf, unlessMissing } from "./connection.ts";
import {
  conflicts,
  type LiveNode,
  type Marks,
  none,
  ownersAnnotation,
  patchFor,
  sameMarks,
  marksPresent,
} from "./nodeMerge.ts";

/** Inputs of a NodeMarks resource. Its outputs are the same, with the marks that are on the node. */
export interface NodeMarksArgs extends Marks {
  /** The cluster that the node belongs to. A change is recorded without a request to the previous cluster. */
  cluster: ClusterRef;
  /** `metadata.name` of the Node, which must exist: it is never created. A change marks the new node and then unmarks the old one. */
  node: string;
  /**
   * The stack that needs the marks, `<organization>/<project>/<stack>`. The node records every stack that needs a mark, and the mark stays until the last
   * of them removes it. A change marks the node for the new owner and then unmarks it for the old one.
   */
  owner: string;
}

/** A kubelet and several controllers write a Node at any time; client-go's RetryOnConflict gives up after five attempts. */
const attempts = 10;

/** Does not connect, so that a preview needs no cluster. */
export function diff(_id: string, olds: NodeMarksArgs, news: NodeMarksArgs): dynamic.DiffResult {
  const renamed = olds.cluster.kubeconfig !== news.cluster.kubeconfig || olds.cluster.context !== news.cluster.context;
  const replaces = (["node", "owner"] as const).filter((key) => olds[key] !== news[key]);
  return { changes: replaces.length > 0 || renamed || !sameMarks(olds, news), replaces };
}

export async function create(args: NodeMarksArgs): Promise<dynamic.CreateResult<NodeMarksArgs>> {
  await mark(args);
  return { id: args.node, outs: args };
}

export async function update(
  _id: string,
  _olds: NodeMarksArgs,
  news: NodeMarksArgs,
): Promise<dynamic.UpdateResult<NodeMarksArgs>> {
  await mark(news);
  return { outs: news };
}

/** Our marks that are still on the node: the next `up` restores what is missing. A node that is gone has no marks. */
export async function read(id: string, props: NodeMarksArgs): Promise<dynamic.ReadResult<NodeMarksArgs>> {
  return withTitle(titleOf(props), async () => {
    const cluster = await connect(props.cluster);
    const node = await ask(cluster, (api) => api.readNode({ name: props.node })).catch(unlessMissing);
    if (node === undefined) return { id: "" };
    const live = { cluster: props.cluster, node: props.node, owner: props.owner, ...marksPresent(node, props) };
    return { id, props: live, inputs: live };
  });
}

/** Removes the marks that still have our value and that no other stack needs. */
export async function remove(_id: string, props: NodeMarksArgs): Promise<void> {
  await withTitle(titleOf(props), async () => write(await connect(props.cluster), props.node, props.owner, none));
}

async function mark(args: NodeMarksArgs): Promise<void> {
  await withTitle(titleOf(args), async () => {
    const cluster = await connect(args.cluster);
    if (await write(cluster, args.node, args.owner, args)) return;
    const context = `the cluster of context "${cluster.context}"`;
    throw fault(`does not exist in ${context}; set one of its nodes: ${await nodeNames(cluster)}`);
  });
}

const titleOf = ({ node }: NodeMarksArgs) => `node "${node}"`;

/**
 * Reads, merges and writes until there is no conflict. @returns false if the node does not exist
 *
 * A merge patch and not a server-side apply: apply owns `spec.taints` as a whole, and creates a missing Node even to release fields. Not a PUT: it would
 * drop fields that this client's model of a Node does not have.
 */
async function write(cluster: Cluster, name: string, owner: string, wanted: Marks): Promise<boolean> {
  const { PatchStrategy, setHeaderOptions } = await import("@kubernetes/client-node");
  const asMergePatch = setHeaderOptions("Content-Type", PatchStrategy.MergePatch);
  for (let attempt = 1; ; attempt += 1) {
    try {
      const node = await ask(cluster, (api) => api.readNode({ name }));
      const body = merged(node, owner, wanted);
      if (body !== undefined) await ask(cluster, (api) => api.patchNode({ name, body }, asMergePatch));
      return true;
    } catch (error) {
      if (statusOf(error) === 404) return false;
      if (statusOf(error) !== 409 || attempt === attempts) throw error;
      await wait(Math.random() * 10 * 2 ** attempt);
    }
  }
}

/** @throws Error of one line if another stack needs another value, or the record on the node is not readable */
function merged(node: LiveNode, owner: string, wanted: Marks) {
  try {
    const conflicting = conflicts(node, owner, wanted);
    if (conflicting.length === 0) return patchFor(node, owner, wanted);
    throw fault(
      `this stack needs ${conflicting.join(", and ")}; ` +
        "set another pulsar:nodeLabel, pulsar:nodeTaint or zone, or give each stack its own nodes",
    );
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error;
    throw fault(`its annotation ${ownersAnnotation} is not valid JSON; remove the annotation`);
  }
}

/** At most twenty: enough to show a misspelled name or the wrong cluster. */
async function nodeNames(cluster: Cluster): Promise<string> {
  const list = await ask(cluster, (api) => api.listNode({ limit: 20 }));
  const names = list.items.flatMap((item) => item.metadata?.name ?? []);
  const more = list.metadata?.remainingItemCount;
  return names.length === 0 ? "none" : names.join(", ") + (more === undefined ? "" : ` and ${more} more`);
}
