import { readFile } from "node:fs/promises";
import { homedir } from "node:os";
import path from "node:path";
// Types only: the library takes a third of a second to load, which a preview that queries no cluster should not spend.
import type { Configuration, CoreV1Api, CustomObjectsApi, KubeConfig, VersionApi } from "@kubernetes/client-node";
import * as pulumi from "@pulumi/pulumi";
import type { ClusterRef } from "../../model/clusterRef.ts";
import { fault, firstLine } from "../kit/fault.ts";

/** A cluster that can be queried; `ask` turns its errors into one line. */
export interface Cluster {
  context: string;
  /** Address of the API server. */
  server: string;
  config: KubeConfig;
  api: CoreV1Api;
  version: VersionApi;
  /** The kinds that the API server knows besides the built-in ones. */
  kinds: CustomObjectsApi;
  /** Another API of the cluster, with the same limit for each request. `config.makeApiClient` has none. */
  client<Api>(type: new (configuration: Configuration) => Api): Api;
}

/** How long one request may take, the TLS handshake included, before the API server counts as unreachable. */
const defaultLimitSeconds = 10;

/**
 * A client for the cluster that `ref` names; it sends nothing yet.
 * @param limitSeconds how long one request may take
 * @throws Error of one line: no kubeconfig, one that cannot be read, or a context that it does not contain (with those that it contains)
 */
export async function connect(ref: ClusterRef, limitSeconds = defaultLimitSeconds): Promise<Cluster> {
  const { CoreV1Api, CustomObjectsApi, ServerConfiguration, VersionApi, createConfiguration } =
    await import("@kubernetes/client-node");
  const { config, files } = await loadKubeconfig(ref);
  const context = pickContext(config, ref, files);
  config.setCurrentContext(context);
  const cluster = config.getCurrentCluster();
  if (cluster === null) {
    throw fault(
      `kubeconfig ${files}: context "${context}" names a cluster that it does not have; add the cluster, or use another context`,
    );
  }
  const configuration = createConfiguration({
    baseServer: new ServerConfiguration(cluster.server, {}),
    authMethods: { default: config },
    promiseMiddleware: [
      {
        pre: async (request) => {
          request.setSignal(AbortSignal.timeout(limitSeconds * 1000));
          return request;
        },
        post: async (response) => response,
      },
    ],
  });
  return {
    context,
    server: cluster.server,
    config,
    api: new CoreV1Api(configuration),
    version: new VersionApi(configuration),
    kinds: new CustomObjectsApi(configuration),
    client: (type) => new type(configuration),
  };
}

/**
 * The answer of the cluster's API.
 * @throws Error of one line that names the API server and the context; `code` holds the HTTP status when there was one
 */
export async function ask<T>(cluster: Cluster, question: (api: CoreV1Api) => Promise<T>): Promise<T> {
  try {
    return await question(cluster.api);
  } catch (error) {
    throw faultOf(cluster, error);
  }
}

/** How long a preview waits for a cluster that does not answer. */
const previewSeconds = 3;

/** How a check asks a cluster. */
export interface AskingOptions {
  /** Whether this is a preview, which need not reach the cluster. */
  dryRun?: boolean;
  /** How long the cluster has to answer in a preview. */
  seconds?: number;
  /** Receives the reason why a preview has no answer. */
  unasked?: (reason: string) => void;
}

/**
 * The answer of a cluster to a check. Undefined in a preview whose stack names no cluster, or whose cluster does not answer in time.
 * @throws Error of one line, except in a preview, if the cluster could not be queried
 */
export async function answerOf<T>(
  ref: ClusterRef,
  question: (cluster: Cluster) => Promise<T>,
  { dryRun = pulumi.runtime.isDryRun(), seconds = previewSeconds, unasked }: AskingOptions = {},
): Promise<T | undefined> {
  if (!dryRun) return question(await connect(ref));
  if (ref.context === undefined && ref.kubeconfig === undefined) {
    unasked?.("the stack sets no kubernetes:context");
    return undefined;
  }
  return connect(ref, seconds)
    .then(question)
    .catch((error: unknown) => {
      unasked?.(firstLine(error));
      return undefined;
    });
}

/** The HTTP status of the answer, if `error` is an error of `ask` with one. */
export function statusOf(error: unknown): number | undefined {
  // A DOMException, such as a timeout, has a small number of its own there.
  return error instanceof Error && "code" in error && Number(error.code) >= 100 ? Number(error.code) : undefined;
}

/** For the `catch` of an `ask`: undefined where the object does not exist (404); throws any other error. */
export function unlessMissing(error: unknown): undefined {
  if (statusOf(error) === 404) return undefined;
  throw error;
}

