import type { AdminApi } from "./adminApi.ts";

/** Topics in the admin API, whose answers differ between versions. All of this was checked against 2.7.4 and 4.0. */

/** The parts of a topic's statistics that decide whether it can be deleted. */
interface TopicStats {
  /** Bytes in the bookies, including consumed messages that are not yet trimmed. */
  storageSize?: number;
  publishers?: unknown[];
  subscriptions?: Record<string, { consumers?: unknown[] }>;
}

export interface FoundTopic {
  /** `persistent://shop/orders/created`, without a partition's number. */
  name: string;
  partitioned: boolean;
}

/** Path of a topic in the admin API, by its full name. */
export function topicPath(name: string): string {
  return `/${name.replace("://", "/")}`;
}

export function topicName(tenant: string, namespace: string, topic: string): string {
  return `persistent://${tenant}/${namespace}/${topic}`;
}

/** Topics that Pulsar creates itself and deletes with the namespace: SystemTopicNames (4.0), EventsTopicNames (2.7). */
function isSystemTopic(name: string): boolean {
  return /\/__[^/]*$|__transaction_pending_ack$/.test(name);
}

/** Every topic of a namespace, sorted; a partitioned one appears once. Empty if the namespace does not exist. */
export async function listTopics(api: AdminApi, tenant: string, namespace: string): Promise<FoundTopic[]> {
  const [partitioned, single] = await Promise.all([
    Promise.all(
      ["persistent", "non-persistent"].map((domain) =>
        api.get<string[]>(`/${domain}/${tenant}/${namespace}/partitioned`),
      ),
    ),
    // 2.7 and 4.0 list topics of both domains here, each partition separately.
    api.get<string[]>(`/namespaces/${tenant}/${namespace}/topics?mode=ALL`),
  ]);
  const withPartitions = new Set(partitioned.flatMap((names = []) => names));
  const names = new Set([...withPartitions, ...(single ?? []).map((name) => name.replace(/-partition-\d+$/, ""))]);
  return [...names]
    .filter((name) => !isSystemTopic(name))
    .sort()
    .map((name) => ({ name, partitioned: withPartitions.has(name) }));
}

/** The number of partitions; 0 for a non-partitioned topic, undefined if the topic does not exist. */
export async function partitionsOf(api: AdminApi, name: string): Promise<number | undefined> {
  const found = await api.get<{ partitions: number }>(`${topicPath(name)}/partitions`);
  if (found === undefined || found.partitions > 0) return found?.partitions;
  // 2.7 also returns 0 for a topic that does not exist.
  const [, , tenant = "", namespace = ""] = name.split("/");
  const topics = (await api.get<string[]>(`/persistent/${tenant}/${namespace}`)) ?? [];
  return topics.includes(name) ? 0 : undefined;
}

/**
 * Why a topic must not be deleted: it holds messages, or somebody is connected, in which case Pulsar refuses (412). Undefined if nothing is lost
 * with it.
 */
export async function reasonToKeep(api: AdminApi, { name, partitioned }: FoundTopic): Promise<string | undefined> {
  const stats = await api.get<TopicStats>(`${topicPath(name)}/${partitioned ? "partitioned-stats" : "stats"}`);
  const { storageSize = 0, publishers = [], subscriptions = {} } = stats ?? {};
  if (storageSize > 0) return `holds messages (${storageSize} bytes)`;
  const consumers = Object.values(subscriptions).flatMap(({ consumers = [] }) => consumers);
  const connected = publishers.length + consumers.length;
  return connected > 0 ? `has connected producers or consumers (${connected})` : undefined;
}

/** @param force also if it holds messages or clients are connected, which are then disconnected */
export async function deleteTopic(api: AdminApi, { name, partitioned }: FoundTopic, force: boolean): Promise<void> {
  await api.delete(`${topicPath(name)}${partitioned ? "/partitions" : ""}?force=${force}`);
}
