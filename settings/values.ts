import { knownKeys, unknownKeys } from "../model/charts/keys.ts";
import { chartLine } from "../model/charts/lines.ts";
import { type Fault, keyOf } from "./faults.ts";
import { isProduction, rolesOf } from "./resolved.ts";
import type { Parsed } from "./schema.ts";

/**
 * What `values` may not say: what another setting says, or what the stack's own objects rest on. Some of it only in production, where the way out
 * is `pulsar:environment test`, which stands in the stack file and is warned of in every preview.
 */
export function valueFaults(settings: Partial<Parsed>): Fault[] {
  const { layout, values = {} } = settings;
  const production =
    layout !== undefined && "environment" in settings && isProduction({ layout, environment: settings.environment });
  const rules = valueRules.filter(({ where }) => where === "everywhere" || production);
  const faults = [
    ...nullsIn(values).map((path) => ({
      path,
      found: "null",
      allowed: "a value; or leave the key out, because null removes what the program sets",
    })),
    ...rules
      .flatMap((rule) => scalarsAbove(values, rule.path))
      .map(({ path, value }) => ({ path, found: JSON.stringify(value), allowed: "an object of chart values" })),
    ...rules.flatMap(({ path, refused, allowed, where }) =>
      valuesAt(values, path)
        .filter(({ value }) => refused(value, settings))
        .map(({ path, value }) => ({
          path,
          found: JSON.stringify(value),
          allowed: where === "production" ? `${allowed} (production)` : allowed,
        })),
    ),
  ].map(({ path, ...fault }) => ({ key: keyOf(["values", ...path]), ...fault }));
  // What holds everywhere comes first.
  return faults.filter(({ key }, i) => faults.findIndex((other) => other.key === key) === i);
}

/** A line for each key of `values` that the chart does not read: it ignores them silently. */
export function valueWarnings({ values, chart }: Pick<Parsed, "values" | "chart">): string[] {
  return unknownKeys(values, knownKeys(chart.version)).map(
    (path) => `${keyOf(["values", ...path])}: chart ${chart.version} does not read this key`,
  );
}

interface ValueRule {
  /** Keys of the chart's values; `*` stands for any. */
  path: string[];
  refused: (value: unknown, settings: Partial<Parsed>) => boolean;
  allowed: string;
  where: "everywhere" | "production";
}

/** A switch that stays on. Helm takes null, "" and 0 for off. */
const notTrue = (value: unknown) => value !== true;
/** A switch that stays off. Helm takes any text but "" for on. */
const notFalse = (value: unknown) => value !== false;
const always = () => true;
const other = (usual: string) => (value: unknown) => value !== usual;
const placed = ["zookeeper", "bookkeeper", "broker", "proxy", "autorecovery", "toolset", "pulsar_manager"];
const spread = ["zookeeper", "bookkeeper", "broker", "proxy"];

/** By the names of the chart's components, what their objects are called. */
const componentNames = {
  zookeeper: "zookeeper",
  bookkeeper: "bookie",
  autorecovery: "recovery",
  broker: "broker",
  proxy: "proxy",
  toolset: "toolset",
  pulsar_manager: "pulsar-manager",
  pulsar_metadata: "pulsar-init",
};
const volumes = [
  ["zookeeper", "data"],
  ["bookkeeper", "journal"],
  ["bookkeeper", "ledgers"],
] as const;
const ourImages = ["zookeeper", "bookie", "autorecovery", "broker", "proxy", "functions", "toolset", "pulsar_manager"];