/**
 * The kubeconfig by kubectl's rules (client-go's ClientConfigLoadingRules): of several files in KUBECONFIG, missing ones are skipped and the first one
 * that sets a value wins. In the library's own loader the last one wins, and a name that occurs twice is an error.
 */
async function loadKubeconfig(ref: ClusterRef): Promise<{ config: KubeConfig; files: string }> {
  const { KubeConfig } = await import("@kubernetes/client-node");
  const home = path.join(homedir(), ".kube", "config");
  const listed = (process.env.KUBECONFIG ?? "").split(path.delimiter).filter((file) => file !== "");
  const files =
    ref.kubeconfig !== undefined
      ? [ref.kubeconfig.replace(/^~(?=\/)/, homedir())]
      : listed.length > 0
        ? listed
        : [home];
  const parts: KubeConfig[] = [];
  for (const file of files) {
    try {
      const text = await readFile(file, "utf8");
      const part = new KubeConfig();
      part.loadFromString(text.trim() === "" ? "{}" : text);
      part.makePathsAbsolute(path.resolve(path.dirname(file)));
      parts.push(part);
    } catch (error) {
      if (error instanceof Error && "code" in error && error.code === "ENOENT") continue;
      throw fault(`kubeconfig ${file}: cannot be read (${firstLine(error)}); fix it, or use another`);
    }
  }
  if (parts.length === 0) {
    const origin = ref.kubeconfig === undefined && listed.length > 0 ? " (from KUBECONFIG)" : "";
    throw fault(`kubeconfig ${files.join(", ")}${origin}: does not exist; create it, or use another`);
  }
  const firstOfEachName = <T extends { name: string }>(items: T[]) =>
    items.filter((item, index) => items.findIndex((other) => other.name === item.name) === index);
  const config = new KubeConfig();
  config.loadFromOptions({
    clusters: firstOfEachName(parts.flatMap((part) => part.clusters)),
    contexts: firstOfEachName(parts.flatMap((part) => part.contexts)),
    users: firstOfEachName(parts.flatMap((part) => part.users)),
    currentContext: parts.map((part) => part.currentContext).find((name) => Boolean(name)),
  });
  return { config, files: files.join(", ") };
}

function pickContext(config: KubeConfig, ref: ClusterRef, files: string): string {
  const names = config.contexts.map((context) => context.name);
  const remedy = names.length > 0 ? `use ${names.join(", ")}` : "it has none, so use another kubeconfig";
  const wanted = ref.context ?? config.currentContext;
  if (!wanted) throw fault(`kubeconfig ${files}: has no current context; ${remedy}`);
  if (!names.includes(wanted)) throw fault(`kubeconfig ${files}: has no context "${wanted}"; ${remedy}`);
  return wanted;
}

function faultOf(cluster: Cluster, error: unknown): Error {
  const server = `the API server ${cluster.server} of context "${cluster.context}"`;
  const checks = `check it with kubectl --context ${cluster.context} version`;
  const code = statusOf(error);
  if (code === 401) return fault(`${server} does not accept the credentials; log in again`, code);
  if (code !== undefined) {
    const remedy =
      code === 403 ? "grant the context's user this permission" : "fix the cause, then run the command again";
    return fault(`${server} answers ${code}: ${reasonOf(error)}; ${remedy}`, code);
  }
  if (error instanceof Error && error.name === "TimeoutError")
    return fault(`${server} does not answer in time; ${checks}`);
  // Its message quotes what was read: the output of a credential plugin, perhaps a token.
  if (error instanceof SyntaxError)
    return fault(`${server} cannot be queried: it or a credential plugin does not return JSON; ${checks}`);
  const cause = error instanceof Error ? error.cause : undefined;
  if (!(cause instanceof Error)) return fault(`${server} cannot be queried: ${firstLine(error)}; ${checks}`);
  // A host name with several addresses fails with an AggregateError, which has a code but no message.
  const reason = firstLine(cause) || ("code" in cause ? String(cause.code) : cause.name);
  return fault(`${server} cannot be reached: ${reason}; ${checks}`);
}

/** The message in the `Status` object with which the API server refuses a request. */
function reasonOf(refusal: unknown): string {
  const body = refusal instanceof Error && "body" in refusal ? refusal.body : undefined;
  try {
    const status: unknown = typeof body === "string" ? JSON.parse(body) : body;
    if (typeof status === "object" && status !== null && "message" in status) return firstLine(status.message);
  } catch {
    // A proxy in front of the API server answers in another form, perhaps with a whole page.
  }
  return "no reason given";
}
