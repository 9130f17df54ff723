import * as pulumi from "@pulumi/pulumi";
import type { Ledgers, PulsarCluster } from "../model/charts/cluster.ts";
import { fault } from "../resources/kit/fault.ts";
import { type PodSizes, podSizes } from "../model/sizing.ts";
import type { TenantSettings } from "../model/tenants.ts";
import type { IngressSettings } from "../model/ingress.ts";
import { chartSourceFaults } from "./chartSource.ts";
import { contradictions } from "./contradictions.ts";
import { expiryFaults, expiryWarnings } from "./expiry.ts";
import { type Fault, faultsOf, keyOf, message } from "./faults.ts";
import { pullWarnings } from "./pullCredentials.ts";
import {
  allNodes,
  claimsOf,
  imagesOf,
  isProduction,
  ledgersOf,
  networkPoliciesOf,
  type NodeGroups,
  nodeGroupsOf,
  nodeSizesOf,
  otherNodesOf,
  replicasOf,
  rolesOf,
  type SettingsNode,
  tenantsOf,
  ingressOf,
} from "./resolved.ts";
import { isText, type Parsed, schema, type SecretKey, secretKeys, soundPart } from "./schema.ts";
import { valueWarnings } from "./values.ts";

const secretKeySet: ReadonlySet<string> = new Set(secretKeys);

/** The cluster the stack may touch, from `kubernetes:*`. */
export interface ClusterSettings {
  /** Name of the kubeconfig's context. */
  context?: string;
  /** Path of a kubeconfig; default: as kubectl finds it. Contents are refused: they would put credentials into the state. */
  kubeconfig?: string;
}

/** The stack's configuration, checked, with every default filled in; secrets as secret outputs. */
export type Settings = Omit<
  Parsed,
  | SecretKey
  | "environment"
  | "nodes"
  | "nodeGroups"
  | "images"
  | "tokens"
  | "replicas"
  | "ledgers"
  | "pods"
  | "manager"
  | "managerDatabase"
  | "networkPolicies"
  | "tenants"
  | "adoptedTenants"
  | "ingress"
> & {
  cluster: ClusterSettings;
  /** Whether data is protected and what is too risky is refused. */
  production: boolean;
  /** Every node the settings name, in order. In the mixed layout ordinal i of ZooKeeper and of the bookies lives on node i. */
  nodes: SettingsNode[];
  /** The nodes of the dedicated layout, in order; empty in the mixed one. */
  nodeGroups: NodeGroups;
  /** Nodes of the cluster besides these, without taint. */
  otherNodes: ReturnType<typeof otherNodesOf>;
  /** With the registry before them. */
  images: PulsarCluster["images"];
  tokens: Omit<Parsed["tokens"], "roles"> & { roles: ReturnType<typeof rolesOf> };
  /** What the tokens say. */
  claims: ReturnType<typeof claimsOf>;
  replicas: ReturnType<typeof replicasOf>;
  ledgers: Ledgers;
  /** What is to be in Pulsar. */
  tenants: TenantSettings[];
  pods: PodSizes;
  networkPolicies: ReturnType<typeof networkPoliciesOf>;
  /** A Docker configuration as JSON text. */
  imagePullCredentials?: pulumi.Output<string>;
  /** What people log in to Pulsar Manager with. */
  managerLogin: { user: string; password: pulumi.Output<string> };
  managerDatabase: Omit<Parsed["managerDatabase"], "admin"> & {
    password: pulumi.Output<string>;
    /** Set unless role and database are made by somebody else. */
    admin?: Parsed["managerDatabase"]["admin"] & { password: pulumi.Output<string> };
  };
  /** Undefined if the settings name no host. */
  ingress?: IngressSettings;
  /** What the preview warns of. */
  warnings: string[];
};

/** The configuration as Pulumi hands it to a program: every value text, objects and lists as JSON, keys with their namespace. */
export interface RawConfig {
  values: Readonly<Record<string, string>>;
  /** Keys whose value is encrypted in the stack file. */
  encrypted: readonly string[];
}

/**
 * Checks the whole configuration of a stack at once.
 *
 * @param dryRun at preview a stack need not name its cluster; for a real `up` it must.
 * @param around what the settings are checked against besides: without the time, the days on which tokens expire are not checked; without the
 * folder of Pulumi.yaml, a chart on disk is not
 * @throws pulumi.RunError one message with every fault, each with its key, the problem (never a secret) and the remedy
 */
