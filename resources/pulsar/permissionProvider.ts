import { type AdminObjectArgs, adminProvider } from "./adminObject.ts";
import { type AdminApi, Refusal } from "./adminApi.ts";
import { policiesOf } from "./grants.ts";
import { topicName, topicPath } from "./topics.ts";

export interface PermissionArgs extends AdminObjectArgs {
  tenant: string;
  namespace: string;
  /** @default the namespace with all its topics */
  topic?: string | undefined;
  role: string;
  /** All actions that the role may perform there, sorted. */
  actions: string[];
}

/** Path of the permission in the admin API. */
function path({ tenant, namespace, topic, role }: PermissionArgs): string {
  const where =
    topic === undefined ? `/namespaces/${tenant}/${namespace}` : topicPath(topicName(tenant, namespace, topic));
  return `${where}/permissions/${encodeURIComponent(role)}`;
}

const grant = (api: AdminApi, wanted: PermissionArgs) => api.post(path(wanted), wanted.actions);

/** What one role may do on a namespace or a topic. Other roles' permissions are never touched. */
export const { diff, create, read, update, remove } = adminProvider<PermissionArgs>({
  title: ({ tenant, namespace, topic, role }) =>
    `permission of role ${role} on ${topic === undefined ? `namespace ${tenant}/${namespace}` : `topic ${topicName(tenant, namespace, topic)}`}`,
  identity: ["tenant", "namespace", "topic", "role"],
  settings: ["actions"],
  async find(api, wanted) {
    const { tenant, namespace, topic, role } = wanted;
    const policies = await policiesOf(api, wanted);
    const { namespace_auth, destination_auth } = policies?.auth_policies ?? {};
    const grants = topic === undefined ? namespace_auth : destination_auth?.[topicName(tenant, namespace, topic)];
    const actions = grants?.[role];
    return actions && { ...wanted, actions: actions.toSorted() };
  },
  ways: "revoke it, or set exactly these actions",
  make: grant,
  change: (api, _found, wanted) => grant(api, wanted),
  async drop(api, args) {
    try {
      await api.delete(path(args));
    } catch (error) {
      if (args.topic === undefined || !(error instanceof Refusal) || error.status !== 412) throw error;
      // 2.7 revokes it on each partition and stops at one that was added after the grant and so has none: grant it there first.
      await grant(api, args);
      await api.delete(path(args));
    }
  },
});