/** Keys of 2.7.7 and 4.7.0. */
const everywhere: Omit<ValueRule, "where">[] = [
  ...["fullnameOverride", "nameOverride"].map((key) => ({
    path: [key],
    refused: other(""),
    allowed: "nothing: use pulsar:release; volumes, Jobs and addresses are named after it",
  })),
  { path: ["namespace"], refused: other(""), allowed: "nothing: use pulsar:namespace" },
  {
    path: ["clusterDomain"],
    refused: (domain, { clusterDomain }) => domain !== clusterDomain,
    allowed: "nothing: use pulsar:clusterDomain, which the racks of the bookies follow too",
  },
  { path: ["namespaceCreate"], refused: notFalse, allowed: "nothing: use pulsar:createNamespace" },
  ...Object.entries(componentNames).map(([component, name]) => ({
    path: [component, "component"],
    refused: other(name),
    allowed: `${name}: volumes, Jobs and addresses are named after it`,
  })),
  { path: ["initialize"], refused: notTrue, allowed: "true: a new cluster would never be initialised" },
  // Of 4.7.0.
  { path: ["standalone", "enabled"], refused: notFalse, allowed: "false: this stack is a cluster, see pulsar:layout" },
  {
    path: ["auth", "authentication", "jwt", "usingSecretKey"],
    refused: (value, { tokens }) => tokens !== undefined && value !== (tokens.keys === "symmetric"),
    allowed: "nothing: use pulsar:tokens.keys (symmetric, asymmetric or ecdsa)",
  },
  // Of 4.7.0.
  {
    path: ["auth", "authentication", "jwt", "generateSecrets", "enabled"],
    refused: notFalse,
    allowed: "false: the stack makes keys and tokens (pulsar:tokens)",
  },
  {
    path: ["auth", "superUsers"],
    refused: (value, { tokens, chart }) => {
      if (tokens === undefined || chart === undefined) return false;
      const roles: Record<string, unknown> = rolesOf({ tokens, chart });
      return Object.entries(value ?? {}).some(([use, role]) => role !== roles[use]);
    },
    allowed: "nothing: use pulsar:tokens.roles, after which tokens and their Secrets are named",
  },
  ...ourImages.flatMap((image) => ["repository", "tag"].map((key) => ["images", image, key])).map(byImages),
  ...[
    ["pulsar_metadata", "image", "repository"],
    ["pulsar_metadata", "image", "tag"],
    // Of 4.7.0.
    ["defaultPulsarImageRepository"],
    ["defaultPulsarImageTag"],
  ].map(byImages),
  {
    path: ["images", "imagePullSecrets"],
    refused: always,
    allowed: "nothing: use pulsar:images.pullSecret",
  },
  ...["zookeeper", "bookkeeper", "broker", "proxy"].map((component) => ({
    path: ["components", component],
    refused: notTrue,
    allowed: "true: Pulsar and the stack's Jobs need it",
  })),
  {
    path: ["components", "pulsar_manager"],
    refused: (value, { chart, ingress }) =>
      value !== true &&
      (ingress?.manager !== undefined || (chart !== undefined && chartLine(chart.version).manager.setUpBy === "stack")),
    allowed: "true: the Job that makes its login, or pulsar:ingress.manager, needs it",
  },
  {
    path: ["*", "configData", "*"],
    refused: (value) => value !== null && typeof value !== "string",
    allowed: "text, in quotes: it goes into a ConfigMap",
  },
  {
    path: ["tls", "enabled"],
    refused: notFalse,
    allowed: "false: the stack's Jobs and addresses reach the components without TLS; from outside use pulsar:ingress",
  },
  ...["proxy", "broker", "pulsar_manager"].map((component) => ({
    path: [component, "ports"],
    refused: always,
    allowed: "nothing: the stack's Jobs, addresses and network policies use the chart's own ports",
  })),
  {
    path: ["pulsar_manager", "service", "port"],
    refused: (port) => port !== 9527,
    allowed: "9527: the stack's Jobs, addresses and network policies use it",
  },
  ...volumes.flatMap(([component, volume]) => [
    {
      path: [component, "volumes", volume, "name"],
      refused: other(volume),
      allowed: `${volume}: the stack makes the claims by this name`,
    },
    ...["size", "storageClassName", "storageClass"].map((key) => ({
      path: [component, "volumes", volume, key],
      refused: always,
      allowed: `nothing: use pulsar:volumes.${key === "size" ? "sizes" : "storageClass"}`,
    })),
  ]),
  ...[
    ["bookkeeper", "volumes", "useSingleCommonVolume"],
    // Of 4.7.0.
    ["bookkeeper", "volumes", "journal", "useMultiVolumes"],
    ["bookkeeper", "volumes", "ledgers", "useMultiVolumes"],
    ["bookkeeper", "volumes", "index", "enabled"],
    ["zookeeper", "volumes", "useSeparateDiskForTxlog"],
  ].map((path) => ({
    path,
    refused: notFalse,
    allowed: "false: the stack makes a volume for ZooKeeper's data, the journal and the ledgers, and no others",
  })),
];

function byImages(path: string[]): Omit<ValueRule, "where"> {
  return { path, refused: always, allowed: "nothing: use pulsar:images and pulsar:registry" };
}

