import { isDeepStrictEqual } from "node:util";
import type { Retention } from "../../model/tenants.ts";
import { type AdminObjectArgs, adminProvider } from "./adminObject.ts";
import { type Policies, policiesOf } from "./grants.ts";
import { deleteTopic, listTopics } from "./topics.ts";

export interface NamespaceArgs extends AdminObjectArgs {
  tenant: string;
  /** Name within the tenant. */
  namespace: string;
  /** Whether deleting it also deletes the topics in it, with their messages. */
  deleteData: boolean;
  /** After how many seconds an unacknowledged message counts as consumed; 0: never. @default not managed */
  messageTtlSeconds?: number | undefined;
  /** @default not managed */
  retention?: Retention | undefined;
}

export const { diff, create, read, update, remove } = adminProvider<NamespaceArgs>({
  title: ({ tenant, namespace }) => `namespace ${tenant}/${namespace}`,
  identity: ["tenant", "namespace"],
  settings: ["deleteData", "messageTtlSeconds", "retention"],
  async find(api, wanted) {
    const policies = await policiesOf(api, wanted);
    if (policies === undefined || !wanted.create) return policies && wanted;
    const { messageTtlSeconds, retention, ...rest } = wanted;
    const [ttl, kept] = [policies.message_ttl_in_seconds ?? undefined, retentionIn(policies)];
    return {
      ...rest,
      ...(messageTtlSeconds !== undefined && ttl !== undefined && { messageTtlSeconds: ttl }),
      ...(retention !== undefined && kept !== undefined && { retention: kept }),
    };
  },
  async taken(api, { tenant, namespace }) {
    const topics = await listTopics(api, tenant, namespace);
    if (topics.length > 0) return `it has topics (${topics.map(({ name }) => name).join(", ")})`;
    const roles = Object.keys((await policiesOf(api, { tenant, namespace }))?.auth_policies.namespace_auth ?? {});
    return roles.length > 0 ? `roles have permissions on it (${roles.join(", ")})` : undefined;
  },
  make: (api, { tenant, namespace, messageTtlSeconds, retention }) =>
    // In one request, so that an interrupted `up` leaves nothing or all of it.
    api.put(`/namespaces/${tenant}/${namespace}`, {
      ...(messageTtlSeconds !== undefined && { message_ttl_in_seconds: messageTtlSeconds }),
      ...(retention !== undefined && { retention_policies: policyOf(retention) }),
    }),
  async change(api, found, { tenant, namespace, messageTtlSeconds, retention }) {
    const path = `/namespaces/${tenant}/${namespace}`;
    if (messageTtlSeconds !== undefined && messageTtlSeconds !== found.messageTtlSeconds)
      await api.post(`${path}/messageTTL`, messageTtlSeconds);
    if (retention !== undefined && !isDeepStrictEqual(retention, found.retention))
      await api.post(`${path}/retention`, policyOf(retention));
  },
  async drop(api, { tenant, namespace, deleteData }) {
    const topics = await listTopics(api, tenant, namespace);
    if (topics.length > 0 && !deleteData)
      throw new Error(
        `is not deleted, because it has topics that are not this stack's (${topics.map(({ name }) => name).join(", ")}); delete them first, or set ` +
          "deleteData: true with one pulumi up and remove the namespace with the next",
      );
    // One by one: Pulsar does not delete a namespace with its topics by default (forceDeleteNamespaceAllowed).
    for (const topic of topics) await deleteTopic(api, topic, true);
    await api.delete(`/namespaces/${tenant}/${namespace}`);
  },
});

function policyOf({ minutes, megabytes }: Retention): NonNullable<Policies["retention_policies"]> {
  return { retentionTimeInMinutes: minutes, retentionSizeInMB: megabytes };
}

function retentionIn({ retention_policies: policy }: Policies): Retention | undefined {
  return policy ? { minutes: policy.retentionTimeInMinutes, megabytes: policy.retentionSizeInMB } : undefined;
}
