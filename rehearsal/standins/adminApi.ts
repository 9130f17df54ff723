/**
 * A stand-in for Pulsar's admin API in rehearsals, where no broker runs. It answers the requests of the stack's resources as a broker of 4.0 does. A test holds its answers against a real one's (tests/resources/pulsar/tenants.broker.test.ts). It keeps everything in memory.
 */
import { once } from "node:events";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import { createServer as createTlsServer } from "node:https";
import type { AddressInfo } from "node:net";
import { json } from "node:stream/consumers";
import { createSecureContext, type SecureContext } from "node:tls";

export interface StandInAdminApi {
  /** Its port on 127.0.0.1. */
  port: number;
  /** Adds messages to a topic, as a producer does. @param name local name of a topic or partition @param bytes their size */
  produce(tenant: string, namespace: string, name: string, bytes: number): void;
  close(): void;
}

export interface StandInOptions {
  /** Name of the Pulsar cluster. */
  cluster: string;
  /** Roles that may do everything. Requests of other roles are refused. */
  superUsers: readonly string[];
  /** The role in a token. @throws if a broker would not accept the token */
  verify: (token: string) => Promise<string>;
  /** @default a free one */
  port?: number;
  /** A port for HTTPS beside it, with the proxies' certificate. @default none */
  tls?: { port: number; read: () => Promise<CertificateData> } | undefined;
}

/** The data of the Secret with the proxies' certificate. It is read for each connection, as another one may take its place. */
type CertificateData = Record<string, string>;

interface TenantInfo {
  adminRoles: string[];
  allowedClusters: string[];
}
type Grants = Record<string, string[]>;
interface Policies {
  auth_policies: {
    namespace_auth: Grants;
    destination_auth: Record<string, Grants>;
    subscription_auth_roles: object;
  };
  replication_clusters: string[];
  message_ttl_in_seconds?: number;
  retention_policies?: { retentionTimeInMinutes: number; retentionSizeInMB: number };
}
interface Namespace {
  policies: Policies;
  /** Number of partitions by local name. */
  partitioned: Map<string, number>;
  /** Bytes by local name of the topic or partition. */
  topics: Map<string, number>;
}

/** An error response. */
class Refused extends Error {
  readonly status: number;
  readonly form: "json" | "page";
  constructor(status: number, reason: string, form: "json" | "page" = "json") {
    super(reason);
    this.status = status;
    this.form = form;
  }
}

interface Answer {
  status: number;
  type?: string;
  text?: string;
}

function refusal(error: unknown): Answer {
  const { status, message, form } = error instanceof Refused ? error : new Refused(500, String(error));
  return form === "json"
    ? { status, type: "application/json", text: JSON.stringify({ reason: message }) }
    : { status, type: "text/html", text: `<html><body><h2>HTTP ERROR ${status} ${message}</h2></body></html>` };
}

const noContent = undefined;
const notFound = new Refused(404, "Not Found", "page");
const namePattern = /^[-=:.\w]*$/;

interface Request {
  method: string;
  /** Below /admin/v2, decoded. */
  parts: string[];
  body: unknown;
}

