import { z } from "zod";
import { chartLine, defaultChartVersion, supportedChartVersions } from "../model/charts/lines.ts";
import type { Volume } from "../model/charts/names.ts";
import { layoutNames } from "../model/layouts/layouts.ts";
import { supportedManagerVersions } from "../model/managerSchemas/index.ts";
import type { SizedComponent } from "../model/sizing.ts";
import { tokenKeys } from "../model/tokens.ts";
import { dockerConfig } from "./pullCredentials.ts";
import * as scalar from "./scalars.ts";

declare module "zod" {
  interface GlobalMeta {
    /** What a change of the value does to running data or pods. */
    change?: string;
    /** A part of a stack file that shows the setting, in YAML. */
    example?: string;
    /** The default in words, where it depends on other settings. */
    otherwise?: string;
    /** The setting whose fields these are too: they are described there. */
    like?: string;
  }
}

const oneOf = <const T extends readonly [string, ...string[]]>(values: T) =>
  z.enum(values, { error: `one of ${values.join(", ")}` });
const anyOf = (values: readonly string[]) => ({ error: `a list of ${values.join(", ")}` });
/** The actions of all chart lines; `tenantFaults` checks those of the stack's own line. */
const everyAction = [...new Set(supportedChartVersions.flatMap((version) => chartLine(version).actions))] as [
  string,
  ...string[],
];
const { flag } = scalar;
const object = <T extends z.core.$ZodLooseShape>(shape: T) =>
  z.strictObject(shape, {
    error: ({ code }) =>
      `${code === "unrecognized_keys" ? "one of" : "an object with"} ${Object.keys(shape).join(", ")}`,
  });
const minutes = scalar.wholeNumber(1, 1440);
const pemFile = z.string({ error: "the path of a PEM file" }).min(1, { error: "the path of a PEM file" });

const perVolume = <T extends z.ZodType>(kind: T) =>
  object({
    "zookeeper-data": kind,
    "bookie-journal": kind,
    "bookie-ledgers": kind,
  } satisfies Record<Volume, T>);

const cpuOffered = scalar.cpu.optional();
const memoryOffered = scalar.quantity.optional();
const nodeList = z.array(
  object({
    name: scalar.name.describe("Name of the node (`kubectl get nodes`)."),
    hostname: scalar.kubernetesLabelValue.optional().meta({
      description: "The node's label `kubernetes.io/hostname`.",
      otherwise: "its name",
      change: "Its volumes are pinned to the label: a change with data is refused.",
    }),
    zone: scalar.kubernetesLabelValue
      .refine((zone) => zone !== "", { error: "a zone's name" })
      .optional()
      .describe("Zone. Brokers and proxies are spread over zones."),
    rack: scalar.rack.optional().meta({ description: "Rack of the node's bookie.", otherwise: "its zone" }),
    cpu: cpuOffered.meta({ description: "CPU that the node offers, in cores.", otherwise: "16 in a rehearsal" }),
    memory: memoryOffered.meta({ description: "Memory that the node offers.", otherwise: "64Gi in a rehearsal" }),
    directories: perVolume(scalar.absolutePath.optional())
      .optional()
      .meta({ description: "The node's own directories, by volume.", otherwise: "`volumes.directories`" }),
    sizes: perVolume(scalar.quantity.optional())
      .optional()
      .meta({ description: "The node's own volume sizes.", otherwise: "`volumes.sizes`" }),
  }),
  { error: "a list of nodes, each with its name" },
);
const group = {
  nodes: nodeList.default([]).meta({ description: "The group's nodes, in order.", like: "pulsar:nodes" }),
  cpu: cpuOffered.describe("CPU that each node offers, unless the node says otherwise."),
  memory: memoryOffered.describe("Memory that each node offers, unless the node says otherwise."),
};

const exposure = object({
  host: scalar.hostName.describe("Host name."),
  tlsSecret: scalar.name.optional().describe("Secret with the certificate."),
});

const quantities = object({ cpu: scalar.cpu.optional(), memory: scalar.quantity.optional() });
const pod = object({
  requests: quantities.optional().describe("What the scheduler reserves."),
  limits: quantities.optional().describe("What the container may use at most."),
  heap: scalar.quantity.optional().describe("Heap of the JVM."),
  direct: scalar.quantity.optional().describe("Direct memory of the JVM."),
  priorityClass: scalar.name.optional().describe("PriorityClass of the pod."),
}).prefault({});

