import { z } from "zod";
import { chartLine, defaultChartVersion, supportedChartVersions } from "../components/charts/lines.ts";
import type { Volume } from "../components/charts/names.ts";
import { layoutNames } from "../components/layouts/layouts.ts";
import { supportedManagerVersions } from "../components/schemas/index.ts";
import type { SizedComponent } from "../components/sizing.ts";
import { tokenKeys } from "../components/tokens.ts";
import { dockerConfig } from "./pullCredentials.ts";
import * as scalar from "./scalars.ts";

/** Settings that hold secrets; each must be encrypted, and no other may be. */
export const secretKeys = [
  "imagePullCredentials",
  "managerPassword",
  "managerDatabasePassword",
  "managerDatabaseAdminPassword",
] as const;
export type SecretKey = (typeof secretKeys)[number];

const oneOf = <const T extends readonly [string, ...string[]]>(values: T) =>
  z.enum(values, { error: `one of ${values.join(", ")}` });
const anyOf = (values: readonly string[]) => ({ error: `a list of ${values.join(", ")}` });
/** What any of the chart lines knows; `tenantFaults` asks the stack's own. */
const everyAction = [...new Set(supportedChartVersions.flatMap((version) => chartLine(version).actions))] as [
  string,
  ...string[],
];
const { flag } = scalar;
const object = <T extends z.core.$ZodLooseShape>(shape: T) =>
  z.strictObject(shape, { error: `an object with ${Object.keys(shape).join(", ")}` });
const minutes = scalar.wholeNumber(1, 1440);
const pemFile = z.string({ error: "the path of a PEM file" }).min(1, { error: "the path of a PEM file" });

const perVolume = <T extends z.ZodType>(kind: T) =>
  object({
    "zookeeper-data": kind,
    "bookie-journal": kind,
    "bookie-ledgers": kind,
  } satisfies Record<Volume, T>);

const nodes = z.array(
  object({
    name: scalar.name,
    hostname: scalar.kubernetesLabelValue.optional(),
    zone: scalar.kubernetesLabelValue.refine((zone) => zone !== "", { error: "a zone's name" }).optional(),
    rack: scalar.rack.optional(),
    cpu: scalar.cpu.optional(),
    memory: scalar.quantity.optional(),
    directories: perVolume(scalar.absolutePath.optional()).optional(),
    sizes: perVolume(scalar.quantity.optional()).optional(),
  }),
  { error: "a list of nodes, each with its name" },
);
const group = { nodes: nodes.default([]), cpu: scalar.cpu.optional(), memory: scalar.quantity.optional() };

const wayIn = object({ host: scalar.hostName, tlsSecret: scalar.name.optional() });

const quantities = object({ cpu: scalar.cpu.optional(), memory: scalar.quantity.optional() });
const pod = object({
  requests: quantities.optional(),
  limits: quantities.optional(),
  heap: scalar.quantity.optional(),
  direct: scalar.quantity.optional(),
  priorityClass: scalar.name.optional(),
}).prefault({});

const aClient = "{namespace: shop} or {cidr: 10.20.0.0/16}";
const someClients = `a list of those who may reach the proxies, each ${aClient}; not set: everybody`;
const permissions = z
  .array(
    object({
      role: scalar.anyRole,
      actions: z.array(oneOf(everyAction), anyOf(everyAction)).min(1, anyOf(everyAction)),
    }),
    {
      error: "a list of permissions, each {role, actions}",
    },
  )
  .default([]);
/** Pulsar keeps these as 32 bit. */
const mostOfAll = 2 ** 31 - 1;
const limit = scalar.wholeNumber(-1, mostOfAll);
const retention = object({ minutes: limit, megabytes: limit }).refine(
  ({ minutes, megabytes }) => (minutes === 0) === (megabytes === 0),
  { error: "both 0 (nothing is kept), or neither; -1: without limit" },
);
const tenants = z.array(
  object({
    name: scalar.pulsarName,
    create: flag.default(true),
    adminRoles: z.array(scalar.anyRole, { error: "a list of roles" }).optional(),
    allowedClusters: z
      .array(scalar.pulsarName, { error: "a list of clusters" })
      .min(1, { error: "at least one cluster" })
      .optional(),
    namespaces: z
      .array(
        object({
          name: scalar.pulsarName,
          create: flag.default(true),
          deleteData: flag.default(false),
          messageTtlSeconds: scalar.wholeNumber(0, mostOfAll).optional(),
          retention: retention.optional(),
          permissions,
          topics: z
            .array(
              object({
                name: scalar.topicName,
                create: flag.default(true),
                partitions: scalar.wholeNumber(0, 10_000).optional(),
                permissions,
              }),
              { error: "a list of topics, each with its name" },
            )
            .default([]),
        }),
        { error: "a list of namespaces, each with its name" },
      )
      .default([]),
  }),
  { error: "a list of tenants, each with its name" },
);

