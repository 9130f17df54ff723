import { isDeepStrictEqual } from "node:util";
import type { Props } from "../protocol.ts";
import { UNKNOWN } from "../protocol.ts";
import { Api } from "./api.ts";
import { type Choice, type Kubeconfig, loadKubeconfig, Unreadable } from "./kubeconfig.ts";

/** The provider's settings that have an effect here. Other settings of the official plugin are ignored. */
export interface Settings extends Choice {
  namespace?: string;
  enablePatchForce: boolean;
  upsertExistingObjects: boolean;
  enableSecretMutable: boolean;
  enableConfigMapMutable: boolean;
  /** Limit for a request in seconds. 0: none. */
  clientTimeoutSeconds: number;
}

/** The cluster of the resources, or the reason why it is unreachable. */
export interface Cluster {
  settings: Settings;
  /** Namespace of objects without one. */
  defaultNamespace: string;
  connection: { api: Api; kubeconfig: Kubeconfig } | { unreachable: string };
}

/**
 * Reads the provider's configuration. Every value may be a string, as in `pulumi config`. As with the official plugin, environment variables can
 * set flags.
 * @throws Error for a setting that would change what happens and is not implemented.
 */
export function settingsOf(config: Props, environment: Record<string, string | undefined> = process.env): Settings {
  const word = (name: string): string | undefined => {
    const value = config[name];
    return typeof value === "string" && value !== "" ? value : undefined;
  };
  const flag = (name: string, variable: string): boolean =>
    [true, "true"].includes((config[name] ?? environment[`PULUMI_K8S_${variable}`]) as boolean | string);
  if (word("renderYamlToDirectory")) {
    throw new Error("kubernetes:renderYamlToDirectory: not implemented by the stand-in of the kubernetes plugin");
  }
  return {
    kubeconfig: word("kubeconfig"),
    context: word("context"),
    cluster: word("cluster"),
    namespace: word("namespace"),
    enablePatchForce: flag("enablePatchForce", "ENABLE_PATCH_FORCE"),
    upsertExistingObjects: flag("upsertExistingObjects", "UPSERT_EXISTING_OBJECTS"),
    enableSecretMutable: flag("enableSecretMutable", "ENABLE_SECRET_MUTABLE"),
    enableConfigMapMutable: flag("enableConfigMapMutable", "ENABLE_CONFIGMAP_MUTABLE"),
    clientTimeoutSeconds: clientTimeout(config.kubeClientSettings),
  };
}

function clientTimeout(settings: unknown): number {
  const parsed: unknown = typeof settings === "string" ? JSON.parse(settings) : settings;
  const { timeout } = (parsed ?? {}) as { timeout?: unknown };
  return Number(timeout ?? 0);
}

/** Connects to the cluster. An unreachable one is no error yet, because a preview works without a cluster. */
export async function connect(settings: Settings): Promise<Cluster> {
  const unreachable = (reason: string): Cluster => ({
    settings,
    defaultNamespace: settings.namespace ?? "default",
    connection: { unreachable: reason.replaceAll(/\s*\n\s*/g, " ") },
  });
  let kubeconfig: Kubeconfig;
  try {
    kubeconfig = loadKubeconfig(settings);
  } catch (error) {
    return unreachable(`unable to load Kubernetes client configuration: ${reasonOf(error)}`);
  }
  const api = new Api(kubeconfig, settings.clientTimeoutSeconds);
  const defaultNamespace = settings.namespace ?? kubeconfig.context.namespace ?? "default";
  try {
    await api.resources("v1");
  } catch (error) {
    return {
      ...unreachable(`unable to load schema information from the API server: ${reasonOf(error)}`),
      defaultNamespace,
    };
  }
  return { settings, defaultNamespace, connection: { api, kubeconfig } };
}

/**
 * Settings whose change replaces the provider and with it every resource: another cluster behind the kubeconfig and context.
 * `clusterIdentifier`, when set and unchanged, says that it is still the same cluster.
 */
export function providerReplaces(olds: Props, news: Props): string[] {
  if (isDeepStrictEqual(olds, news)) return [];
  const identifiers = [olds.clusterIdentifier, news.clusterIdentifier];
  const isSame = news.clusterIdentifier !== undefined && isDeepStrictEqual(identifiers[0], identifiers[1]);
  const replaces = identifiers.includes(undefined) ? [] : ["clusterIdentifier"];
  const keys = ["kubeconfig", "context", "cluster"];
  const unknown = keys.find((key) => news[key] === UNKNOWN);
  if (unknown) return isSame ? [] : [...replaces, unknown];
  const [before, after] = [activeCluster(olds), activeCluster(news)];
  if (isSame) return [];
  if (!before || !after || isDeepStrictEqual(before, after)) return replaces;
  return [...replaces, ...keys.filter((key) => !isDeepStrictEqual(olds[key], news[key]))];
}

/**
 * The cluster entry that explicit settings lead to; `undefined` when they leave it to the environment or lead nowhere.
 * @throws Error for a kubeconfig that cannot be read, also for the one that was used before (the plugin, 4.32)
 */
function activeCluster(config: Props): unknown {
  const settings = settingsOf(config, {});
  if (settings.kubeconfig === undefined) return undefined;
  try {
    return loadKubeconfig(settings).cluster;
  } catch (error) {
    if (error instanceof Unreadable) throw error;
    return undefined;
  }
}

/** The API of a reachable cluster. @throws Error with the reason if it is unreachable */
export function reachable({ connection }: Cluster): Api {
  if ("unreachable" in connection) {
    throw new Error(`configured Kubernetes cluster is unreachable: ${connection.unreachable}`);
  }
  return connection.api;
}

export function reasonOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
