import * as pulumi from "@pulumi/pulumi";
import type * as namespaces from "./namespaceProvider.ts";
import type * as permissions from "./permissionProvider.ts";
import { checkingProvider, storedProvider } from "../kit/storedProvider.ts";
import type * as guards from "./tenantGuardProvider.ts";
import type * as tenants from "./tenantProvider.ts";
import type * as topics from "./topicProvider.ts";

export const tenantProvider = storedProvider<tenants.TenantArgs, tenants.TenantArgs>(
  "./resources/pulsar/tenantProvider.ts",
);
export const namespaceProvider = storedProvider<namespaces.NamespaceArgs, namespaces.NamespaceArgs>(
  "./resources/pulsar/namespaceProvider.ts",
);
export const topicProvider = checkingProvider<topics.TopicArgs, topics.TopicArgs>(
  "./resources/pulsar/topicProvider.ts",
);
export const permissionProvider = storedProvider<permissions.PermissionArgs, permissions.PermissionArgs>(
  "./resources/pulsar/permissionProvider.ts",
);
export const tenantGuardProvider = storedProvider<guards.TenantGuardArgs, guards.TenantGuardArgs>(
  "./resources/pulsar/tenantGuardProvider.ts",
);

/** A tenant: the roles that administer it, and the clusters it may use. */
export class Tenant extends pulumi.dynamic.Resource {
  constructor(name: string, args: tenants.TenantArgs, opts?: pulumi.CustomResourceOptions) {
    super(tenantProvider, name, { ...args }, opts, "pulsar", "Tenant");
  }
}

/** A namespace, and those of its policies that are set. */
export class Namespace extends pulumi.dynamic.Resource {
  constructor(name: string, args: namespaces.NamespaceArgs, opts?: pulumi.CustomResourceOptions) {
    super(namespaceProvider, name, { ...args }, opts, "pulsar", "Namespace");
  }
}

/** A persistent topic. */
export class Topic extends pulumi.dynamic.Resource {
  constructor(name: string, args: topics.TopicArgs, opts?: pulumi.CustomResourceOptions) {
    super(topicProvider, name, { ...args }, opts, "pulsar", "Topic");
  }
}

/** All actions that one role may perform on a namespace or a topic. */
export class Permission extends pulumi.dynamic.Resource {
  constructor(name: string, args: permissions.PermissionArgs, opts?: pulumi.CustomResourceOptions) {
    super(permissionProvider, name, { ...args }, opts, "pulsar", "Permission");
  }
}

/**
 * Records what the stack has under a tenant; it creates nothing. Its update and deletion check that everything to be deleted can be deleted, so that
 * a refusal leaves nothing partly deleted. It must depend on all of it: the engine then deletes this resource first.
 */
export class TenantGuard extends pulumi.dynamic.Resource {
  constructor(name: string, args: guards.TenantGuardArgs, opts?: pulumi.CustomResourceOptions) {
    super(tenantGuardProvider, name, { ...args }, opts, "pulsar", "TenantGuard");
  }
}
