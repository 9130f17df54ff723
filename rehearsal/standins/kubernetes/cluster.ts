import { isDeepStrictEqual } from "node:util";
import type { Props } from "../protocol.ts";
import { UNKNOWN } from "../protocol.ts";
import { Api } from "./api.ts";
import { type Choice, type Kubeconfig, loadKubeconfig, Unreadable } from "./kubeconfig.ts";
import { text } from "./kinds.ts";

/** The settings of the stack's provider. */
export interface Settings extends Choice {
  enableSecretMutable: boolean;
}

/** The cluster of the resources, or the reason why it is unreachable. */
export interface Cluster {
  settings: Settings;
  /** Namespace of objects without one. */
  defaultNamespace: string;
  connection: { api: Api; kubeconfig: Kubeconfig } | { unreachable: string };
}

const notImplemented = ["cluster", "enableConfigMapMutable", "enablePatchForce", "namespace", "renderYamlToDirectory"];

/**
 * Reads the provider's configuration, whose values may be strings, as in `pulumi config`. Settings that change nothing here are ignored.
 * @throws Error for a setting that would change what happens and is not implemented.
 */
export function settingsOf(config: Props): Settings {
  const flag = (name: string): boolean => [true, "true"].includes(config[name] as boolean | string);
  const unknown = notImplemented.find((name) => flag(name) || !["", "false"].includes(text(config[name])));
  if (unknown !== undefined) {
    throw new Error(`kubernetes:${unknown}: not implemented by the stand-in of the kubernetes plugin`);
  }
  if (!flag("upsertExistingObjects")) {
    throw new Error("kubernetes:upsertExistingObjects: the stand-in of the kubernetes plugin needs true");
  }
  return { ...choiceOf(config), enableSecretMutable: flag("enableSecretMutable") };
}

function choiceOf({ kubeconfig, context }: Props): Choice {
  return { kubeconfig: text(kubeconfig) || undefined, context: text(context) || undefined };
}

/** Connects to the cluster. An unreachable one is no error yet, because a preview works without a cluster. */
export async function connect(settings: Settings): Promise<Cluster> {
  const unreachable = (reason: string): Cluster => ({
    settings,
    defaultNamespace: "default",
    connection: { unreachable: reason.replaceAll(/\s*\n\s*/g, " ") },
  });
  let kubeconfig: Kubeconfig;
  try {
    kubeconfig = loadKubeconfig(settings);
  } catch (error) {
    return unreachable(`unable to load Kubernetes client configuration: ${reasonOf(error)}`);
  }
  const api = new Api(kubeconfig);
  const defaultNamespace = kubeconfig.context.namespace ?? "default";
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
  const keys = ["kubeconfig", "context"];
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
  const choice = choiceOf(config);
  if (choice.kubeconfig === undefined) return undefined;
  try {
    return loadKubeconfig(choice).cluster;
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
