import http from "node:http";
import https from "node:https";
import { text as textOf } from "node:stream/consumers";
import { credentials, type Kubeconfig } from "./kubeconfig.ts";
import { type KubeObject, type Metadata, at, list, text } from "./kinds.ts";

/** An error response of the API server: its message, and its reason (`NotFound`, `AlreadyExists`, `Conflict`, ...). */
export class ApiError extends Error {
  readonly reason: string;
  /** Details of the error: kind and name of the object, causes by field. */
  readonly details: unknown;

  constructor(message: string, reason: string, details: unknown) {
    super(message);
    this.reason = reason;
    this.details = details;
  }
}

/** The API server does not serve a kind, usually because its CustomResourceDefinition is missing. */
export class NoSuchKind extends Error {
  constructor(apiVersion: string, kind: string) {
    super(`no matches for kind "${kind}" in version "${apiVersion}"`);
  }
}

export function hasReason(error: unknown, reason: string): boolean {
  return error instanceof ApiError && error.reason === reason;
}

/** What identifies an object. */
export interface Identity {
  apiVersion: string;
  kind: string;
  metadata: Metadata;
}

interface ApiResource {
  name: string;
  kind: string;
  namespaced: boolean;
}

interface Request {
  query?: Record<string, string>;
  body?: unknown;
  contentType?: string;
  accept?: string;
}

interface Write {
  fieldManager: string;
  dryRun?: boolean;
}

/** The API server of a cluster. Connections are kept open. Every method throws {@link ApiError}. */
export class Api {
  readonly #kubeconfig: Kubeconfig;
  readonly #server: URL;
  readonly #agent: http.Agent;
  readonly #discovered = new Map<string, Promise<ApiResource[]>>();

  constructor(kubeconfig: Kubeconfig) {
    this.#kubeconfig = kubeconfig;
    this.#server = new URL(kubeconfig.cluster.server);
    this.#agent = new (this.#server.protocol === "https:" ? https : http).Agent({ keepAlive: true });
  }

  /** The kinds of a group and version. The answer is cached, unless the group does not exist yet. */
  async resources(apiVersion: string): Promise<ApiResource[]> {
    let resources = this.#discovered.get(apiVersion);
    if (!resources) {
      resources = this.#discover(apiVersion);
      this.#discovered.set(apiVersion, resources);
    }
    try {
      return await resources;
    } catch (error) {
      this.#discovered.delete(apiVersion);
      if (hasReason(error, "NotFound")) return [];
      throw error;
    }
  }

  async #discover(apiVersion: string): Promise<ApiResource[]> {
    const found = await this.#send("GET", groupPath(apiVersion), {});
    return at(found, "resources") as ApiResource[];
  }

  /** @returns `undefined` for a kind that the API server does not serve. */
  async resource({ apiVersion, kind }: { apiVersion: string; kind: string }): Promise<ApiResource | undefined> {
    const resources = await this.resources(apiVersion);
    return resources.find((resource) => resource.kind === kind && !resource.name.includes("/"));
  }

  async get(identity: Identity): Promise<KubeObject> {
    return (await this.#send("GET", await this.#path(identity), {})) as KubeObject;
  }

  /** The objects of a kind in a namespace, or only their metadata. */
  async list(
    identity: Omit<Identity, "metadata"> & { namespace: string },
    labelSelector: string,
    metadataOnly = false,
  ): Promise<KubeObject[]> {
    const path = await this.#path({ ...identity, metadata: { namespace: identity.namespace } });
    const accept = metadataOnly ? "application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1" : undefined;
    // An empty list of metadata has `items: null`.
    return list(at(await this.#send("GET", path, { query: { labelSelector }, accept }), "items")) as KubeObject[];
  }

  /** Server-side apply. Creates a missing object. @throws ApiError `Conflict` for fields of other managers, unless forced. */
  async apply(
    object: KubeObject,
    { fieldManager, dryRun = false, force = false }: Write & { force?: boolean },
  ): Promise<KubeObject> {
    const query = { fieldManager, force: String(force), ...(dryRun && { dryRun: "All" }) };
    // JSON is YAML.
    const contentType = "application/apply-patch+yaml";
    return (await this.#send("PATCH", await this.#path(object), { query, body: object, contentType })) as KubeObject;
  }

  async jsonPatch(identity: Identity, operations: unknown[]): Promise<KubeObject> {
    const request = { body: operations, contentType: "application/json-patch+json" };
    return (await this.#send("PATCH", await this.#path(identity), request)) as KubeObject;
  }

  async delete(identity: Identity, propagationPolicy: string): Promise<void> {
    await this.#send("DELETE", await this.#path(identity), { body: { propagationPolicy } });
  }

  /** Path of an object, or of the collection when it has no name. */
  async #path({ apiVersion, kind, metadata }: Identity): Promise<string> {
    const resource = await this.resource({ apiVersion, kind });
    if (!resource) throw new NoSuchKind(apiVersion, kind);
    const namespace = resource.namespaced ? ["namespaces", metadata.namespace ?? "default"] : [];
    const rest = [...namespace, resource.name, ...(metadata.name ? [metadata.name] : [])];
    return `${groupPath(apiVersion)}/${rest.map(encodeURIComponent).join("/")}`;
  }

  async #send(method: string, path: string, { query, body, contentType, accept }: Request): Promise<unknown> {
    const url = new URL(this.#server.pathname.replace(/\/$/, "") + path, this.#server);
    url.search = new URLSearchParams(query).toString();
    const access = await credentials(this.#kubeconfig);
    const options = { ...access, method, agent: this.#agent };
    const content = body === undefined ? undefined : Buffer.from(JSON.stringify(body));
    options.headers = {
      ...(access.headers as http.OutgoingHttpHeaders),
      Accept: accept ?? "application/json",
      "User-Agent": "pulumi-kubernetes-stand-in",
      ...(content && { "Content-Type": contentType ?? "application/json", "Content-Length": content.length }),
    };
    const { status, answer } = await exchange(url, options, content);
    const parsed = parse(answer);
    if (status < 400) return parsed;
    const message = text(at(parsed, "message")) || `${method} ${url.pathname}: HTTP status ${status}`;
    // For a group that is not served, the answer is plain text.
    const reason = text(at(parsed, "reason")) || (status === 404 ? "NotFound" : "");
    throw new ApiError(withoutExcerpt(message), reason, at(parsed, "details"));
  }
}

async function exchange(
  url: URL,
  options: https.RequestOptions,
  content: Buffer | undefined,
): Promise<{ status: number; answer: string }> {
  return new Promise((resolve, reject) => {
    const failed = (error: NodeJS.ErrnoException): void => {
      reject(new Error(`${options.method ?? ""} ${url.origin}${url.pathname}: ${error.message || (error.code ?? "")}`));
    };
    const request = (url.protocol === "https:" ? https : http).request(url, options, (response) => {
      textOf(response).then((answer) => {
        resolve({ status: response.statusCode ?? 0, answer });
      }, failed);
    });
    request.on("error", failed);
    request.end(content);
  });
}

function parse(answer: string): unknown {
  try {
    return JSON.parse(answer);
  } catch {
    return undefined;
  }
}

function groupPath(apiVersion: string): string {
  return apiVersion.includes("/") ? `/apis/${apiVersion}` : `/api/${apiVersion}`;
}

/** Removes the bytes that the server's JSON decoder quotes, which may be values of a Secret. */
export function withoutExcerpt(message: string): string {
  return message.replaceAll(/, error found in #\d+ byte of [^]*?(?=$|\n)/g, "");
}