/** What an entry of `adoptedTenants` names, with everything that the settings state in it. */
export const adoptable =
  "the path of a tenant, namespace or topic in pulsar:tenants, such as shop, shop/orders or shop/orders/created";

/**
 * The stack's configuration, key by key. Pulumi.yaml describes the same keys for `pulumi config`; a test holds the two against each
 * other.
 */
export const schema = object({
  layout: oneOf(layoutNames),
  environment: oneOf(["test", "production"]).optional(),
  nodes,
  nodeGroups: object({
    zookeeper: object(group).prefault({}),
    bookkeeper: object(group).prefault({}),
    serving: object({ ...group, untainted: scalar.wholeNumber(1, 5000).optional() }).prefault({}),
  }),
  nodeLabel: object({
    key: scalar.kubernetesLabelKey.default("node-role.kubernetes.io/pulsar"),
    value: scalar.kubernetesLabelValue.default("pulsar"),
  }),
  nodeTaint: object({
    key: scalar.kubernetesLabelKey.default("dedicated"),
    value: scalar.kubernetesLabelValue.default("pulsar"),
    effect: oneOf(["NoSchedule", "PreferNoSchedule", "NoExecute"]).default("NoSchedule"),
  }),
  clusterHasOtherNodes: flag,
  clusterDomain: scalar.name,
  namespace: scalar.label,
  createNamespace: flag,
  release: scalar.releaseName,
  chart: object({
    version: oneOf(supportedChartVersions).default(defaultChartVersion),
    source: scalar.chartSource.default("https://pulsar.apache.org/charts"),
    timeoutMinutes: minutes.default(30),
  }),
  registry: scalar.registry.optional(),
  images: object({
    pulsar: scalar.image.optional(),
    manager: scalar.image
      .refine((image) => supportedManagerVersions.includes(image.tag), {
        error: `an image whose tag is a pulsar-manager version with a known schema: ${supportedManagerVersions.join(", ")}`,
      })
      .optional(),
    pullSecret: scalar.name.optional(),
  }),
  imagePullCredentials: dockerConfig.optional(),
  tokens: object({
    keys: oneOf(tokenKeys).default("asymmetric"),
    generation: scalar.wholeNumber(1, 100_000).default(1),
    roles: object({
      broker: scalar.role.default("broker-admin"),
      proxy: scalar.role.default("proxy-admin"),
      client: scalar.role.default("admin"),
      manager: scalar.role.optional(),
    }).prefault({}),
    expires: scalar.date.optional(),
    warnDays: scalar.wholeNumber(0, 3650).default(30),
  }),
  clients: z.array(object({ role: scalar.role, expires: scalar.date.optional() }), {
    error: "a list of applications, each with its role",
  }),
  replicas: object({
    zookeeper: scalar.replicas.optional(),
    bookkeeper: scalar.replicas.optional(),
    broker: scalar.replicas.default(3),
    proxy: scalar.replicas.default(3),
    autorecovery: scalar.replicas.default(1),
    toolset: scalar.replicas.default(1),
  }),
  ledgers: object({
    ensemble: scalar.replicas.optional(),
    write: scalar.replicas.optional(),
    ack: scalar.replicas.optional(),
  }),
  pods: object({
    zookeeper: pod,
    bookkeeper: pod,
    broker: pod,
    proxy: pod,
    autorecovery: pod,
    toolset: pod,
    manager: pod,
  } satisfies Record<SizedComponent, typeof pod>),
  volumes: object({
    storageClass: object({
      name: scalar.name.default("local-storage"),
      create: flag.default(true),
    }).prefault({}),
    dataDirectory: scalar.absolutePath.default("/home/pulsar/data"),
    directories: perVolume(scalar.absolutePath.optional()).prefault({}),
    createDirectories: flag.default(true),
    sizes: object({
      "zookeeper-data": scalar.quantity.default("20Gi"),
      "bookie-journal": scalar.quantity.default("50Gi"),
      "bookie-ledgers": scalar.quantity.default("50Gi"),
    }).prefault({}),
  }),
  movedVolumes: z.array(object({ pod: scalar.dataPod, from: scalar.name, to: scalar.name.optional() }), {
    error: "a list of {pod, from, to}",
  }),
  manager: object({ user: scalar.loginName.default("admin") }),
  managerPassword: scalar.loginPassword,
  managerDatabase: object({
    host: scalar.host,
    port: scalar.port.default(5432),
    name: scalar.databaseName.default("pulsar_manager"),
    user: scalar.databaseRole.default("pulsar_manager"),
    tls: oneOf(["disable", "require", "verify-full"]).default("require"),
    tlsCaFile: pemFile.optional(),
    create: flag.default(true),
    deleteData: flag.default(false),
    admin: object({
      user: scalar.unquotedText("a PostgreSQL role").default("postgres"),
      database: scalar.sqlName.default("postgres"),
      superuser: flag.default(true),
    }).prefault({}),
  }).superRefine((database, context) => {
    if (!database.create) return;
    // What the stack makes has a plain name: the provider's ids join names by dots (postgresql 3.18.1, Schema), and people type them unquoted.
    for (const key of ["name", "user"] as const) {
      const [issue] = scalar.sqlName.safeParse(database[key]).error?.issues ?? [];
      if (issue === undefined) continue;
      const message = `${issue.message}; or pulsar:managerDatabase.create false where it exists`;
      context.addIssue({ code: "custom", path: [key], message });
    }
  }),
  managerDatabasePassword: scalar.databasePassword,
  managerDatabaseAdminPassword: z.string().optional(),
  networkPolicies: object({
    enabled: flag.optional(),
    clients: z
      .array(z.union([object({ namespace: scalar.label }), object({ cidr: scalar.cidr })], { error: aClient }), {
        error: someClients,
      })
      .min(1, { error: someClients })
      .optional(),
    ingressController: scalar.label.optional(),
    monitoring: scalar.label.optional(),
  }),
  monitoring: object({
    podMonitors: flag.default(false),
    interval: scalar.duration.default("60s"),
    labels: z
      .record(scalar.kubernetesLabelKey, scalar.kubernetesLabelValue, { error: "labels, each with its value" })
      .default({}),
  }),
  tenants,
  adoptedTenants: z.array(z.string({ error: adoptable }), { error: `a list, each ${adoptable}` }),
  adminApi: object({ address: scalar.httpAddress.optional(), caFile: pemFile.optional() }),
  ingress: object({
    className: scalar.name.optional(),
    clusterIssuer: scalar.name.optional(),
    issuer: scalar.name.optional(),
    annotations: z
      .record(scalar.kubernetesLabelKey, scalar.unquotedText("a text"), {
        error: "an object of annotations, each a text",
      })
      .default({}),
    manager: wayIn.optional(),
    admin: wayIn.optional(),
  }),
  smokeTest: flag,
  values: z.record(z.string(), z.json(), { error: "an object of chart values" }),
});

