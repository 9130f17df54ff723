import type { AdminApi } from "./adminApi.ts";

/** Topics as the admin API tells of them; two versions of Pulsar tell differently. All of this has been held against 2.7.4 and 4.0. */

/** The parts of a topic's statistics that say whether it may go. */
interface TopicStats {
  /** Bytes in the bookies, those of messages among them that are consumed and not yet trimmed. */
  storageSize?: number;
  publishers?: unknown[];
  subscriptions?: Record<string, { consumers?: unknown[] }>;
}

export interface FoundTopic {
  /** `persistent://shop/orders/created`, without the number of a partition. */
  name: string;
  partitioned: boolean;
}

/** Where a topic stands in the admin API, by its name in full. */
export function topicPath(name: string): string {
  return `/${name.replace("://", "/")}`;
}

export function topicName(tenant: string, namespace: string, topic: string): string {
  return `persistent://${tenant}/${namespace}/${topic}`;
}

/** What Pulsar makes for itself, and takes away with the namespace: SystemTopicNames (4.0), EventsTopicNames (2.7). */
function isSystemTopic(name: string): boolean {
  return /\/__[^/]*$|__transaction_pending_ack$/.test(name);
}

/** Every topic of a namespace, a partitioned one once, sorted; none where there is no such namespace. */
export async function listTopics(api: AdminApi, tenant: string, namespace: string): Promise<FoundTopic[]> {
  const [partitioned, single] = await Promise.all([
    Promise.all(
      ["persistent", "non-persistent"].map((domain) =>
        api.get<string[]>(`/${domain}/${tenant}/${namespace}/partitioned`),
      ),
    ),
    // 2.7 lists topics of both domains here as 4.0 does, partitions one by one.
    api.get<string[]>(`/namespaces/${tenant}/${namespace}/topics?mode=ALL`),
  ]);
  const withPartitions = new Set(partitioned.flatMap((names = []) => names));
  const names = new Set([...withPartitions, ...(single ?? []).map((name) => name.replace(/-partition-\d+$/, ""))]);
  return [...names]
    .filter((name) => !isSystemTopic(name))
    .sort()
    .map((name) => ({ name, partitioned: withPartitions.has(name) }));
}

/** The number of partitions; 0 for a topic without, undefined where there is no topic. */
export async function partitionsOf(api: AdminApi, name: string): Promise<number | undefined> {
  const found = await api.get<{ partitions: number }>(`${topicPath(name)}/partitions`);
  if (found === undefined || found.partitions > 0) return found?.partitions;
  // 2.7 says 0 of what does not exist as well.
  const [, , tenant = "", namespace = ""] = name.split("/");
  const topics = (await api.get<string[]>(`/persistent/${tenant}/${namespace}`)) ?? [];
  return topics.includes(name) ? 0 : undefined;
}

/**
 * Why a topic must not go without a word: it holds messages, or somebody is connected, with whom Pulsar deletes none (412); undefined if nothing is
 * lost with it.
 */
export async function reasonToKeep(api: AdminApi, { name, partitioned }: FoundTopic): Promise<string | undefined> {
  const stats = await api.get<TopicStats>(`${topicPath(name)}/${partitioned ? "partitioned-stats" : "stats"}`);
  const { storageSize = 0, publishers = [], subscriptions = {} } = stats ?? {};
  if (storageSize > 0) return `holds messages (${storageSize} bytes)`;
  const consumers = Object.values(subscriptions).flatMap(({ consumers = [] }) => consumers);
  const connected = publishers.length + consumers.length;
  return connected > 0 ? `has connected producers or consumers (${connected})` : undefined;
}

/** @param force also where it holds messages or somebody is connected, who is disconnected then */
export async function deleteTopic(api: AdminApi, { name, partitioned }: FoundTopic, force: boolean): Promise<void> {
  await api.delete(`${topicPath(name)}${partitioned ? "/partitions" : ""}?force=${force}`);
}
