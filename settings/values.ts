import { isObject, type Value } from "../model/charts/cluster.ts";
import { knownKeys, unknownKeys } from "../model/charts/keys.ts";
import { plainSecrets } from "../model/secretLooks.ts";
import { type Add, keyOf } from "./faults.ts";
import type { Settings } from "./resolve.ts";
import type { Parsed } from "./schema.ts";

/**
 * Faults of chart values that duplicate another setting or break the stack's own objects. Some are faults only in production:
 * `pulsar:environment: test` allows them, and the preview warns of it.
 */
export function valueFaults(settings: Settings, add: Add, _given: Parsed, invalid: readonly string[]) {
  const { production, values } = settings;
  const rules = valueRules.filter(
    ({ where, needs = [] }) => (where === "everywhere" || production) && !needs.some((key) => invalid.includes(key)),
  );
  const faults: { path: PropertyKey[]; problem: string; remedy: string }[] = [
    // First, because the other problems show the value.
    ...plainSecrets(values).map(({ path }) => ({
      path,
      problem: "holds a secret in plain text",
      remedy: secretSettings[path.join(".")] ?? "put it into a Secret of the namespace, and refer to that",
    })),
    ...nullsIn(values).map((path) => ({
      path,
      problem: "null is not allowed, because it removes what the program sets",
      remedy: "use a value, or remove the key",
    })),
    ...rules
      .flatMap((rule) => scalarsAbove(values, rule.path))
      .map(({ path, value }) => ({
        path,
        problem: `${JSON.stringify(value)} is not valid`,
        remedy: "use an object of chart values",
      })),
    ...rules.flatMap(({ path, refused, why, remedy, where }) =>
      valuesAt(values, path)
        .filter(({ path, value }) => refused(value, settings, path.at(-1) ?? ""))
        .map(({ path, value }) => ({
          path,
          problem:
            `${JSON.stringify(value)} is not allowed` +
            (where === "production" ? " in production" : "") +
            (why === undefined ? "" : `, because ${why}`),
          remedy,
        })),
    ),
  ];
  // One fault for each key. The rules of every environment come first.
  const byKey = new Map(faults.reverse().map((fault) => [keyOf(["values", ...fault.path]), fault]));
  for (const [key, { problem, remedy }] of [...byKey].reverse()) add(key, problem, remedy);
}

/** A warning for each key of `values` that the chart does not read: it ignores them silently. */
export function valueWarnings({ values, chart }: Pick<Parsed, "values" | "chart">): string[] {
  return unknownKeys(values, knownKeys(chart.version)).map(
    (path) => `${keyOf(["values", ...path])}: chart ${chart.version} does not read this key`,
  );
}

interface ValueRule {
  /** Keys of the chart's values; `*` matches any key. */
  path: string[];
  refused: (value: unknown, settings: Settings, key: string) => boolean;
  /** The settings that `refused` reads, and that must be valid for it. */
  needs?: (keyof Parsed)[];
  /** The reason, unless the remedy shows it. */
  why?: string;
  remedy: string;
  where: "everywhere" | "production";
}

/** Only true. To Helm, null, "" and 0 are false. */
const notTrue = (value: unknown) => value !== true;
/** Only false. To Helm, any text except "" is true. */
const notFalse = (value: unknown) => value !== false;
const always = () => true;
const other = (usual: string) => (value: unknown) => value !== usual;
const placed = ["zookeeper", "bookkeeper", "broker", "proxy", "autorecovery", "toolset", "pulsar_manager"];
const spread = ["zookeeper", "bookkeeper", "broker", "proxy"];