export function parseSettings(
  config: RawConfig,
  stack: string,
  dryRun: boolean,
  { now, folder }: { now?: Date; folder?: string } = {},
): Settings {
  const { raw, faults } = ownKeys(config);
  const parsed = schema.safeParse(raw);
  if (!parsed.success) faults.push(...faultsOf(parsed.error.issues, raw, secretKeySet));
  const sound = soundPart(raw);
  faults.push(...contradictions(sound));
  if (now !== undefined) faults.push(...expiryFaults(sound, now));
  if (folder !== undefined) faults.push(...chartSourceFaults(sound, folder));
  const cluster = clusterSettings(config, dryRun, faults);
  if (!parsed.success || faults.length > 0) throw fault(message(faults, stack));

  const { imagePullCredentials, managerPassword, managerDatabasePassword, managerDatabaseAdminPassword, ...settled } =
    parsed.data;
  const { manager, ingress, ...plain } = settled;
  const { tokens, managerDatabase } = plain;
  return {
    ...plain,
    cluster,
    production: isProduction(plain),
    nodes: allNodes(plain),
    nodeGroups: nodeGroupsOf(plain),
    otherNodes: otherNodesOf(plain),
    images: imagesOf(plain),
    tokens: { ...tokens, roles: rolesOf(plain) },
    claims: claimsOf(plain),
    replicas: replicasOf(plain),
    ledgers: ledgersOf(plain),
    tenants: tenantsOf(plain),
    pods: podSizes(plain.pods, nodeSizesOf(plain)),
    networkPolicies: networkPoliciesOf(plain),
    imagePullCredentials: imagePullCredentials === undefined ? undefined : pulumi.secret(imagePullCredentials),
    managerLogin: { user: manager.user, password: pulumi.secret(managerPassword) },
    managerDatabase: {
      ...managerDatabase,
      password: pulumi.secret(managerDatabasePassword),
      admin:
        managerDatabaseAdminPassword === undefined
          ? undefined
          : { ...managerDatabase.admin, password: pulumi.secret(managerDatabaseAdminPassword) },
    },
    ingress: ingressOf({ ingress }),
    warnings: [...pullWarnings(parsed.data), ...valueWarnings(parsed.data)],
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
  const now = new Date();
  const settings = parseSettings({ values, encrypted }, pulumi.getStack(), pulumi.runtime.isDryRun(), {
    now,
    folder: process.cwd(),
  });
  if (settings.layout === "dedicated" && !settings.production) {
    void pulumi.log.warn(
      "pulsar:environment is test: nothing of this stack is protected, and what production refuses is let through",
    );
  }
  for (const line of [...settings.warnings, ...expiryWarnings(settings, now)]) void pulumi.log.warn(line);
  return settings;
}

/** The `pulsar:` keys as typed values, and the faults of their form: unreadable JSON, secrets in plain text, encrypted plain settings. */
function ownKeys(config: RawConfig): { raw: Record<string, unknown>; faults: Fault[] } {
  const raw: Record<string, unknown> = {};
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
          problem: "is in plain text",
          remedy: `encrypt it (pulumi config set --secret ${fullKey})`,
        });
      }
      raw[key] = text;
    } else if (encrypted) {
      faults.push({
        key: fullKey,
        problem: "is encrypted",
        remedy: `set it in plain text: only ${secretKeys.map((secret) => keyOf([secret])).join(", ")} are secrets`,
      });
    } else {
      raw[key] = typed(key, text);
    }
  }
  return { raw, faults };
}

/** Values that are no strings arrive as JSON; what does not parse stays text and fails the schema with what is allowed there. */
function typed(key: string, text: string): unknown {
  if (isText(key)) return text;
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return text;
  }
}

function clusterSettings(config: RawConfig, dryRun: boolean, faults: Fault[]): ClusterSettings {
  const context = config.values["kubernetes:context"] || undefined;
  const kubeconfig = config.values["kubernetes:kubeconfig"] || undefined;
  if (kubeconfig !== undefined && /[\n{]/.test(kubeconfig)) {
    faults.push({
      key: "kubernetes:kubeconfig",
      problem: "holds the contents of a kubeconfig, which would put the cluster's credentials into the state",
      remedy: "use the path of a kubeconfig",
    });
    return { context };
  }
  if (!dryRun && context === undefined && kubeconfig === undefined) {
    faults.push({
      key: "kubernetes:context",
      problem: "is not set",
      remedy: "set the kubeconfig context of the cluster that this stack may change",
    });
  }
  return { context, kubeconfig };
}
