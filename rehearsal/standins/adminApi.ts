/**
 * A stand-in of Pulsar's admin API, for rehearsals, in which no broker runs: what the resources of the stack ask of it, answered as a broker of
 * 4.0 does, quirks included. A test holds its answers against a real one's (tests/rehearsal/standins/adminApi.pulsar.ts). It keeps everything in memory.
 */
import { once } from "node:events";
import { createServer, type IncomingMessage } from "node:http";
import type { AddressInfo } from "node:net";
import { json } from "node:stream/consumers";

export interface StandInAdminApi {
  /** Its port on 127.0.0.1. */
  port: number;
  /** Leaves messages in a topic, as a producer would: so many bytes. @param name local name of a topic or of a partition */
  produce(tenant: string, namespace: string, name: string, bytes: number): void;
  close(): void;
}

export interface StandInOptions {
  /** Name of the Pulsar cluster. */
  cluster: string;
  /** Roles that may do everything; nobody else may do anything. */
  superUsers: readonly string[];
  /** The role a token stands for. @throws where a broker would not accept it */
  verify: (token: string) => Promise<string>;
  /** @default a free one */
  port?: number;
}

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
  /** Bytes by local name, partitions one by one. */
  topics: Map<string, number>;
}

/** An answer that is no success. */
class Refused extends Error {
  readonly status: number;
  constructor(status: number, reason: string) {
    super(reason);
    this.status = status;
  }
}

const noContent = undefined;
const namePattern = /^[-=:.\w]*$/;

interface Request {
  method: string;
  /** Below /admin/v2, decoded. */
  parts: string[];
  query: URLSearchParams;
  body: unknown;
}

export async function startAdminApi({
  cluster,
  superUsers,
  verify,
  port = 0,
}: StandInOptions): Promise<StandInAdminApi> {
  const store = new Store(cluster);
  const server = createServer((request, response) => {
    const answer = async (): Promise<[status: number, body?: unknown]> => {
      await authorized(request, superUsers, verify);
      const { pathname, searchParams } = new URL(request.url ?? "", "http://localhost");
      const parts = pathname.split("/").slice(1).map(decodeURIComponent);
      if (parts[0] !== "admin" || parts[1] !== "v2") throw new Refused(404, "HTTP 404 Not Found");
      const body = request.headers["content-type"] === "application/json" ? await json(request) : undefined;
      const found = store.answer({ method: request.method ?? "", parts: parts.slice(2), query: searchParams, body });
      return found === noContent ? [204] : [200, found];
    };
    answer()
      .catch((error: unknown): [number, unknown] =>
        error instanceof Refused ? [error.status, { reason: error.message }] : [500, { reason: String(error) }],
      )
      .then(([status, body]) => {
        response
          .writeHead(status, { "content-type": "application/json" })
          .end(body === undefined ? "" : JSON.stringify(body));
      })
      .catch(() => response.destroy());
  });
  server.listen(port, "127.0.0.1");
  await once(server, "listening");
  // It must not keep the rehearsal from ending.
  server.unref();
  return {
    port: (server.address() as AddressInfo).port,
    produce(tenant, namespace, name, bytes) {
      const { topics } = store.namespace(tenant, namespace);
      topics.set(name, (topics.get(name) ?? 0) + bytes);
    },
    close: () => void server.close(),
  };
}

/** Who asks must show a token that a broker would accept, of a super user. */
async function authorized(
  { headers }: IncomingMessage,
  superUsers: readonly string[],
  verify: StandInOptions["verify"],
): Promise<void> {
  const [, token] = /^Bearer (.+)$/.exec(headers.authorization ?? "") ?? [];
  const role = token === undefined ? undefined : await verify(token).catch(() => undefined);
  if (role === undefined) throw new Refused(401, "HTTP 401 Unauthorized");
  if (!superUsers.includes(role)) {
    throw new Refused(
      401,
      `Unauthorized to validateSuperUserAccess for originalPrincipal [null] and clientAppId [${role}]`,
    );
  }
}

/** What a cluster keeps in its metadata. */
class Store {
  readonly #cluster: string;
  readonly #tenants = new Map<string, TenantInfo>();
  readonly #namespaces = new Map<string, Namespace>();

  constructor(cluster: string) {
    this.#cluster = cluster;
    // What a new cluster has (PulsarClusterMetadataSetup).
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
      return namespace === "" ? this.#namespacesOf(request, tenant) : this.#namespace(request, tenant, namespace, rest);
    if (collection === "persistent" || collection === "non-persistent")
      return this.#topic(request, collection, tenant, namespace, rest);
    throw new Refused(404, "HTTP 404 Not Found");
  }

  namespace(tenant: string, namespace: string): Namespace {
    const found = this.#namespaces.get(`${tenant}/${namespace}`);
    if (found === undefined) throw new Refused(404, "Namespace does not exist");
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
      if (allowedClusters.length === 0) throw new Refused(412, "Clusters can not be empty");
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
    if (found === undefined) throw new Refused(404, "Tenant does not exist");
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

  #namespacesOf(_request: Request, tenant: string): unknown {
    if (!this.#tenants.has(tenant)) throw new Refused(404, "Tenant not found");
    return this.#namespaceNames(tenant);
  }

  #namespace({ method, body }: Request, tenant: string, name: string, [what, role = ""]: string[]): unknown {
    const full = `${tenant}/${name}`;
    if (method === "PUT" && what === undefined) {
      if (!this.#tenants.has(tenant)) throw new Refused(404, "Tenant does not exist");
      if (this.#namespaces.has(full)) throw new Refused(409, "Namespace already exists");
      this.#namespaces.set(full, this.#fresh((body ?? {}) as Partial<Policies>));
      return noContent;
    }
    const { policies, topics, partitioned } = this.namespace(tenant, name);
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
      case "POST retention":
        policies.retention_policies = body as NonNullable<Policies["retention_policies"]>;
        return noContent;
      default:
        throw new Refused(404, "HTTP 404 Not Found");
    }
  }

  #topic({ method, query, body }: Request, domain: string, tenant: string, name: string, rest: string[]): unknown {
    const namespace = this.namespace(tenant, name);
    const { partitioned, topics } = namespace;
    const [topic, what, role = ""] = rest;
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
        if (count === undefined) throw new Refused(404, `Partitioned Topic not found: ${inFull(topic)}`);
        return {
          storageSize: numbered(count).reduce((sum, partition) => sum + (topics.get(partition) ?? 0), 0),
          publishers: [],
          subscriptions: {},
        };
      case "DELETE ":
        if (!topics.delete(topic)) throw missing;
        this.#forget(namespace, inFull(topic));
        return noContent;
      case "DELETE partitions":
        if (count === undefined) throw missing;
        partitioned.delete(topic);
        for (const partition of numbered(count)) topics.delete(partition);
        this.#forget(namespace, inFull(topic));
        return noContent;
      case "POST permissions":
      case "DELETE permissions": {
        if (count === undefined && !topics.has(topic)) throw missing;
        const grants = (namespace.policies.auth_policies.destination_auth[inFull(topic)] ??= {});
        if (method === "POST") grants[role] = body as string[];
        else if (!Reflect.has(grants, role)) throw new Refused(412, "Permissions are not set at the topic level");
        else Reflect.deleteProperty(grants, role);
        return noContent;
      }
      default:
        throw new Refused(404, `HTTP 404 Not Found ${query.toString()}`);
    }
  }

  /** A topic's permissions go with it. */
  #forget({ policies }: Namespace, topic: string): void {
    Reflect.deleteProperty(policies.auth_policies.destination_auth, topic);
  }
}
