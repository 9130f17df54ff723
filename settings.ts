import * as pulumi from "@pulumi/pulumi";
import { fault } from "./components/fault.ts";
import { z } from "zod";
import { supportedChartVersions } from "./components/charts/lines.ts";
import { supportedManagerVersions } from "./components/schemas/index.ts";
import { type Fault, faultsOf, keyOf, message } from "./settings/faults.ts";
import * as scalar from "./settings/scalars.ts";

/** Settings that hold secrets; each must be encrypted, and no other may be. */
const secretKeys = ["imagePullCredentials", "managerDatabasePassword", "managerDatabaseAdminPassword"] as const;
type SecretKey = (typeof secretKeys)[number];
const secretKeySet: ReadonlySet<string> = new Set(secretKeys);

const oneOf = <const T extends readonly [string, ...string[]]>(values: T) =>
  z.enum(values, { error: `one of ${values.join(", ")}` });
const flag = z.boolean({ error: "true or false" });
const object = <T extends z.core.$ZodLooseShape>(shape: T) =>
  z.strictObject(shape, { error: `an object with ${Object.keys(shape).join(", ")}` });
const minutes = scalar.wholeNumber(1, 1440);
const password = (key: SecretKey) => {
  const error = `a password (pulumi config set --secret pulsar:${key})`;
  return z.string({ error }).min(1, { error });
};

/**
 * The stack's configuration, key by key. Pulumi.yaml describes the same keys for `pulumi config`; a test holds the two against each
 * other.
 */
const schema = object({
  layout: oneOf(["mixed"]),
  nodes: z
    .array(object({ name: scalar.name, hostname: scalar.kubernetesLabelValue.optional() }), {
      error: "a list of nodes, each with its name",
    })
    .min(1, { error: "at least one node" }),
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
  namespace: scalar.label,
  createNamespace: flag,
  release: scalar.releaseName,
  chart: object({
    version: oneOf(supportedChartVersions),
    source: scalar.chartSource.default("https://pulsar.apache.org/charts"),
    timeoutMinutes: minutes.default(30),
  }),
  images: object({
    pulsar: scalar.image,
    manager: scalar.image.refine((image) => supportedManagerVersions.includes(image.tag), {
      error: `an image whose tag is a pulsar-manager version with a known schema: ${supportedManagerVersions.join(", ")}`,
    }),
    pullSecret: scalar.name.optional(),
  }),
  imagePullCredentials: scalar.dockerConfig.optional(),
  tokens: object({
    keys: oneOf(["asymmetric", "symmetric"]).default("asymmetric"),
    roles: object({
      broker: scalar.role.default("broker-admin"),
      proxy: scalar.role.default("proxy-admin"),
      client: scalar.role.default("admin"),
    }).prefault({}),
    otherRoles: z.array(scalar.role, { error: "a list of roles" }).default([]),
  }),
  replicas: object({
    zookeeper: scalar.replicas.default(3),
    bookkeeper: scalar.replicas.default(3),
    broker: scalar.replicas.default(3),
    proxy: scalar.replicas.default(3),
    autorecovery: scalar.replicas.default(1),
    toolset: scalar.replicas.default(1),
  }),
  volumes: object({
    storageClass: object({
      name: scalar.name.default("local-storage"),
      create: flag.default(true),
    }).prefault({}),
    dataDirectory: scalar.absolutePath.default("/home/pulsar/data"),
    createDirectories: flag.default(true),
    sizes: object({
      "zookeeper-data": scalar.quantity.default("20Gi"),
      "bookie-journal": scalar.quantity.default("50Gi"),
      "bookie-ledgers": scalar.quantity.default("50Gi"),
    }).prefault({}),
  }),
  managerDatabase: object({
    host: scalar.host,
    port: scalar.port.default(5432),
    name: scalar.sqlName.default("pulsar_manager"),
    user: scalar.sqlName.default("pulsar_manager"),
    tls: oneOf(["disable", "require", "verify-full"]).default("require"),
    tlsCaFile: z.string({ error: "the path of a PEM file" }).min(1, { error: "the path of a PEM file" }).optional(),
    create: flag.default(true),
    deleteData: flag.default(false),
    admin: object({
      user: z.string({ error: "a PostgreSQL role" }).min(1, { error: "a PostgreSQL role" }).default("postgres"),
      database: scalar.sqlName.default("postgres"),
      superuser: flag.default(true),
    }).prefault({}),
  }),
  managerDatabasePassword: password("managerDatabasePassword").refine((value) => !value.includes("\\"), {
    // The provider (postgresql 3.18.1) doubles it when it sets a role's password, and nobody could log in.
    error: "a password without a backslash",
  }),
  managerDatabaseAdminPassword: password("managerDatabaseAdminPassword").optional(),
  values: z.record(z.string(), z.json(), { error: "an object of chart values" }),
});

type Parsed = z.output<typeof schema>;

