import * as pulumi from "@pulumi/pulumi";
import { fullName } from "../model/charts/names.ts";
import type { SecretRef } from "../model/charts/cluster.ts";
import type { AdminApiSettings, Owned, PermissionSettings, TenantSettings } from "../model/tenants.ts";
import { readCaFile } from "../resources/kit/caFile.ts";
import type { AdminAccess } from "../resources/pulsar/adminApi.ts";
import type { ClusterRef } from "../model/clusterRef.ts";
import { Namespace, Permission, Tenant, TenantGuard, Topic } from "../resources/pulsar/pulsarObjects.ts";

export interface PulsarTenantsArgs {
  tenants: TenantSettings[];
  /** The Kubernetes cluster of the release, for the Secret with the token and the port-forward. */
  cluster: ClusterRef;
  /** Kubernetes namespace of the release. */
  kubernetesNamespace: string;
  /** Name of the Helm release. */
  release: string;
  /** The Helm release. When it is deleted, everything here is deleted with it, without a request to Pulsar. */
  deletedWith: pulumi.Resource;
  /** The token of a super user. */
  token: SecretRef;
  adminApi: AdminApiSettings;
  /** The CAs that issue the cluster's certificates. @default the cluster has no TLS */
  ca?: SecretRef | undefined;
}

/**
 * Tenants, namespaces, topics and permissions, applied through Pulsar's admin API. Only a removal with `deleteData`, or the loss of the cluster,
 * deletes messages.
 *
 * @throws pulumi.RunError for a CA file that cannot be read
 */
export class PulsarTenants extends pulumi.ComponentResource {
  constructor(name: string, args: PulsarTenantsArgs, opts?: pulumi.ComponentResourceOptions) {
    super("pulsar:components:PulsarTenants", name, {}, opts);
    const access = accessOf(args);
    const adopted = args.tenants.flatMap(adoptedIn);
    if (adopted.length > 0) {
      void pulumi.log.warn(
        `pulsar:adoptedTenants: this stack takes over ${adopted.join(", ")}, and the permissions on them that are in the settings, if they ` +
          "exist and are not in the stack yet; remove the entries after this pulumi up",
        this,
      );
    }
    for (const tenant of args.tenants) this.register(`${name}-${tenant.name}`, tenant, access, args.deletedWith);
    this.registerOutputs({});
  }

  /** Registers a tenant and everything in it. Names in the state are paths. */
  private register(path: string, tenant: TenantSettings, access: AdminAccess, deletedWith: pulumi.Resource): void {
    const all: pulumi.Resource[] = [];
    const after = (resource?: pulumi.Resource) => ({ parent: this, deletedWith, dependsOn: resource ?? [] });
    const add = <T extends pulumi.Resource>(resource: T): T => {
      all.push(resource);
      return resource;
    };
    const permit = (
      targetPath: string,
      target: { namespace: string; topic?: string; adopt?: boolean | undefined },
      permissions: PermissionSettings[],
      targetResource: pulumi.Resource,
    ) => {
      for (const { role, actions } of permissions) {
        const settings = { access, create: true, tenant: tenant.name, ...target, role, actions: actions.toSorted() };
        add(new Permission(`${targetPath} for ${role}`, settings, after(targetResource)));
      }
    };

    const { create, adopt, adminRoles, allowedClusters, namespaces } = tenant;
    const tenantResource = add(
      new Tenant(
        path,
        {
          access,
          create,
          ...(adopt && { adopt }),
          tenant: tenant.name,
          adminRoles: adminRoles.toSorted(),
          allowedClusters: allowedClusters.toSorted(),
        },
        after(),
      ),
    );
    for (const { name: namespace, topics, permissions, adopt, ...policies } of namespaces) {
      const settings = { access, ...(adopt && { adopt }), tenant: tenant.name, namespace, ...policies };
      const namespaceResource = add(new Namespace(`${path}/${namespace}`, settings, after(tenantResource)));
      permit(`${path}/${namespace}`, { namespace, ...(adopt && { adopt }) }, permissions, namespaceResource);
      for (const { name: topic, create, adopt, partitions, permissions } of topics) {
        const { deleteData } = policies;
        const adoption = adopt && { adopt };
        const settings = { access, create, ...adoption, tenant: tenant.name, namespace, topic, partitions, deleteData };
        const topicResource = add(new Topic(`${path}/${namespace}/${topic}`, settings, after(namespaceResource)));
        permit(`${path}/${namespace}/${topic}`, { namespace, topic, ...adoption }, permissions, topicResource);
      }
    }
    new TenantGuard(
      `${path} guard`,
      {
        access,
        tenant: tenant.name,
        create,
        namespaces: namespaces.map(({ name, create, deleteData, topics }) => ({
          name,
          create,
          deleteData,
          topics: topics.filter(({ create }) => create).map((topic) => topic.name),
        })),
      },
      { parent: this, deletedWith, dependsOn: all },
    );
  }
}

/** What the stack may take over of a tenant, in the words of messages. */
function adoptedIn({ namespaces, ...tenant }: TenantSettings): string[] {
  const adopts = ({ create, adopt = false }: Owned) => create && adopt;
  return [
    ...(adopts(tenant) ? [`tenant ${tenant.name}`] : []),
    ...namespaces.flatMap((namespace) => {
      const path = `${tenant.name}/${namespace.name}`;
      const topics = namespace.topics.filter(adopts).map(({ name }) => `topic ${path}/${name}`);
      return adopts(namespace) ? [`namespace ${path}`, ...topics] : topics;
    }),
  ];
}

function accessOf({ cluster, kubernetesNamespace, release, token, adminApi, ca }: PulsarTenantsArgs): AdminAccess {
  return {
    cluster,
    namespace: kubernetesNamespace,
    release,
    service: `${fullName(release)}-proxy`,
    token,
    ...(adminApi.address !== undefined && { address: adminApi.address }),
    ...(ca && { forwardCa: ca }),
    ...(adminApi.caFile !== undefined && { ca: readCaFile("pulsar:adminApi.caFile", adminApi.caFile) }),
  };
}