const aClient = "{namespace: shop} or {cidr: 10.20.0.0/16}";
const someClients = `a list of clients that may reach the proxies, each ${aClient}, or remove it to allow everybody`;
const permissions = z
  .array(
    object({
      role: scalar.anyRole.describe("Role: the `sub` of its token."),
      actions: z
        .array(oneOf(everyAction), anyOf(everyAction))
        .min(1, anyOf(everyAction))
        .describe("`packages` is not known to chart 2.7.7."),
    }),
    {
      error: "a list of permissions, each {role, actions}",
    },
  )
  .default([])
  .describe("What roles may do here. A role has exactly the actions listed.");
/** Pulsar stores these as signed 32-bit integers. */
const largest = 2 ** 31 - 1;
const limit = scalar.wholeNumber(-1, largest);
const retention = object({ minutes: limit, megabytes: limit })
  .refine(({ minutes, megabytes }) => (minutes === 0) === (megabytes === 0), {
    error: "0 for both (nothing is kept) or for neither; -1 means no limit",
  })
  .optional()
  .meta({
    description: "How long, and how much of, acknowledged messages are kept. -1: without limit.",
    otherwise: "not managed",
  });
const create = (what: string) =>
  flag.default(true).describe(`Whether the stack creates the ${what}. false: it must exist and is left alone.`);
const topic = object({
  name: scalar.topicName.describe("Name of the topic."),
  create: create("topic"),
  partitions: scalar.wholeNumber(0, 10_000).optional().meta({
    description: "Number of partitions. 0: not partitioned.",
    otherwise: "0",
    change: "The number can only grow.",
  }),
  permissions,
});
const pulsarNamespace = object({
  name: scalar.pulsarName.describe("Name of the namespace."),
  create: create("namespace"),
  deleteData: flag.default(false).describe("Whether topics that hold messages may be deleted."),
  messageTtlSeconds: scalar
    .wholeNumber(0, largest)
    .optional()
    .meta({ description: "Time to live of messages, in seconds.", otherwise: "not managed" }),
  retention,
  permissions,
  topics: z
    .array(topic, { error: "a list of topics, each with its name" })
    .default([])
    .describe("Topics in the namespace."),
});
const tenant = object({
  name: scalar.pulsarName.describe("Name of the tenant."),
  create: create("tenant"),
  adminRoles: z
    .array(scalar.anyRole, { error: "a list of roles" })
    .optional()
    .meta({ description: "Roles that administer the tenant.", otherwise: "none" }),
  allowedClusters: z
    .array(scalar.pulsarName, { error: "a list of clusters" })
    .min(1, { error: "at least one cluster" })
    .optional()
    .meta({ description: "Clusters that the tenant may use.", otherwise: "this cluster" }),
  namespaces: z
    .array(pulsarNamespace, { error: "a list of namespaces, each with its name" })
    .default([])
    .describe("Namespaces of the tenant."),
});

/** What an entry of `adoptedTenants` names, with everything that the settings state in it. */
export const adoptable =
  "the path of a tenant, namespace or topic in pulsar:tenants, such as shop, shop/orders or shop/orders/created";

/** Settings that hold secrets. Each must be encrypted, and no other may be. */
const secrets = {
  imagePullCredentials: dockerConfig.optional().meta({
    description: "Docker configuration (JSON) that the pull Secret is created from.",
    otherwise: "the pull Secret must exist in the namespace",
  }),
  managerPassword: scalar.loginPassword.meta({
    description: "Password of `manager.user`, at least six characters.",
    change: "The first `up` creates the login. Change the password in the manager's database first, then here.",
  }),
  managerDatabasePassword: scalar.databasePassword.describe(
    "Password of `managerDatabase.user`, without white space, quotation marks, backslash and `${...}`: Pulsar Manager would change them.",
  ),
  managerDatabaseAdminPassword: z.string().optional().meta({
    description: "Password of `managerDatabase.admin.user`.",
    otherwise: "required, unless `managerDatabase.create` is false",
  }),
};
export type SecretKey = keyof typeof secrets;
export const secretKeys = Object.keys(secrets) as SecretKey[];

/**
 * The stack's configuration, key by key. `npm run docs` generates from it: the `config` block of Pulumi.yaml, docs/settings.md and
 * schemas/stack.schema.json.
 */
