import type { AdminApi } from "./adminApi.ts";

/** By role, what it may do. */
export type Grants = Record<string, string[]>;

/** A namespace's policies as the admin API shows them, as far as they matter here; what was never set is null or left out. */
export interface Policies {
  message_ttl_in_seconds?: number | null;
  retention_policies?: { retentionTimeInMinutes: number; retentionSizeInMB: number } | null;
  auth_policies: {
    namespace_auth: Grants;
    /** By the topic's name in full. The API's list of permissions on a topic has those on its namespace mixed in; this has not. */
    destination_auth: Record<string, Grants>;
  };
}

/** Undefined where there is no such namespace. */
export function policiesOf(
  api: AdminApi,
  { tenant, namespace }: { tenant: string; namespace: string },
): Promise<Policies | undefined> {
  return api.get<Policies>(`/namespaces/${tenant}/${namespace}`);
}
