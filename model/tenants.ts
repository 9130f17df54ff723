/** What is to be in Pulsar. */

/** How long consumed messages are kept. */
export interface Retention {
  /** -1: permanently. */
  minutes: number;
  /** For each topic; -1: without limit. */
  megabytes: number;
}

/** All that a role may do on a namespace or a topic; what other roles may stays as it is. */
export interface PermissionSettings {
  /** The `sub` of a token. */
  role: string;
  /** Pulsar's AuthAction: produce, consume, functions, sources, sinks, packages. */
  actions: string[];
}

/** What may be somebody else's: then only what is under it is the stack's. */
export interface Owned {
  name: string;
  /** False: it exists and stays as it is, also when it leaves the settings. Turning it off lets go of it. */
  create: boolean;
  /** Whether one that is there already is taken over, as long as the stack does not have it; also for the permissions on it. @default false */
  adopt?: boolean | undefined;
}

export interface TopicSettings extends Owned {
  /** Only grows. 0: not partitioned. */
  partitions: number;
  permissions: PermissionSettings[];
}

export interface NamespaceSettings extends Owned {
  /** Whether topics that hold messages, and the namespace with them, may be deleted. */
  deleteData: boolean;
  /** 0: never. @default not managed */
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