export const schema = object({
  layout: oneOf(layoutNames).meta({
    description:
      "Which node runs what. mixed: every node runs ZooKeeper, a bookie, a broker and a proxy. dedicated: ZooKeeper, the bookies and everything else each have nodes of their own.",
    change: "Refused once there is data.",
  }),
  environment: oneOf(["test", "production"]).optional().meta({
    description:
      "production protects volumes, keys, tokens and database, refuses `pulumi destroy`, and refuses risky settings. test does none of this.",
    otherwise: "production with the dedicated layout, test with the mixed one",
  }),
  nodes: nodeList.default([]).meta({
    description: "Nodes of the mixed layout, in order: ZooKeeper i and bookie i run on node i.",
    otherwise: "required with the mixed layout",
    change: "New nodes go at the end. A change that would separate a pod from its data is refused.",
    example:
      "pulsar:nodes:\n  - name: node1\n  - { name: node2, zone: b, directories: { bookie-journal: /mnt/journal } }",
  }),
  nodeGroups: object({
    zookeeper: object(group).prefault({}).describe("Nodes of ZooKeeper."),
    bookkeeper: object(group).prefault({}).describe("Nodes of the bookies: bookie i runs on node i."),
    serving: object({
      ...group,
      untainted: scalar
        .wholeNumber(1, 5000)
        .optional()
        .describe("Instead of `nodes`: how many other nodes without a taint the cluster has."),
    })
      .prefault({})
      .describe("Nodes of everything else."),
  })
    .prefault({})
    .meta({
      description: "Nodes of the dedicated layout.",
      otherwise: "required with the dedicated layout",
      change: "New nodes go at the end of their group. A change that would separate a pod from its data is refused.",
      example:
        "pulsar:nodeGroups:\n  bookkeeper:\n    cpu: 16\n    memory: 64Gi\n    nodes:\n      - { name: bk-1, zone: a }",
    }),
  nodeLabel: object({
    key: scalar.kubernetesLabelKey.default("node-role.kubernetes.io/pulsar"),
    value: scalar.kubernetesLabelValue.default("pulsar"),
  })
    .prefault({})
    .describe(
      "Label that the stack puts on every node and that every pod selects. In the dedicated layout the group's name follows the value.",
    ),
  nodeTaint: object({
    key: scalar.kubernetesLabelKey.default("dedicated"),
    value: scalar.kubernetesLabelValue.default("pulsar"),
    effect: oneOf(["NoSchedule", "PreferNoSchedule", "NoExecute"]).default("NoSchedule"),
  })
    .prefault({})
    .describe(
      "Taint that the stack puts on every node and that every pod tolerates. In the dedicated layout the group's name follows the value.",
    ),
  clusterHasOtherNodes: flag
    .default(false)
    .describe("Whether the cluster has other nodes. The rehearsal then simulates one, without a taint."),
  clusterDomain: scalar.name.default("cluster.local").meta({
    description: "DNS domain of the Kubernetes cluster (`clusterDomain` of the kubelets).",
    change: "Every bookie is registered under its full host name: a change is refused once there is data.",
  }),
  namespace: scalar.label
    .default("pulsar")
    .meta({ description: "Kubernetes namespace of all objects.", change: "Refused once there is data." }),
  createNamespace: flag
    .default(true)
    .describe("Whether the stack creates the namespace, and deletes it on destroy. false: it must exist."),
  release: scalar.releaseName.default("pulsar").meta({
    description:
      "Name of the Helm release. All objects and claims are named after it. The limit of its length depends on the chart version.",
    change: "Refused once there is data.",
  }),
  chart: object({
    version: oneOf(supportedChartVersions).default(defaultChartVersion).meta({
      description: "Version of Pulsar's Helm chart.",
      change: "A change between the chart lines 2.7 and 4 is a migration and is refused.",
    }),
    source: scalar.chartSource
      .default("https://pulsar.apache.org/charts")
      .describe(
        "Helm repository, `oci://` address, path of a chart of that version, or `repository/chart` as `helm repo add` names it.",
      ),
    timeoutMinutes: minutes.default(30).describe("How long Helm waits for pods and init Jobs, in minutes."),
  })
    .prefault({})
    .describe("Pulsar's Helm chart."),
  registry: scalar.registry.optional().meta({
    description:
      "Registry that is put before every image: `host[:port][/path]`. `npm run images` lists what it must hold.",
    otherwise: "images are used as they are named",
  }),
  images: object({
    pulsar: scalar.image
      .optional()
      .meta({ description: "Image of Pulsar, with its tag.", otherwise: "the chart version's" }),
    manager: scalar.image
      .refine((image) => supportedManagerVersions.includes(image.tag), {
        error: `an image whose tag is a pulsar-manager version with a known schema: ${supportedManagerVersions.join(", ")}`,
      })
      .optional()
      .meta({ description: "Image of Pulsar Manager, with its tag.", otherwise: "the chart version's" }),
    pullSecret: scalar.name.optional().describe("Name of the registry's pull Secret."),
  })
    .prefault({})
    .describe("Images. A digest may follow the tag (`@sha256:...`)."),
  tokens: object({
    keys: oneOf(tokenKeys).default("asymmetric").meta({
      description: "Signature: asymmetric (RS256), ecdsa (ES256) or symmetric (HS256).",
      change: "Change `generation` too. A production stack cannot change from or to symmetric.",
    }),
    generation: scalar.wholeNumber(1, 100_000).default(1).meta({
      description: "Number of the key.",
      change:
        "The next number creates a new key and new tokens, and restarts brokers, proxies, toolset and manager. All former tokens are refused.",
    }),
    roles: object({
      broker: scalar.role.default("broker-admin"),
      proxy: scalar.role.default("proxy-admin"),
      client: scalar.role.default("admin").describe("The administrators' role."),
      manager: scalar.role
        .optional()
        .meta({ otherwise: "manager-admin; with chart 2.7.7 the manager uses the administrators' token" }),
    })
      .prefault({})
      .describe("Super users."),
    expires: scalar.date
      .optional()
      .meta({ description: "First day (UTC) on which the tokens are refused.", otherwise: "never" }),
    warnDays: scalar.wholeNumber(0, 3650).default(30).describe("How many days before that day the preview warns."),
  })
    .prefault({})
    .meta({
      description: "Keys and tokens of the stack.",
      example: "pulsar:tokens:\n  generation: 2\n  expires: 2027-06-30",
    }),
  clients: z
    .array(
      object({
        role: scalar.role.describe("Role of the application."),
        expires: scalar.date
          .optional()
          .meta({ description: "First day (UTC) on which its token is refused.", otherwise: "`tokens.expires`" }),
      }),
      { error: "a list of applications, each with its role" },
    )
    .default([])
    .meta({
      description: "Applications that get a token and a Secret.",
      example: "pulsar:clients:\n  - { role: shop-app }",
    }),
  replicas: object({
    zookeeper: scalar.replicas.optional().meta({ otherwise: "3; in the dedicated layout one per node" }),
    bookkeeper: scalar.replicas.optional().meta({ otherwise: "3; in the dedicated layout one per node" }),
    broker: scalar.replicas.default(3),
    proxy: scalar.replicas.default(3),
    autorecovery: scalar.replicas.default(1),
    toolset: scalar.replicas.default(1),
  })
    .prefault({})
    .describe("Number of pods of each component."),
  ledgers: object({
    ensemble: scalar.replicas
      .optional()
      .meta({ description: "Bookies that a ledger is spread over.", otherwise: "2 (mixed), 3 (dedicated)" }),
    write: scalar.replicas
      .optional()
      .meta({ description: "Copies of each entry.", otherwise: "2 (mixed), 3 (dedicated)" }),
    ack: scalar.replicas.optional().meta({ description: "Copies that must be acknowledged.", otherwise: "2" }),
  })
    .prefault({})
    .meta({ description: "Quorums that brokers write ledgers with.", change: "Applies to new ledgers." }),
  pods: object({
    zookeeper: pod,
    bookkeeper: pod.meta({ like: "zookeeper" }),
    broker: pod.meta({ like: "zookeeper" }),
    proxy: pod.meta({ like: "zookeeper" }),
    autorecovery: pod.meta({ like: "zookeeper" }),
    toolset: pod.meta({ like: "zookeeper" }),
    manager: pod.meta({ like: "zookeeper" }),
  } satisfies Record<SizedComponent, typeof pod>)
    .prefault({})
    .meta({
      description: "Sizes of the pods, by component.",
      otherwise:
        "derived from `cpu` and `memory` of the nodes in the dedicated layout; otherwise the chart's, with more memory for proxy, autorecovery and manager",
      example: "pulsar:pods:\n  broker:\n    requests: { cpu: 2, memory: 8Gi }\n    heap: 3Gi",
    }),
  volumes: object({
    storageClass: object({
      name: scalar.name.default("local-storage"),
      create: flag.default(true).describe("false: the cluster has it already."),
    })
      .prefault({})
      .describe("StorageClass of volumes and claims."),
    dataDirectory: scalar.absolutePath
      .default("/home/pulsar/data")
      .describe("Directory on each node that holds those volumes that `directories` does not name."),
    directories: perVolume(scalar.absolutePath.optional())
      .prefault({})
      .describe("Directory of each volume on its node."),
    createDirectories: flag.default(true).describe("Whether a Job on each node creates the directories."),
    sizes: object({
      "zookeeper-data": scalar.quantity.default("20Gi"),
      "bookie-journal": scalar.quantity.default("50Gi"),
      "bookie-ledgers": scalar.quantity.default("50Gi"),
    })
      .prefault({})
      .describe("Size of each volume."),
  })
    .prefault({})
    .meta({
      description: "Local volumes of ZooKeeper and the bookies.",
      change: "A change of class, directory or size is refused once there is data.",
    }),
  movedVolumes: z
    .array(
      object({
        pod: scalar.dataPod.describe("Pod, such as bookie-1."),
        from: scalar.name.describe("Node that has its data."),
        to: scalar.name.optional().meta({ description: "Node it starts on, empty.", otherwise: "the pod is removed" }),
      }),
      { error: "a list of {pod, from, to}" },
    )
    .default([])
    .meta({
      description:
        "Reviewed moves of pods whose data is given up. Any other change that separates a pod from its data is refused.",
      example: "pulsar:movedVolumes:\n  - { pod: bookie-1, from: bk-2, to: bk-9 }",
    }),
  manager: object({ user: scalar.loginName.default("admin").describe("Login name.") })
    .prefault({})
    .describe("The login to Pulsar Manager."),
  managerDatabase: object({
    host: scalar.host.describe("Host name or IP address."),
    port: scalar.port.default(5432),
    name: scalar.databaseName.default("pulsar_manager").describe("Database."),
    user: scalar.databaseRole.default("pulsar_manager").describe("Role that the manager logs in as."),
    tls: oneOf(["disable", "require", "verify-full"])
      .default("require")
      .describe("TLS to the server. Production refuses disable."),
    tlsCaFile: pemFile.optional().describe("CA that the server's certificate is checked against."),
    create: flag.default(true).describe("Whether the stack creates role and database. false: they exist."),
    deleteData: flag.default(false).describe("Whether `pulumi destroy` drops role, database and tables."),
    admin: object({
      user: scalar.unquotedText("a PostgreSQL role").default("postgres"),
      database: scalar.sqlName.default("postgres"),
      superuser: flag.default(true).describe("false for a managed server whose administrator is no superuser."),
    })
      .prefault({})
      .describe("Role that creates the manager's role and database."),
  })
    .superRefine((database, context) => {
      if (!database.create) return;
      // The provider's ids join names with dots (postgresql 3.18.1, Schema), and people type the names unquoted.
      for (const key of ["name", "user"] as const) {
        const [issue] = scalar.sqlName.safeParse(database[key]).error?.issues ?? [];
        if (issue === undefined) continue;
        const message = `${issue.message}, or set pulsar:managerDatabase.create to false if it exists`;
        context.addIssue({ code: "custom", path: [key], message });
      }
    })
    .prefault({} as never)
    .describe("PostgreSQL database of Pulsar Manager."),
  networkPolicies: object({
    enabled: flag
      .optional()
      .meta({ description: "Whether there is a NetworkPolicy for each component.", otherwise: "true in production" }),
    clients: z
      .array(z.union([object({ namespace: scalar.label }), object({ cidr: scalar.cidr })], { error: aClient }), {
        error: someClients,
      })
      .min(1, { error: someClients })
      .optional()
      .meta({ description: "Who may reach the proxies, each `{namespace}` or `{cidr}`.", otherwise: "everybody" }),
    ingressController: scalar.label
      .optional()
      .meta({ description: "Namespace of the Ingress controller.", otherwise: "it reaches nothing" }),
    monitoring: scalar.label
      .optional()
      .meta({ description: "Namespace of Prometheus.", otherwise: "it reaches nothing" }),
  })
    .prefault({})
    .meta({
      description: "NetworkPolicies of the components; see docs/network.md.",
      example: "pulsar:networkPolicies:\n  clients: [{ namespace: shop }]\n  ingressController: ingress-nginx",
    }),
  monitoring: object({
    podMonitors: flag.default(false).describe("Whether there is a PodMonitor for each component with metrics."),
    interval: scalar.duration.default("60s").describe("How often Prometheus scrapes each pod."),
    labels: z
      .record(scalar.kubernetesLabelKey, scalar.kubernetesLabelValue, { error: "labels, each with its value" })
      .default({})
      .describe("Labels that Prometheus selects PodMonitors by."),
  })
    .prefault({})
    .describe("PodMonitors (monitoring.coreos.com/v1) for the Prometheus operator."),
  tenants: z.array(tenant, { error: "a list of tenants, each with its name" }).default([]).meta({
    description: "Tenants, namespaces, topics and permissions in Pulsar; see docs/tenants.md.",
    example:
      "pulsar:tenants:\n  - name: shop\n    namespaces:\n      - name: orders\n        topics: [{ name: created, partitions: 3 }]",
  }),
  adoptedTenants: z
    .array(z.string({ error: adoptable }), { error: `a list, each ${adoptable}` })
    .default([])
    .describe(
      "Paths in `tenants` (shop, shop/orders, shop/orders/created) of what this stack created before a destroy. The next `up` takes over what exists and creates what does not. Remove the entries afterwards.",
    ),
  adminApi: object({
    address: scalar.httpAddress.optional().meta({
      description: "Address of the admin API from where Pulumi runs.",
      otherwise: "a port-forward to a proxy",
    }),
    caFile: pemFile.optional().describe("CA to trust there."),
  })
    .prefault({})
    .describe("How Pulumi reaches Pulsar's admin API."),
  ingress: object({
    className: scalar.name.optional().meta({ description: "IngressClass.", otherwise: "the cluster's default class" }),
    clusterIssuer: scalar.name.optional().describe("cert-manager ClusterIssuer that creates the certificates."),
    issuer: scalar.name.optional().describe("cert-manager Issuer that creates the certificates."),
    annotations: z
      .record(scalar.kubernetesLabelKey, scalar.unquotedText("a text"), {
        error: "an object of annotations, each a text",
      })
      .default({})
      .describe("Annotations for the controller."),
    manager: exposure.optional().describe("Pulsar Manager."),
    admin: exposure.optional().describe("The HTTP admin API, served by the proxies."),
  })
    .prefault({})
    .meta({
      description: "Access from outside the cluster by host name. Without a host there is no Ingress.",
      example: "pulsar:ingress:\n  clusterIssuer: letsencrypt\n  manager: { host: pulsar-manager.example.com }",
    }),
  smokeTest: flag
    .default(true)
    .describe(
      "Whether an `up` that changes the release or the key ends with a test: messages go through the proxy, and wrong tokens are refused.",
    ),
  values: z
    .record(z.string(), z.json(), { error: "an object of chart values" })
    .default({})
    .describe(
      "Chart values that override the program's own. No secrets, and nothing that another setting says. The preview warns of keys that the chart does not read.",
    ),
  ...secrets,
});

