import type { AdminApi } from "./adminApi.ts";

/** The actions that each role may perform. */
export type Grants = Record<string, string[]>;

/** The policies of a namespace in the admin API that are used here; one that was never set is null or missing. */
export interface Policies {
  message_ttl_in_seconds?: number | null;
  retention_policies?: { retentionTimeInMinutes: number; retentionSizeInMB: number } | null;
  auth_policies: {
    namespace_auth: Grants;
    /** By the topic's full name. Unlike the API's list of permissions on a topic, it does not include those on the namespace. */
    destination_auth: Record<string, Grants>;
  };
}

/** Undefined if the namespace does not exist. */
export function policiesOf(
  api: AdminApi,
  { tenant, namespace }: { tenant: string; namespace: string },
): Promise<Policies | undefined> {
  return api.get<Policies>(`/namespaces/${tenant}/${namespace}`);
}