/** What is too risky in production (2.7.7 and 4.7.0). */
const inProduction: Omit<ValueRule, "where">[] = [
  // The second is of 4.7.0 alone.
  ...["service", "adminService"].map((service) => ({
    path: ["pulsar_manager", service, "type"],
    refused: (type: unknown) => type === "LoadBalancer" || type === "NodePort",
    allowed: "ClusterIP: anybody who reaches the manager can make himself its superuser",
  })),
  // Of 4.7.0.
  ...["extraVolumes", "extraVolumeMounts"].map((key) => ({
    path: ["pulsar_manager", key],
    refused: always,
    allowed: "nothing: it would take the place of what keeps others from making accounts",
  })),
  ...["pulsar_manager", "proxy"].map((component) => ({
    path: [component, "ingress", "enabled"],
    refused: notFalse,
    allowed: "false: use pulsar:ingress, which lets in by TLS and a list of paths alone",
  })),
  // A digest may stand behind the tag: it says what runs, but nobody which version that is.
  {
    path: ["images", "*", "tag"],
    refused: (tag) => /^latest(@|$)/.test(String(tag)),
    allowed: "a version",
  },
  ...[
    ["persistence"],
    ["volumes", "persistence"],
    ["zookeeper", "volumes", "persistence"],
    ["bookkeeper", "volumes", "persistence"],
  ].map((path) => ({ path, refused: notTrue, allowed: "true: without, each start of a bookie formats it" })),
  ...placed.map((component) => ({
    path: [component, "replicaCount"],
    refused: always,
    allowed: "nothing: use pulsar:replicas, which is checked against the nodes",
  })),
  ...placed.flatMap((component) =>
    ["nodeSelector", "tolerations"].map((key) => ({
      path: [component, key],
      refused: always,
      allowed: "nothing: the layout places the pods",
    })),
  ),
  ...[["affinity", "anti_affinity"], ...spread.map((component) => [component, "affinity", "anti_affinity"])].map(
    (path) => ({
      path,
      refused: notTrue,
      allowed: "true: two on one node are lost together",
    }),
  ),
  ...[["authentication"], ["authentication", "jwt"], ["authorization"]].map((keys) => ({
    path: ["auth", ...keys, "enabled"],
    refused: notTrue,
    allowed: "true: without, everybody may read and delete everything",
  })),
  {
    path: ["components", "autorecovery"],
    refused: notTrue,
    allowed: "true: without it nobody copies the ledgers of a lost bookie",
  },
  ...[
    ["volumes", "local_storage"],
    ...["zookeeper", "bookkeeper"].map((component) => [component, "volumes", "*", "local_storage"]),
  ].map((path) => ({ path, refused: notTrue, allowed: "true: the volumes are local" })),
  ...spread.map((component) => ({
    path: [component, "affinity", "type"],
    refused: (type: unknown) => type !== "requiredDuringSchedulingIgnoredDuringExecution",
    allowed: "requiredDuringSchedulingIgnoredDuringExecution: two on one node are lost together",
  })),
  ...placed.map((component) => ({
    path: [component, "resources"],
    refused: always,
    allowed: "nothing: use pulsar:pods, which is checked against the nodes",
  })),
  ...["broker", "proxy"].flatMap((component) =>
    [
      ...["authenticationEnabled", "authenticationProviders", "authorizationEnabled", "authorizationProvider"],
      ...["superUserRoles", "proxyRoles", "anonymousUserRole", "tokenPublicKey", "tokenSecretKey"],
    ].flatMap((key) =>
      [key, `PULSAR_PREFIX_${key}`].map((name) => ({
        path: [component, "configData", name],
        refused: always,
        allowed: "nothing: the program sets authentication and authorization (pulsar:tokens)",
      })),
    ),
  ),
  ...["EnsembleSize", "WriteQuorum", "AckQuorum"].map((key) => ({
    path: ["broker", "configData", `managedLedgerDefault${key}`],
    refused: always,
    allowed: "nothing: use pulsar:ledgers, which is checked against the bookies",
  })),
];

const valueRules: ValueRule[] = [
  ...everywhere.map((rule) => ({ ...rule, where: "everywhere" as const })),
  ...inProduction.map((rule) => ({ ...rule, where: "production" as const })),
];

/** The paths of all nulls, outside lists. In `configData` a null takes out one of the chart's own keys. */
function nullsIn(values: unknown, above: string[] = []): string[][] {
  if (above.at(-2) === "configData") return [];
  if (values === null) return [above];
  return isMap(values) ? Object.entries(values).flatMap(([key, value]) => nullsIn(value, [...above, key])) : [];
}

/** What stands in the place of an object on the way to a path, up to its first `*`: it would replace all that the program sets there. */
function scalarsAbove(
  values: unknown,
  [key, ...rest]: string[],
  above: string[] = [],
): { path: string[]; value: unknown }[] {
  if (key === undefined || key === "*") return [];
  if (!isMap(values)) return values === null ? [] : [{ path: above, value: values }];
  return Object.hasOwn(values, key) ? scalarsAbove(values[key], rest, [...above, key]) : [];
}

function isMap(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** The values at a path with `*` in it. */
function valuesAt(
  values: unknown,
  [key, ...rest]: string[],
  above: string[] = [],
): { path: string[]; value: unknown }[] {
  if (key === undefined) return [{ path: above, value: values }];
  if (typeof values !== "object" || values === null) return [];
  return Object.entries(values)
    .filter(([name]) => key === "*" || name === key)
    .flatMap(([name, value]) => valuesAt(value, rest, [...above, name]));
}