/** The cluster the stack may touch, from `kubernetes:*`. */
export interface ClusterSettings {
  /** Name of the kubeconfig's context. */
  context?: string;
  /** Path of a kubeconfig; default: as kubectl finds it. Contents are refused: they would put credentials into the state. */
  kubeconfig?: string;
}

/** The stack's configuration, checked, with every default filled in; secrets as secret outputs. */
export type Settings = Omit<Parsed, SecretKey | "nodes" | "replicas" | "managerDatabase"> & {
  cluster: ClusterSettings;
  /** In order: ordinal i lives on node i. `hostname` is the node's `kubernetes.io/hostname` label, by default its name. */
  nodes: { name: string; hostname: string }[];
  /** Pulsar Manager runs once: the chart has no other number (2.7.7). */
  replicas: Parsed["replicas"] & { manager: 1 };
  /** A Docker configuration as JSON text. */
  imagePullCredentials?: pulumi.Output<string>;
  managerDatabase: Omit<Parsed["managerDatabase"], "admin"> & {
    password: pulumi.Output<string>;
    /** Set unless role and database are made by somebody else. */
    admin?: Parsed["managerDatabase"]["admin"] & { password: pulumi.Output<string> };
  };
};

/** The configuration as Pulumi hands it to a program: every value text, objects and lists as JSON, keys with their namespace. */
export interface RawConfig {
  values: Readonly<Record<string, string>>;
  /** Keys whose value is encrypted in the stack file. */
  encrypted: readonly string[];
}

/** What an unset key stands at, the same as in Pulumi.yaml. An empty text counts as unset. */
const emptyDefaults: Record<string, unknown> = {
  nodes: [],
  nodeLabel: {},
  nodeTaint: {},
  clusterHasOtherNodes: false,
  namespace: "pulsar",
  createNamespace: true,
  release: "pulsar",
  chart: {},
  images: {},
  tokens: {},
  replicas: {},
  volumes: {},
  managerDatabase: {},
  values: {},
};

/**
 * Checks the whole configuration of a stack at once.
 *
 * @param dryRun at preview a stack need not name its cluster; for a real `up` it must.
 * @throws pulumi.RunError one message with every fault found, each with its key, what was found (never a secret) and what is allowed.
 */
export function parseSettings(config: RawConfig, stack: string, dryRun: boolean): Settings {
  const { raw, faults } = ownKeys(config);
  const parsed = schema.safeParse(raw);
  if (!parsed.success) faults.push(...faultsOf(parsed.error.issues, raw, secretKeySet));
  faults.push(...contradictions(soundPart(raw)));
  const cluster = clusterSettings(config, dryRun, faults);
  if (!parsed.success || faults.length > 0) throw fault(message(faults, stack));

  const { imagePullCredentials, managerDatabasePassword, managerDatabaseAdminPassword, ...plain } = parsed.data;
  const { managerDatabase } = plain;
  return {
    ...plain,
    cluster,
    nodes: plain.nodes.map(({ name, hostname }) => ({ name, hostname: hostname ?? name })),
    replicas: { ...plain.replicas, manager: 1 },
    imagePullCredentials: imagePullCredentials === undefined ? undefined : pulumi.secret(imagePullCredentials),
    managerDatabase: {
      ...managerDatabase,
      password: pulumi.secret(managerDatabasePassword),
      admin:
        managerDatabaseAdminPassword === undefined
          ? undefined
          : { ...managerDatabase.admin, password: pulumi.secret(managerDatabaseAdminPassword) },
    },
  };
}

/**
 * The settings of the stack that is running.
 * @throws pulumi.RunError with every fault found; see `parseSettings`
 */
export function stackSettings(): Settings {
  const values = pulumi.runtime.allConfig();
  // The SDK has this function and leaves it out of its types (3.270); Config itself never says which keys are encrypted.
  const { isConfigSecret } = pulumi.runtime as unknown as { isConfigSecret: (key: string) => boolean };
  const encrypted = Object.keys(values).filter((key) => isConfigSecret(key));
  return parseSettings({ values, encrypted }, pulumi.getStack(), pulumi.runtime.isDryRun());
}

/** The `pulsar:` keys as typed values, and the faults of their form: unreadable JSON, secrets in plain text, encrypted plain settings. */
function ownKeys(config: RawConfig): { raw: Record<string, unknown>; faults: Fault[] } {
  const raw: Record<string, unknown> = { ...emptyDefaults };
  const faults: Fault[] = [];
  for (const [fullKey, text] of Object.entries(config.values)) {
    if (!fullKey.startsWith("pulsar:")) continue;
    const key = fullKey.slice("pulsar:".length);
    const encrypted = config.encrypted.includes(fullKey);
    if (text === "") continue;
    if (secretKeySet.has(key)) {
      if (!encrypted) {
        faults.push({
          key: fullKey,
          found: "a value in plain text",
          allowed: `an encrypted one (pulumi config set --secret ${fullKey})`,
        });
      }
      raw[key] = text;
    } else if (encrypted) {
      faults.push({
        key: fullKey,
        found: "an encrypted value",
        allowed: `a plain one; only ${secretKeys.map((secret) => keyOf([secret])).join(", ")} hold secrets`,
      });
    } else {
      raw[key] = typed(key, text);
    }
  }
  return { raw, faults };
}

