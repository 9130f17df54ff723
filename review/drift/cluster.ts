/** Reads objects of a cluster, and applies them in dry runs. It sends no request that changes anything. */
import { Agent as HttpAgent, type OutgoingHttpHeaders, request as httpRequest } from "node:http";
import { Agent as HttpsAgent, request as httpsRequest, type RequestOptions } from "node:https";
import { text } from "node:stream/consumers";
import type { ClusterRef } from "../../model/clusterRef.ts";
import { ask, connect, statusOf, unlessMissing } from "../../resources/kubernetes/connection.ts";
import type { LiveObject } from "./compare.ts";

/** How many requests are sent at a time. */
const parallelRequests = 16;

/** How long one request may take, in milliseconds. */
const limit = 30_000;

/** The identity of an object. */
type Identity = Pick<LiveObject, "apiVersion" | "kind"> & { metadata: { name: string; namespace?: string } };

export interface LiveCluster {
  /** The object with its namespace: the given one if it has none, and none for a kind without namespaces. */
  placed(object: LiveObject, namespace: string): Promise<LiveObject>;
  /** The live objects, in the order of those asked for; undefined for one that does not exist. */
  find(objects: readonly Identity[]): Promise<(LiveObject | undefined)[]>;
  /** The objects of a core kind with these labels, only their metadata. */
  list(path: string, labelSelector: string): Promise<Pick<LiveObject, "metadata">[]>;
  get(path: string): Promise<unknown>;
  /**
   * The answer to a dry run of a server-side apply that takes over fields of others. If the server refuses the object, because an immutable field of
   * the live one differs: the answer for an object of another name; undefined if the server refuses that too, or a webhook does not support dry runs.
   */
  dryRun(object: LiveObject, fieldManager: string): Promise<LiveObject | undefined>;
}

interface Kind {
  /** Its name in paths: `statefulsets`. */
  name: string;
  kind: string;
  namespaced: boolean;
}