/** The names of the objects of each chart component. */
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
    why: "volumes, Jobs and addresses are named after pulsar:release",
    remedy: "use pulsar:release",
  })),
  { path: ["namespace"], refused: other(""), remedy: "use pulsar:namespace" },
  {
    path: ["clusterDomain"],
    needs: ["clusterDomain"],
    refused: (domain, { clusterDomain }) => domain !== clusterDomain,
    why: "the racks of the bookies follow pulsar:clusterDomain",
    remedy: "use pulsar:clusterDomain",
  },
  { path: ["namespaceCreate"], refused: notFalse, remedy: "use pulsar:createNamespace" },
  ...Object.entries(componentNames).map(([component, name]) => ({
    path: [component, "component"],
    refused: other(name),
    why: `volumes, Jobs and addresses are named after ${name}`,
    remedy: "remove it",
  })),
  {
    path: ["initialize"],
    refused: notTrue,
    why: "a new cluster would never be initialized",
    remedy: "remove it",
  },
  // Of 4.7.0.
  {
    path: ["standalone", "enabled"],
    refused: notFalse,
    why: "this stack is a cluster (pulsar:layout)",
    remedy: "remove it",
  },
  {
    path: ["auth", "authentication", "jwt", "usingSecretKey"],
    needs: ["tokens"],
    refused: (value, { tokens }) => value !== (tokens.keys === "symmetric"),
    remedy: "use pulsar:tokens.keys (symmetric, asymmetric or ecdsa)",
  },
  // Of 4.7.0.
  {
    path: ["auth", "authentication", "jwt", "generateSecrets", "enabled"],
    refused: notFalse,
    why: "the stack creates keys and tokens (pulsar:tokens)",
    remedy: "remove it",
  },
  {
    path: ["auth", "superUsers"],
    needs: ["tokens", "chart"],
    refused: (value, { tokens }) => {
      const roles: Record<string, unknown> = tokens.roles;
      return Object.entries(value ?? {}).some(([use, role]) => role !== roles[use]);
    },
    why: "tokens and their Secrets are named after pulsar:tokens.roles",
    remedy: "use pulsar:tokens.roles",
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
    remedy: "use pulsar:images.pullSecret",
  },
  ...["zookeeper", "bookkeeper", "broker", "proxy"].map((component) => ({
    path: ["components", component],
    refused: notTrue,
    why: "Pulsar and the stack's Jobs need the component",
    remedy: "remove it",
  })),
  {
    path: ["components", "pulsar_manager"],
    needs: ["chart", "ingress"],
    refused: (value, { line, ingress }) =>
      value !== true && (ingress?.manager !== undefined || line.manager.setUpBy === "stack"),
    why: "pulsar:ingress.manager or the Job that creates its login needs the component",
    remedy: "remove it",
  },
  {
    path: ["*", "configData", "*"],
    refused: (value) => value !== null && typeof value !== "string",
    why: "a ConfigMap holds only text",
    remedy: "put it in quotes",
  },
  {
    path: ["tls", "*"],
    refused: always,
    why: "the stack creates the certificates",
    remedy: "use pulsar:tls",
  },
  // Of 4.7.0.
  ...["function_worker", "oxia", "dekaf"].map((component) => ({
    path: ["components", component],
    needs: ["tls" as const],
    refused: (value: unknown, { tls }: Settings) => tls.enabled && value !== false,
    why: "pulsar:tls does not encrypt the component's connections",
    remedy: "remove it",
  })),
  ...["proxy", "broker", "pulsar_manager"].map((component) => ({
    path: [component, "ports"],
    refused: always,
    why: "the stack's Jobs, addresses and network policies use the chart's own ports",
    remedy: "remove it",
  })),
  {
    path: ["pulsar_manager", "service", "port"],
    refused: (port) => port !== 9527,
    why: "the stack's Jobs, addresses and network policies use port 9527",
    remedy: "remove it",
  },
  ...volumes.flatMap(([component, volume]) => [
    {
      path: [component, "volumes", volume, "name"],
      refused: other(volume),
      why: `the stack creates the claims under the name ${volume}`,
      remedy: "remove it",
    },
    ...["size", "storageClassName", "storageClass"].map((key) => ({
      path: [component, "volumes", volume, key],
      refused: always,
      remedy: `use pulsar:volumes.${key === "size" ? "sizes" : "storageClass"}`,
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
    why: "the stack creates one volume each for ZooKeeper's data, the journal and the ledgers, and no others",
    remedy: "remove it",
  })),
  ...placed.map((component) => ({
    path: [component, "resources"],
    refused: always,
    remedy: "use pulsar:pods, which is checked against the nodes",
  })),
  ...["EnsembleSize", "WriteQuorum", "AckQuorum"].map((key) => ({
    path: ["broker", "configData", `managedLedgerDefault${key}`],
    refused: always,
    remedy: "use pulsar:ledgers, which is checked against the bookies",
  })),
];

function byImages(path: string[]): Omit<ValueRule, "where"> {
  return { path, refused: always, remedy: "use pulsar:images and pulsar:registry" };
}

/** Values that are too risky in production (2.7.7 and 4.7.0). A test environment accepts them, to try out failures. */
const inProduction: Omit<ValueRule, "where">[] = [
  // Only 4.7.0 has the second one.
  ...["service", "adminService"].map((service) => ({
    path: ["pulsar_manager", service, "type"],
    refused: (type: unknown) => type === "LoadBalancer" || type === "NodePort",
    why: "anybody who reaches the manager can become its superuser",
    remedy: "use ClusterIP",
  })),
  {
    path: ["proxy", "service", "type"],
    refused: (type) => type === "LoadBalancer" || type === "NodePort",
    why: "tokens and messages would leave the cluster in plain text",
    remedy: "use pulsar:proxyService, which requires TLS",
  },
  // Of 4.7.0.
  ...["extraVolumes", "extraVolumeMounts"].map((key) => ({
    path: ["pulsar_manager", key],
    refused: always,
    why: "it would replace what keeps others from creating accounts",
    remedy: "remove it",
  })),
  ...["pulsar_manager", "proxy"].map((component) => ({
    path: [component, "ingress", "enabled"],
    refused: notFalse,
    remedy: "use pulsar:ingress, which requires TLS and exposes only a list of paths",
  })),
  // A digest after the tag pins the image, but hides its version.
  {
    path: ["images", "*", "tag"],
    refused: (tag) => /^latest(@|$)/.test(String(tag)),
    remedy: "use a version",
  },
  ...[
    ["persistence"],
    ["volumes", "persistence"],
    ["zookeeper", "volumes", "persistence"],
    ["bookkeeper", "volumes", "persistence"],
  ].map((path) => ({
    path,
    refused: notTrue,
    why: "each start of a bookie would format it",
    remedy: "remove it",
  })),
  ...placed.map((component) => ({
    path: [component, "replicaCount"],
    refused: always,
    remedy: "use pulsar:replicas, which is checked against the nodes",
  })),
  ...placed.flatMap((component) =>
    ["nodeSelector", "tolerations"].map((key) => ({
      path: [component, key],
      refused: always,
      why: "the layout places the pods",
      remedy: "remove it",
    })),
  ),
  ...[["affinity", "anti_affinity"], ...spread.map((component) => [component, "affinity", "anti_affinity"])].map(
    (path) => ({
      path,
      refused: notTrue,
      why: "two pods on one node would be lost together",
      remedy: "remove it",
    }),
  ),
  ...[["authentication"], ["authentication", "jwt"], ["authorization"]].map((keys) => ({
    path: ["auth", ...keys, "enabled"],
    refused: notTrue,
    why: "everybody could read and delete everything",
    remedy: "remove it",
  })),
  {
    path: ["components", "autorecovery"],
    refused: notTrue,
    why: "the ledgers of a lost bookie would not be replicated again",
    remedy: "remove it",
  },
  ...[
    ["volumes", "local_storage"],
    ...["zookeeper", "bookkeeper"].map((component) => [component, "volumes", "*", "local_storage"]),
  ].map((path) => ({ path, refused: notTrue, why: "the volumes are local", remedy: "remove it" })),
  ...spread.map((component) => ({
    path: [component, "affinity", "type"],
    refused: (type: unknown) => type !== "requiredDuringSchedulingIgnoredDuringExecution",
    why: "two pods on one node would be lost together",
    remedy: "use requiredDuringSchedulingIgnoredDuringExecution",
  })),
  {
    path: ["*", "configData", "*"],
    needs: ["tls"],
    refused: (_value, { tls }, key) => tls.enabled && encryption.test(key),
    why: "connections would not be encrypted or not be checked (pulsar:tls)",
    remedy: "remove it",
  },
  ...["broker", "proxy"].flatMap((component) =>
    [
      ...["authenticationEnabled", "authenticationProviders", "authorizationEnabled", "authorizationProvider"],
      ...["superUserRoles", "proxyRoles", "anonymousUserRole", "tokenPublicKey", "tokenSecretKey"],
    ].flatMap((key) =>
      [key, `PULSAR_PREFIX_${key}`].map((name) => ({
        path: [component, "configData", name],
        refused: always,
        why: "the program sets authentication and authorization (pulsar:tokens)",
        remedy: "remove it",
      })),
    ),
  ),
];

/** Settings of the components, with any prefix, by which connections are encrypted and both ends are checked. Others, such as ciphers, are free. */
const encryption =
  /AllowInsecureConnection|HostnameVerification|tlsEnabled|useTls|tlsClientAuthentication|tlsProviderFactory|tlsTrust|RequireTrustedClientCert|ServicePort$|clientPort|bookieAuthProvider|authorizedRoles|serverCnxnFactory|sslQuorum|portUnification/i;

const valueRules: ValueRule[] = [
  ...everywhere.map((rule) => ({ ...rule, where: "everywhere" as const })),
  ...inProduction.map((rule) => ({ ...rule, where: "production" as const })),
];

/** What to do instead with the secrets that settings of their own exist for. */
const secretSettings: Partial<Record<string, string>> = {
  "pulsar_manager.admin.password": "use pulsar:managerPassword (pulumi config set --secret)",
  "pulsar_manager.admin.ui_password": "use pulsar:managerPassword (pulumi config set --secret)",
  "pulsar_manager.admin.db_password": "use pulsar:managerDatabasePassword (pulumi config set --secret)",
};

/** The paths of all nulls, outside lists. In `configData`, a null removes one of the chart's own keys. */
function nullsIn(values: Value | undefined, above: string[] = []): string[][] {
  if (above.at(-2) === "configData") return [];
  if (values === null) return [above];
  return isObject(values) ? Object.entries(values).flatMap(([key, value]) => nullsIn(value, [...above, key])) : [];
}

/** Scalars and lists instead of an object on a path, up to its first `*`: they would replace everything that the program sets there. */
function scalarsAbove(
  values: Value | undefined,
  [key, ...rest]: string[],
  above: string[] = [],
): { path: string[]; value: unknown }[] {
  if (key === undefined || key === "*") return [];
  if (!isObject(values)) return values === null ? [] : [{ path: above, value: values }];
  return Object.hasOwn(values, key) ? scalarsAbove(values[key], rest, [...above, key]) : [];
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
