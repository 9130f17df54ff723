/** Tenants, namespaces, topics and permissions in Pulsar. */
import { type AdminAccess, withAdminApi } from "../../resources/pulsar/adminApi.ts";
import * as namespaces from "../../resources/pulsar/namespaceProvider.ts";
import * as permissions from "../../resources/pulsar/permissionProvider.ts";
import * as tenants from "../../resources/pulsar/tenantProvider.ts";
import * as topics from "../../resources/pulsar/topicProvider.ts";
import { inParallel } from "./cluster.ts";
import { type Difference, differences } from "./fields.ts";
import type { PulsarObject } from "./state.ts";

/** How long a first request is retried, in milliseconds: a proxy may just be restarting. */
const probeLimit = 5_000;

type Read = (id: string, props: unknown) => Promise<{ id?: string; props?: unknown }>;

const readers = {
  Tenant: tenants.read,
  Namespace: namespaces.read,
  Topic: topics.read,
  Permission: permissions.read,
} as unknown as Record<string, Read>;

/**
 * What differs in Pulsar, by the resource's id, such as `namespace shop/orders`. Each object is read as by a refresh.
 *
 * @throws Error of one line if the admin API cannot be queried
 */
export async function comparePulsar(objects: readonly PulsarObject[]): Promise<{ id: string; found: Difference[] }[]> {
  const [first] = objects;
  if (first === undefined) return [];
  // First, because each of the others retries for half a minute.
  await withAdminApi(first.props["access"] as AdminAccess, (api) => api.get("/clusters"), probeLimit);
  return inParallel(objects, async ({ kind, id, props }) => {
    const live = await readers[kind]?.(id, props);
    if (!live?.id) return { id, found: [{ path: [], installed: "created by the stack", live: undefined }] };
    return { id, found: differences(props, live.props) };
  });
}