export async function startAdminApi(options: StandInOptions): Promise<StandInAdminApi> {
  const store = new Store(options.cluster);
  const answer = async (request: IncomingMessage): Promise<Answer> => {
    await authorized(request, options);
    const { pathname } = new URL(request.url ?? "", "http://localhost");
    const [, admin, version, ...parts] = pathname.split("/").map(decodeURIComponent);
    if (admin !== "admin" || version !== "v2") throw notFound;
    const body = request.headers["content-type"] === "application/json" ? await json(request) : undefined;
    const found = store.answer({ method: request.method ?? "", parts, body });
    return found === noContent
      ? { status: 204 }
      : { status: 200, type: "application/json", text: JSON.stringify(found) };
  };
  const respond = (request: IncomingMessage, response: ServerResponse) => {
    void answer(request)
      .catch(refusal)
      .then(({ status, type, text }) => {
        response.writeHead(status, type === undefined ? {} : { "content-type": type }).end(text);
      });
  };
  const server = createServer(respond);
  const { tls } = options;
  const encrypted =
    tls && createTlsServer({ SNICallback: (_name, done) => void secureContext(tls.read, done) }, respond);
  for (const [one, port] of [
    [server, options.port ?? 0],
    [encrypted, tls?.port],
  ] as const) {
    if (one === undefined) continue;
    one.listen(port, "127.0.0.1");
    await once(one, "listening");
    // The server must not keep the process running.
    one.unref();
  }
  return {
    port: (server.address() as AddressInfo).port,
    produce(tenant, namespace, name, bytes) {
      const { topics } = store.namespace(tenant, namespace);
      topics.set(name, (topics.get(name) ?? 0) + bytes);
    },
    close() {
      server.close();
      encrypted?.close();
    },
  };
}

async function secureContext(
  read: () => Promise<CertificateData>,
  done: (error: Error | null, context?: SecureContext) => void,
): Promise<void> {
  try {
    const data = await read();
    const pem = (key: string) => Buffer.from(data[key] ?? "", "base64").toString();
    done(null, createSecureContext({ cert: pem("tls.crt"), key: pem("tls.key") }));
  } catch (error) {
    done(error as Error);
  }
}

/** @throws Refused unless the request has a valid token of a super user */
async function authorized(request: IncomingMessage, { superUsers, verify }: StandInOptions): Promise<void> {
  const [, token] = /^Bearer (.+)$/.exec(request.headers.authorization ?? "") ?? [];
  const role = token === undefined ? undefined : await verify(token).catch(() => undefined);
  // This answer comes from the servlet, before Pulsar sees the request.
  if (role === undefined) throw new Refused(401, "Authentication required", "page");
  if (superUsers.includes(role)) return;
  // The status for tenants differs from that for their contents.
  const ofTenants = /^\/admin\/v2\/(tenants|namespaces\/[^/]+$)/.test(request.url ?? "");
  throw new Refused(ofTenants ? 401 : 403, `Unauthorized for originalPrincipal [${role}] and clientAppId [${role}]`);
}

/** The metadata of a cluster. */
class Store {
  readonly #cluster: string;
  readonly #tenants = new Map<string, TenantInfo>();
  readonly #namespaces = new Map<string, Namespace>();

  constructor(cluster: string) {
    this.#cluster = cluster;
    // The tenants and namespaces of a new cluster (PulsarClusterMetadataSetup).
    for (const [tenant, namespace] of [
      ["public", "default"],
      ["pulsar", "system"],
    ] as const) {
      this.#tenants.set(tenant, { adminRoles: [], allowedClusters: [cluster] });
      this.#namespaces.set(`${tenant}/${namespace}`, this.#fresh({}));
    }
  }

  answer(request: Request): unknown {
    const [collection = "", tenant = "", namespace = "", ...rest] = request.parts;
    if (collection === "tenants") return this.#tenant(request, tenant);
    if (collection === "namespaces")
      return namespace === "" ? this.#namespacesOf(tenant) : this.#namespace(request, tenant, namespace, rest);
    if (collection === "persistent" || collection === "non-persistent")
      return this.#topic(request, collection, tenant, namespace, rest);
    throw notFound;
  }

  namespace(tenant: string, namespace: string, missing = "Namespace does not exist"): Namespace {
    const found = this.#namespaces.get(`${tenant}/${namespace}`);
    if (found === undefined) throw new Refused(404, missing);
    return found;
  }

