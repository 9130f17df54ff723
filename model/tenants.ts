/** Tenants, namespaces, topics and permissions that the stack manages in Pulsar. */

/** How long consumed messages are kept. */
export interface Retention {
  /** -1: without limit. */
  minutes: number;
  /** For each topic; -1: without limit. */
  megabytes: number;
}

/** All permissions of a role on a namespace or a topic. The permissions of other roles are not managed. */
export interface PermissionSettings {
  /** The `sub` of a token. */
  role: string;
  /** Pulsar's AuthAction: produce, consume, functions, sources, sinks, packages. */
  actions: string[];
}

/** An object that the stack may own. If it does not, it manages only what is below it. */
export interface Owned {
  name: string;
  /** False: it exists already, and the stack neither changes nor deletes it. A change to false removes it from the state only. */
  create: boolean;
  /** Whether the stack adopts an existing object, and the permissions on it, that is not in its state yet. @default false */
  adopt?: boolean | undefined;
}

export interface TopicSettings extends Owned {
  /** Can only increase. 0: not partitioned. */
  partitions: number;
  permissions: PermissionSettings[];
}

export interface NamespaceSettings extends Owned {
  /** Whether topics with messages, and the namespace with them, may be deleted. */
  deleteData: boolean;
  /** 0: messages never expire. @default not managed */
  messageTtlSeconds?: number | undefined;
  /** @default not managed */
  retention?: Retention | undefined;
  permissions: PermissionSettings[];
  topics: TopicSettings[];
}

export interface TenantSettings extends Owned {
  adminRoles: string[];
  allowedClusters: string[];
  namespaces: NamespaceSettings[];
}