/** Values that are no strings arrive as JSON; what does not parse stays text and fails the schema with what is allowed there. */
function typed(key: string, text: string): unknown {
  if (typeof (emptyDefaults[key] ?? "") === "string") return text;
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return text;
  }
}

/** The keys whose values are right, unset ones among them, so that one fault does not hide the contradictions among the others. */
function soundPart(raw: Record<string, unknown>): Partial<Parsed> {
  const parts = Object.entries(schema.shape).flatMap(([key, part]) => {
    const parsed = part.safeParse(raw[key]);
    return parsed.success ? [[key, parsed.data]] : [];
  });
  return Object.fromEntries(parts) as Partial<Parsed>;
}

/** Faults that no single value shows. */
function contradictions(settings: Partial<Parsed>): Fault[] {
  const { nodes, replicas, tokens, images, managerDatabase } = settings;
  const faults: Fault[] = [];
  const add = (path: PropertyKey[], found: string, allowed: string) =>
    faults.push({ key: keyOf(path), found, allowed });

  const names = (nodes ?? []).map(({ name }) => name);
  const hostnames = (nodes ?? []).map(({ name, hostname }) => hostname ?? name);
  names.forEach((name, i) => {
    const sameName = names.indexOf(name);
    const sameHost = hostnames.indexOf(hostnames[i] ?? name);
    if (sameName < i) {
      add(["nodes", i, "name"], JSON.stringify(name), `a name that no other node has (nodes[${sameName}] has it)`);
    } else if (sameHost < i) {
      add(
        ["nodes", i, "hostname"],
        JSON.stringify(hostnames[i]),
        `a label that no other node has (nodes[${sameHost}] has it)`,
      );
    }
  });

  // ZooKeeper and bookies keep their data on their node; brokers and proxies are spread with hard anti-affinity.
  for (const component of ["zookeeper", "bookkeeper", "broker", "proxy"] as const) {
    const wanted = replicas?.[component];
    if (nodes !== undefined && wanted !== undefined && wanted > nodes.length) {
      add(
        ["replicas", component],
        `${wanted} on ${nodes.length} nodes`,
        `at most one a node: add nodes to pulsar:nodes, or ask for ${nodes.length} at most`,
      );
    }
  }

  const roles = tokens === undefined ? [] : [...Object.values(tokens.roles), ...tokens.otherRoles];
  const twice = roles.filter((role, i) => roles.indexOf(role) < i);
  if (twice.length > 0) add(["tokens"], `the role ${[...new Set(twice)].join(", ")} twice`, "every role once");

  const credentials = "imagePullCredentials" in settings && settings.imagePullCredentials !== undefined;
  if (images !== undefined && credentials && images.pullSecret === undefined) {
    add(["images", "pullSecret"], "nothing", "the name of the Secret to make from pulsar:imagePullCredentials");
  }
  if (
    images?.pullSecret !== undefined &&
    "imagePullCredentials" in settings &&
    !credentials &&
    settings.createNamespace
  ) {
    add(
      ["imagePullCredentials"],
      `nothing, so Secret ${images.pullSecret} is expected in a namespace that does not exist yet`,
      "a Docker configuration (pulumi config set --secret), or pulsar:createNamespace false with the Secret already there",
    );
  }
  if (managerDatabase?.tlsCaFile !== undefined && managerDatabase.tls !== "verify-full") {
    add(
      ["managerDatabase", "tlsCaFile"],
      "a CA that would not be used",
      "no CA, or pulsar:managerDatabase.tls verify-full",
    );
  }
  if (managerDatabase?.create && "managerDatabaseAdminPassword" in settings && !settings.managerDatabaseAdminPassword) {
    add(
      ["managerDatabaseAdminPassword"],
      "nothing",
      "the password of pulsar:managerDatabase.admin.user (pulumi config set --secret), or pulsar:managerDatabase.create false where role and database exist",
    );
  }
  return faults;
}

function clusterSettings(config: RawConfig, dryRun: boolean, faults: Fault[]): ClusterSettings {
  const context = config.values["kubernetes:context"] || undefined;
  const kubeconfig = config.values["kubernetes:kubeconfig"] || undefined;
  if (kubeconfig !== undefined && /[\n{]/.test(kubeconfig)) {
    faults.push({
      key: "kubernetes:kubeconfig",
      found: "the contents of a kubeconfig",
      allowed: "the path of one: contents would put the cluster's credentials into the state",
    });
    return { context };
  }
  if (!dryRun && context === undefined && kubeconfig === undefined) {
    faults.push({
      key: "kubernetes:context",
      found: "nothing",
      allowed: "the kubeconfig context of the one cluster this stack may touch",
    });
  }
  return { context, kubeconfig };
}