  #fresh(given: Partial<Policies>): Namespace {
    const auth_policies = { namespace_auth: {}, destination_auth: {}, subscription_auth_roles: {} };
    return {
      policies: { auth_policies, replication_clusters: [this.#cluster], ...given },
      partitioned: new Map(),
      topics: new Map(),
    };
  }

  #tenant({ method, body }: Request, tenant: string): unknown {
    if (method === "GET" && tenant === "") return [...this.#tenants.keys()].sort();
    const found = this.#tenants.get(tenant);
    const info = () => {
      const { adminRoles = [], allowedClusters = [] } = body as Partial<TenantInfo>;
      if (allowedClusters.length === 0) throw new Refused(412, "Clusters cannot be empty or blank");
      if (allowedClusters.some((name) => name !== this.#cluster && name !== "global"))
        throw new Refused(412, "Clusters do not exist");
      return { adminRoles, allowedClusters };
    };
    if (method === "PUT") {
      const given = info();
      if (!namePattern.test(tenant)) throw new Refused(412, "Tenant name is not valid");
      if (found !== undefined) throw new Refused(409, "Tenant already exist");
      this.#tenants.set(tenant, given);
      return noContent;
    }
    if (found === undefined) {
      const reasons: Partial<Record<string, string>> = {
        POST: `Tenant ${tenant} not found`,
        DELETE: "Tenant doesn't exist",
      };
      throw new Refused(404, reasons[method] ?? "Tenant does not exist");
    }
    if (method === "GET") return found;
    if (method === "POST") this.#tenants.set(tenant, info());
    if (method === "DELETE") {
      if (this.#namespaceNames(tenant).length > 0) throw new Refused(409, "The tenant still has active namespaces");
      this.#tenants.delete(tenant);
    }
    return noContent;
  }

  #namespaceNames(tenant: string): string[] {
    return [...this.#namespaces.keys()].filter((name) => name.startsWith(`${tenant}/`)).sort();
  }

  #namespacesOf(tenant: string): unknown {
    if (!this.#tenants.has(tenant)) throw new Refused(404, "Tenant not found");
    return this.#namespaceNames(tenant);
  }

  #namespace({ method, body }: Request, tenant: string, name: string, [what, role = ""]: string[]): unknown {
    const full = `${tenant}/${name}`;
    if (method === "PUT" && what === undefined) {
      if (!this.#tenants.has(tenant)) throw new Refused(404, "Tenant does not exist");
      if (this.#namespaces.has(full)) throw new Refused(409, "Namespace already exists");
      this.#namespaces.set(full, this.#fresh(body ?? {}));
      return noContent;
    }
    const missing: Partial<Record<string, string>> = {
      "DELETE ": `Namespace ${full} does not exist.`,
      "POST permissions": "Topic's namespace does not exist",
      "POST retention": "Namespace policies does not exist",
    };
    const { policies, topics, partitioned } = this.namespace(tenant, name, missing[`${method} ${what ?? ""}`]);
    const { namespace_auth } = policies.auth_policies;
    switch (`${method} ${what ?? ""}`) {
      case "GET ":
        return policies;
      case "DELETE ":
        if (topics.size + partitioned.size > 0) throw new Refused(409, "Cannot delete non empty namespace");
        this.#namespaces.delete(full);
        return noContent;
      case "GET topics":
        return [...topics.keys()].map((topic) => `persistent://${full}/${topic}`);
      case "GET permissions":
        return namespace_auth;
      case "POST permissions":
        namespace_auth[role] = body as string[];
        return noContent;
      case "DELETE permissions":
        Reflect.deleteProperty(namespace_auth, role);
        return noContent;
      case "POST messageTTL":
        if (Number(body) < 0) throw new Refused(412, "Invalid value for message TTL, message TTL must >= 0");
        policies.message_ttl_in_seconds = Number(body);
        return noContent;
      case "POST retention": {
        const retention = body as NonNullable<Policies["retention_policies"]>;
        if ((retention.retentionTimeInMinutes === 0) !== (retention.retentionSizeInMB === 0))
          throw new Refused(400, "Invalid retention policy: Setting a single time or size limit to 0 is invalid");
        policies.retention_policies = retention;
        return noContent;
      }
      default:
        throw notFound;
    }
  }

  #topic({ method, body }: Request, domain: string, tenant: string, name: string, rest: string[]): unknown {
    const [topic, what, role = ""] = rest;
    const namespace = this.namespace(tenant, name, what === "partitions" ? "Namespace not found" : undefined);
    const { partitioned, topics } = namespace;
    const inFull = (local: string) => `${domain}://${tenant}/${name}/${local}`;
    const mine = domain === "persistent";
    if (topic === undefined) return mine ? [...topics.keys()].map(inFull) : [];
    if (topic === "partitioned" && what === undefined) return mine ? [...partitioned.keys()].map(inFull) : [];

    const count = partitioned.get(topic);
    const numbered = (partitions: number) => Array.from({ length: partitions }, (_, i) => `${topic}-partition-${i}`);
    const missing = new Refused(404, `Topic ${inFull(topic)} not found`);
    switch (`${method} ${what ?? ""}`) {
      case "PUT ":
        if (count !== undefined || topics.has(topic)) throw new Refused(409, "This topic already exists");
        topics.set(topic, 0);
        return noContent;
      case "PUT partitions":
        if (Number(body) <= 0) throw new Refused(406, "Number of partitions should be more than 0");
        if (count !== undefined || topics.has(topic)) throw new Refused(409, "This topic already exists");
        partitioned.set(topic, Number(body));
        for (const partition of numbered(Number(body))) topics.set(partition, 0);
        return noContent;
      case "GET partitions":
        if (count === undefined && !topics.has(topic)) throw missing;
        return { partitions: count ?? 0, deleted: false };
      case "POST partitions":
        if (count === undefined) throw new Refused(409, `Topic ${inFull(topic)} is not the partitioned topic.`);
        if (Number(body) < count) {
          const reason = `Desired partitions ${String(body)} can't be less than the current partitions ${count}.`;
          throw new Refused(422, reason);
        }
        partitioned.set(topic, Number(body));
        for (const partition of numbered(Number(body))) topics.set(partition, topics.get(partition) ?? 0);
        return noContent;
      case "GET stats":
        if (!topics.has(topic)) throw missing;
        return { storageSize: topics.get(topic), publishers: [], subscriptions: {} };
      case "GET partitioned-stats":
        if (count === undefined) throw new Refused(404, `Partitioned Topic ${inFull(topic)} not found`);
        return {
          storageSize: numbered(count).reduce((sum, partition) => sum + (topics.get(partition) ?? 0), 0),
          publishers: [],
          subscriptions: {},
        };
      case "DELETE ":
        if (count !== undefined) {
          const reason =
            "is a partitioned topic, instead of calling delete topic, please call delete-partitioned-topic.";
          throw new Refused(409, `${inFull(topic)} ${reason}`);
        }
        if (!topics.delete(topic)) throw missing;
        this.#forget(namespace, inFull(topic));
        return noContent;
      case "DELETE partitions":
        if (count === undefined && topics.has(topic)) {
          const reason = "is a non-partitioned topic. Instead of calling delete-partitioned-topic please call delete.";
          throw new Refused(409, `${inFull(topic)} ${reason}`);
        }
        if (count === undefined) throw new Refused(404, `Topic ${inFull(topic)} not found.`);
        partitioned.delete(topic);
        for (const partition of numbered(count)) topics.delete(partition);
        this.#forget(namespace, inFull(topic));
        return noContent;
      case "POST permissions":
      case "DELETE permissions": {
        if (count === undefined && !topics.has(topic)) throw missing;
        const grants = (namespace.policies.auth_policies.destination_auth[inFull(topic)] ??= {});
        if (method === "POST") grants[role] = body as string[];
        else Reflect.deleteProperty(grants, role);
        return noContent;
      }
      default:
        throw notFound;
    }
  }

  /** Deletes the permissions of a deleted topic. */
  #forget({ policies }: Namespace, topic: string): void {
    Reflect.deleteProperty(policies.auth_policies.destination_auth, topic);
  }
}