/** The settings as they are given, with the defaults that depend on nothing else. */
export type Parsed = z.output<typeof schema>;

/** Whether `pulumi config` keeps the key as plain text. The values of all other keys arrive as JSON. */
export function isText(key: string): boolean {
  const part = (schema.shape as Record<string, z.core.$ZodType | undefined>)[key];
  return part === undefined || typeOf(part) === "string";
}

/** The type of a key in Pulumi.yaml. */
export function typeOf(part: z.core.$ZodType): "string" | "boolean" | "array" | "object" {
  const { def } = (part as z.core.$ZodTypes)._zod;
  switch (def.type) {
    case "optional":
    case "default":
    case "prefault":
      return typeOf(def.innerType);
    case "pipe":
      return typeOf(def.out);
    case "boolean":
    case "array":
      return def.type;
    case "object":
    case "record":
      return "object";
    default:
      return "string";
  }
}

/** The settings with defaults in place of those that are invalid by themselves, so that the others can be checked too. */
export function validPart(raw: Record<string, unknown>): { given: Parsed; invalid: string[] } {
  const invalid: string[] = [];
  const parts = Object.entries(schema.shape).flatMap(([key, part]) => {
    const parsed = part.safeParse(raw[key]);
    if (parsed.success) return [[key, parsed.data]];
    invalid.push(key);
    return [];
  });
  const defaults = schema.parse({
    layout: "mixed",
    environment: "test",
    managerPassword: "unset-password",
    managerDatabase: { host: "localhost" },
    managerDatabasePassword: "unset",
  });
  return { given: { ...defaults, ...(Object.fromEntries(parts) as Partial<Parsed>) }, invalid };
}
