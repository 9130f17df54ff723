import { type AdminObjectArgs, adminProvider } from "./adminObject.ts";

export interface TenantArgs extends AdminObjectArgs {
  /** Name. A change replaces the tenant. */
  tenant: string;
  /** Roles that may administer its namespaces and topics, sorted. */
  adminRoles: string[];
  /** Clusters its namespaces may be in, sorted. */
  allowedClusters: string[];
}

/** TenantInfo of the admin API. */
interface TenantInfo {
  adminRoles: string[];
  allowedClusters: string[];
}

export const { diff, create, read, update, remove } = adminProvider<TenantArgs>({
  title: ({ tenant }) => `tenant ${tenant}`,
  identity: ["tenant"],
  settings: ["adminRoles", "allowedClusters"],
  async find(api, wanted) {
    const found = await api.get<TenantInfo>(`/tenants/${wanted.tenant}`);
    if (found === undefined || !wanted.create) return found && wanted;
    return {
      ...wanted,
      adminRoles: found.adminRoles.toSorted(),
      allowedClusters: found.allowedClusters.toSorted(),
    };
  },
  make: (api, wanted) => api.put(`/tenants/${wanted.tenant}`, infoOf(wanted)),
  change: (api, _found, wanted) => api.post(`/tenants/${wanted.tenant}`, infoOf(wanted)),
  async drop(api, { tenant }) {
    const namespaces = (await api.get<string[]>(`/namespaces/${tenant}`)) ?? [];
    if (namespaces.length > 0)
      throw new Error(
        `is not deleted, because it has namespaces that are not this stack's (${namespaces.join(", ")}); delete them first`,
      );
    await api.delete(`/tenants/${tenant}`);
  },
});

function infoOf({ adminRoles, allowedClusters }: TenantArgs): TenantInfo {
  return { adminRoles, allowedClusters };
}