/** @throws Error of one line if the kubeconfig cannot be used; its methods throw one if the API server cannot be queried */
export async function openCluster(ref: ClusterRef): Promise<LiveCluster> {
  const cluster = await connect(ref);
  const server = new URL(cluster.server);
  const secure = server.protocol === "https:";
  const access: RequestOptions = {};
  await cluster.config.applyToHTTPSOptions(access);
  // The client library (2.0.1) opens a connection for each request, and the TLS handshakes take longer than the requests.
  // The agent of a proxy stays.
  const agent = cluster.config.getCurrentCluster()?.proxyUrl
    ? access.agent
    : new (secure ? HttpsAgent : HttpAgent)({ keepAlive: true, maxSockets: parallelRequests });
  const kinds = new Map<string, Promise<Kind[]>>();

  const send = async (
    method: "GET" | "PATCH",
    path: string,
    { body, accept = "application/json" }: { body?: unknown; accept?: string } = {},
  ): Promise<unknown> =>
    ask(cluster, async () => {
      const content = body === undefined ? undefined : JSON.stringify(body);
      const headers = {
        ...(access.headers as OutgoingHttpHeaders),
        accept,
        // JSON is YAML.
        ...(content !== undefined && { "content-type": "application/apply-patch+yaml" }),
      };
      const url = new URL(server.pathname.replace(/\/$/, "") + path, server);
      const { status, answer } = await exchange(secure, url, { ...access, agent, method, headers }, content);
      if (status >= 400)
        throw Object.assign(new Error(`HTTP status ${String(status)}`), { code: status, body: answer });
      return JSON.parse(answer) as unknown;
    });

  const kindsOf = (apiVersion: string): Promise<Kind[]> => {
    const known = kinds.get(apiVersion);
    if (known !== undefined) return known;
    const found = send("GET", groupPath(apiVersion))
      .then((answer) => (answer as { resources: Kind[] }).resources)
      // The CustomResourceDefinition of the group may have been deleted.
      .catch((error: unknown) => {
        unlessMissing(error);
        return [];
      });
    kinds.set(apiVersion, found);
    return found;
  };
  const kindOf = async ({ apiVersion, kind }: Identity) =>
    (await kindsOf(apiVersion)).find((one) => one.kind === kind && !one.name.includes("/"));
  /** Path of the collection that holds an object; undefined for a kind that the server does not serve. */
  const collectionOf = async (object: Identity): Promise<string | undefined> => {
    const served = await kindOf(object);
    if (served === undefined) return undefined;
    const { apiVersion, metadata } = object;
    const within = served.namespaced ? `/namespaces/${metadata.namespace ?? "default"}` : "";
    return `${groupPath(apiVersion)}${within}/${served.name}`;
  };

  const dryRun = async (object: LiveObject, fieldManager: string): Promise<LiveObject | undefined> => {
    const path = `${(await collectionOf(object)) ?? ""}/${object.metadata.name}`;
    const query = new URLSearchParams({ dryRun: "All", force: "true", fieldManager });
    try {
      return (await send("PATCH", `${path}?${query.toString()}`, { body: object })) as LiveObject;
    } catch (error) {
      // 400 is also the answer for a webhook with side effects, 422 that for a changed immutable field.
      if ([400, 422].includes(statusOf(error) ?? 0)) return undefined;
      throw error;
    }
  };

  return {
    async placed(object, namespace) {
      const { namespace: given = namespace, ...metadata } = object.metadata;
      const namespaced = (await kindOf(object))?.namespaced ?? true;
      return { ...object, metadata: { ...metadata, ...(namespaced && { namespace: given }) } };
    },
    async find(objects) {
      const paths = await Promise.all(objects.map(collectionOf));
      const lists = new Map(
        await Promise.all(
          [...new Set(paths)].map(async (path): Promise<[string | undefined, Map<string, LiveObject>]> => {
            if (path === undefined) return [path, new Map()];
            // Helm's records are large.
            const selector = path.endsWith("/secrets") ? "?fieldSelector=type!%3Dhelm.sh%2Frelease.v1" : "";
            const { items } = (await send("GET", `${path}${selector}`)) as { items: LiveObject[] };
            return [path, new Map(items.map((item) => [item.metadata.name, item]))];
          }),
        ),
      );
      return objects.map(({ apiVersion, kind, metadata }, index) => {
        const found = lists.get(paths[index])?.get(metadata.name);
        // The items of a list do not name their kind.
        return found && { ...found, apiVersion, kind };
      });
    },
    async list(path, labelSelector) {
      const accept = "application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1";
      const answer = await send("GET", `${path}?labelSelector=${encodeURIComponent(labelSelector)}`, { accept });
      return (answer as { items: Pick<LiveObject, "metadata">[] | null }).items ?? [];
    },
    get: (path) => send("GET", path),
    async dryRun(object, fieldManager) {
      const { metadata } = object;
      const again = { ...object, metadata: { ...metadata, name: `${metadata.name}-drift` } };
      return (await dryRun(object, fieldManager)) ?? dryRun(again, fieldManager);
    },
  };
}

async function exchange(
  secure: boolean,
  url: URL,
  options: RequestOptions,
  content: string | undefined,
): Promise<{ status: number; answer: string }> {
  return new Promise((resolve, reject) => {
    const failed = (error: Error) => {
      reject(new Error(error.message, { cause: error }));
    };
    const sent = (secure ? httpsRequest : httpRequest)(url, { ...options, timeout: limit }, (response) => {
      text(response).then((answer) => {
        resolve({ status: response.statusCode ?? 0, answer });
      }, failed);
    });
    sent.on("error", failed);
    sent.on("timeout", () => sent.destroy(new Error("no answer in time")));
    sent.end(content);
  });
}

function groupPath(apiVersion: string): string {
  return apiVersion.includes("/") ? `/apis/${apiVersion}` : `/api/${apiVersion}`;
}

/** Works through `items`, `parallelRequests` at a time. The results have the order of the items. */
export async function inParallel<T, R>(items: readonly T[], work: (item: T) => Promise<R>): Promise<R[]> {
  const results: R[] = [];
  const open = items.entries();
  const worker = async () => {
    for (const [index, item] of open) results[index] = await work(item);
  };
  await Promise.all(Array.from({ length: parallelRequests }, worker));
  return results;
}
