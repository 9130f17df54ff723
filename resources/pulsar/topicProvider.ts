import type { dynamic } from "@pulumi/pulumi";
import { type AdminObjectArgs, adminProvider } from "./adminObject.ts";
import { deleteTopic, partitionsOf, reasonToKeep, topicName, topicPath } from "./topics.ts";

export interface TopicArgs extends AdminObjectArgs {
  tenant: string;
  namespace: string;
  /** Name within the namespace. */
  topic: string;
  /** Number of partitions, which can only grow; 0: not partitioned. */
  partitions: number;
  /** Whether it can be deleted while it holds messages or is in use. */
  deleteData: boolean;
}

const fullName = ({ tenant, namespace, topic }: TopicArgs) => topicName(tenant, namespace, topic);
const found = (args: TopicArgs) => ({ name: fullName(args), partitioned: args.partitions > 0 });

export const { diff, create, read, update, remove } = adminProvider<TopicArgs>({
  title: (args) => `topic ${fullName(args)}`,
  identity: ["tenant", "namespace", "topic"],
  settings: ["partitions", "deleteData"],
  async find(api, wanted) {
    const partitions = await partitionsOf(api, fullName(wanted));
    if (partitions === undefined || !wanted.create) return partitions === undefined ? undefined : wanted;
    return { ...wanted, partitions };
  },
  async taken(api, wanted) {
    const reason = await reasonToKeep(api, found(wanted));
    return reason && `it ${reason}`;
  },
  make: (api, wanted) =>
    wanted.partitions > 0
      ? api.put(`${topicPath(fullName(wanted))}/partitions`, wanted.partitions)
      : api.put(topicPath(fullName(wanted))),
  async change(api, { partitions }, wanted) {
    const fault = repartition(partitions, wanted.partitions);
    if (fault !== undefined) throw new Error(fault);
    if (partitions !== wanted.partitions) {
      await api.post(`${topicPath(fullName(wanted))}/partitions`, wanted.partitions);
    }
  },
  async drop(api, args) {
    const reason = args.deleteData ? undefined : await reasonToKeep(api, found(args));
    if (reason !== undefined)
      throw new Error(
        `is not deleted, because it ${reason}; empty it, or set deleteData: true on its namespace with one pulumi up and remove it with the next`,
      );
    await deleteTopic(api, found(args), args.deleteData);
  },
});

/**
 * Refuses, in the preview too, what Pulsar cannot do: remove partitions, or change between a partitioned and a non-partitioned topic.
 * @param olds the previous inputs, or what a refresh found since
 */
export function check(olds: Partial<TopicArgs>, news: TopicArgs): dynamic.CheckResult<TopicArgs> {
  const same = (["tenant", "namespace", "topic"] as const).every((key) => olds[key] === news[key]);
  if (!same || olds.partitions === undefined || !news.create || olds.create === false) return {};
  const fault = repartition(olds.partitions, news.partitions);
  return fault === undefined
    ? {}
    : { failures: [{ property: "partitions", reason: `topic ${fullName(news)}: ${fault}` }] };
}

/** Why the number of partitions cannot be changed like this; undefined if it can. */
function repartition(from: number, to: number): string | undefined {
  if (from === to) return undefined;
  const way = "or use another topic name";
  if (from === 0) return `is not partitioned, and Pulsar cannot change that; set 0 instead of ${to}, ${way}`;
  if (to === 0) return `is partitioned, and Pulsar cannot change that; set ${from} or more instead of 0, ${way}`;
  if (to < from)
    return `has ${from} partitions, and Pulsar cannot remove any; set ${from} or more instead of ${to}, ${way}`;
  return undefined;
}