/** The settings as they are given, defaults that depend on nothing else filled in. */
export type Parsed = z.output<typeof schema>;

/** What an unset key stands at, the same as in Pulumi.yaml. An empty text counts as unset. */
export const emptyDefaults: Record<string, unknown> = {
  nodes: [],
  nodeGroups: {},
  nodeLabel: {},
  nodeTaint: {},
  clusterHasOtherNodes: false,
  clusterDomain: "cluster.local",
  namespace: "pulsar",
  createNamespace: true,
  release: "pulsar",
  chart: {},
  images: {},
  tokens: {},
  clients: [],
  replicas: {},
  ledgers: {},
  pods: {},
  volumes: {},
  movedVolumes: [],
  manager: {},
  managerDatabase: {},
  networkPolicies: {},
  monitoring: {},
  tenants: [],
  adoptedTenants: [],
  adminApi: {},
  ingress: {},
  smokeTest: true,
  values: {},
};

/** The keys whose values are right, unset ones among them, so that one fault does not hide the contradictions among the others. */
export function soundPart(raw: Record<string, unknown>): Partial<Parsed> {
  const parts = Object.entries(schema.shape).flatMap(([key, part]) => {
    const parsed = part.safeParse(raw[key]);
    return parsed.success ? [[key, parsed.data]] : [];
  });
  return Object.fromEntries(parts) as Partial<Parsed>;
}
