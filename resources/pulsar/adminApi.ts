import { type IncomingMessage, request as httpRequest, type RequestOptions } from "node:http";
import { request as httpsRequest } from "node:https";
import { text } from "node:stream/consumers";
import { setTimeout as wait } from "node:timers/promises";
import type { SecretRef } from "../../model/charts/cluster.ts";
import type { ClusterRef } from "../../model/clusterRef.ts";
import { ask, type Cluster, connect, statusOf } from "../kubernetes/connection.ts";
import { encrypt, type ForwardTarget, forwardTarget, NotReady, openForward } from "../kubernetes/portForward.ts";

/**
 * How to reach the admin API of a Pulsar cluster. It holds no credential: the token is read from its Secret each time, so a rotation changes no
 * resource, and a later refresh or destroy uses the new token.
 */
export interface AdminAccess {
  cluster: ClusterRef;
  /** Namespace of the release. */
  namespace: string;
  /** Name of the Helm release, as in the pods' label `release`. */
  release: string;
  /** Name of the proxy's Service. */
  service: string;
  /** The token of a super user. */
  token: SecretRef;
  /** `http://` or `https://` address that leads to a proxy. @default a port-forward to a ready proxy through the Kubernetes API */
  address?: string | undefined;
  /** The CA's certificate in PEM, for an `https://` address. @default the CAs that Node trusts */
  ca?: string | undefined;
  /**
   * The certificates of the CAs that a port-forward trusts. They are read each time, so that another CA changes no resource.
   * @default the port-forward leads to the port for plain text
   */
  forwardCa?: SecretRef | undefined;
}

/** Pulsar's admin API. Paths are relative to `/admin/v2`; every method throws a `Refusal` for an unexpected status. */
export interface AdminApi {
  /** The answer to a GET; undefined if nothing exists there (404). */
  get<T>(path: string): Promise<T | undefined>;
  put(path: string, body?: unknown): Promise<void>;
  post(path: string, body?: unknown): Promise<void>;
  /** Succeeds if nothing exists there (404). */
  delete(path: string): Promise<void>;
}

/** An answer of the admin API that is not a success. Its message is one line. */
export class Refusal extends Error {
  override name = "Refusal";
  /** HTTP status. */
  readonly status: number;
  /** The reason that Pulsar gives. */
  readonly reason: string;

  constructor(message: string, status: number, reason: string) {
    super(message);
    this.status = status;
    this.reason = reason;
  }
}

/** The Secret with the token or the CA does not exist, for example because the whole release is gone. */
export class NoToken extends Error {
  override name = "NoToken";
}

/** How long one request may take, in milliseconds. */
const requestLimit = 10_000;
/**
 * How long a request that fails temporarily is retried, in milliseconds: proxies are ready shortly before they know a broker (502, 503), and
 * concurrent writers of the same policies conflict (409).
 */
const retryLimit = 30_000;
/** Milliseconds between two attempts. */
const pause = 500;

interface Answer {
  /** Name of the route. */
  from: string;
  status: number;
  body: string;
}

/** Where requests go: its name in messages, whose certificates it trusts, and how it sends one. */
interface Route {
  name: string;
  trusts: string;
  send(options: RequestOptions, body: string | undefined): Promise<Omit<Answer, "from">>;
}

/**
 * Calls `use` with the admin API.
 * @param limit how long temporary failures are retried, in milliseconds
 * @throws NoToken; another Error of one line if no proxy is ready or the address cannot be reached; or what `use` throws
 */
export async function withAdminApi<T>(
  access: AdminAccess,
  use: (api: AdminApi) => Promise<T>,
  limit = retryLimit,
): Promise<T> {
  const cluster = await connect(access.cluster);
  const token = await adminToken(cluster, access);
  const route = access.address === undefined ? await forwarded(cluster, access) : direct(access, access.address);
  const call = (method: string, path: string, body?: unknown) =>
    answered(route, access, {
      method,
      path: `/admin/v2${path}`,
      token,
      body: body === undefined ? undefined : JSON.stringify(body),
      limit,
    });
  return use({
    async get<T>(path: string): Promise<T | undefined> {
      const answer = await call("GET", path).catch(unlessMissing);
      return answer === undefined ? undefined : (parsed(answer, path) as T);
    },
    async put(path, body) {
      await call("PUT", path, body);
    },
    async post(path, body) {
      await call("POST", path, body);
    },
    async delete(path) {
      await call("DELETE", path).catch(unlessMissing);
    },
  });
}

function unlessMissing(error: unknown): undefined {
  if (error instanceof Refusal && error.status === 404) return undefined;
  throw error;
}

/** The administrators' token. @throws NoToken; another Error of one line if it cannot be read */
export function adminToken(cluster: Cluster, { namespace, token }: AdminAccess): Promise<string> {
  return secretValue(cluster, namespace, token, "the administrators' token");
}

/**
 * The certificates that a port-forward trusts; undefined for the port for plain text.
 * @throws NoToken; another Error of one line if they cannot be read
 */
export async function forwardCertificates(
  cluster: Cluster,
  { namespace, forwardCa }: AdminAccess,
): Promise<string | undefined> {
  return forwardCa && secretValue(cluster, namespace, forwardCa, "the CA's certificate");
}

async function secretValue(cluster: Cluster, namespace: string, ref: SecretRef, what: string): Promise<string> {
  const secret = `the Secret ${namespace}/${ref.secret} with ${what}`;
  const remedy = "run pulumi up --refresh, which creates it";
  try {
    const { data } = await ask(cluster, (api) => api.readNamespacedSecret({ namespace, name: ref.secret }));
    const found = Buffer.from(data?.[ref.key] ?? "", "base64").toString();
    if (found === "") throw new Error(`${secret} has no key ${ref.key}; ${remedy}`);
    return found;
  } catch (error) {
    if (statusOf(error) === 404) throw new NoToken(`${secret} does not exist; ${remedy}`, { cause: error });
    throw error;
  }
}

/** Connects to an address. */
function direct({ ca }: AdminAccess, address: string): () => Promise<Route> {
  const { protocol, hostname, port, pathname } = new URL(address);
  const below = pathname.replace(/\/$/, "");
  // A URL has an IPv6 address in brackets; `host` must not.
  const host = hostname.replace(/^\[|\]$/g, "");
  const send: Route["send"] = (options, body) =>
    exchange(
      protocol === "https:" ? httpsRequest : httpRequest,
      { ...options, host, port, path: `${below}${options.path ?? ""}`, ca, agent: false },
      body,
    );
  const trusts = ca === undefined ? "pulsar:adminApi.caFile is not set" : "those of pulsar:adminApi.caFile";
  return () => Promise.resolve({ name: `the admin API at ${address}`, trusts, send });
}

/** A port-forward to a proxy that is ready now; the next request may use another one. */
async function forwarded(cluster: Cluster, access: AdminAccess): Promise<() => Promise<Route>> {
  const { namespace, forwardCa } = access;
  const ca = await forwardCertificates(cluster, access);
  const route = (target: ForwardTarget): Route => ({
    name: `the admin API at pod ${namespace}/${target.pod}, port ${target.port}`,
    trusts: `those of Secret ${namespace}/${forwardCa?.secret}`,
    async send(options, body) {
      const socket = await withinLimit(openForward(cluster, namespace, target));
      const connection = ca === undefined ? socket : await withinLimit(encrypt(socket, access, ca));
      // No agent: it would open a connection of its own.
      return exchange(httpRequest, { ...options, host: "localhost", createConnection: () => connection }, body);
    },
  });
  return async () => route(await forwardTarget(cluster, access, ca === undefined ? "http" : "https"));
}

interface Call {
  method: string;
  path: string;
  token: string;
  body?: string | undefined;
  limit: number;
}

/** The answer to a call; temporary failures are retried. @throws Refusal for any status that is not a success */
async function answered(find: () => Promise<Route>, access: AdminAccess, call: Call): Promise<Answer> {
  const deadline = performance.now() + call.limit;
  const headers = {
    authorization: `Bearer ${call.token}`,
    accept: "application/json",
    ...(call.body === undefined ? {} : { "content-type": "application/json" }),
  };
  for (;;) {
    const last = performance.now() > deadline;
    let route: Route | undefined;
    try {
      route = await find();
      const answer = await route.send({ method: call.method, path: call.path, headers }, call.body);
      if (answer.status >= 200 && answer.status < 300) return { from: route.name, ...answer };
      const refusal = refused(access, call, { from: route.name, ...answer });
      if (last || !isTemporary(refusal)) throw refusal;
    } catch (error) {
      if (error instanceof Refusal) throw error;
      if (route === undefined) {
        if (last || !(error instanceof NotReady)) throw error;
      } else {
        const reason = certificateFault(error);
        if (reason !== undefined) throw new Error(`${route.name} ${reason(route.trusts)}`, { cause: error });
        if (last || isTimeout(error)) throw unreachable(route.name, error);
      }
    }
    await wait(pause * (0.5 + Math.random()));
  }
}

/** Sends one request and reads the answer. */
async function exchange(
  request: typeof httpRequest,
  options: RequestOptions & { ca?: string | undefined },
  body: string | undefined,
): Promise<Omit<Answer, "from">> {
  const signal = AbortSignal.timeout(requestLimit);
  const response = await new Promise<IncomingMessage>((resolve, reject) => {
    request({ ...options, signal }, resolve)
      .on("error", reject)
      .end(body);
  });
  return { status: response.statusCode ?? 0, body: await text(response) };
}

function withinLimit<T>(work: Promise<T>): Promise<T> {
  const timeout = wait(requestLimit, undefined, { ref: false }).then(() => {
    throw new DOMException("", "TimeoutError");
  });
  return Promise.race([work, timeout]);
}

/** Whether the failure is temporary. */
function isTemporary({ status, reason }: Refusal): boolean {
  return status === 502 || status === 503 || (status === 409 && /concurrent modification/i.test(reason));
}

function refused({ namespace, token }: AdminAccess, call: Call, { from: name, status, body }: Answer): Refusal {
  const reason = reasonOf(body);
  const request = `${call.method} ${call.path}`;
  const secret = `Secret ${namespace}/${token.secret}`;
  const messages: Partial<Record<number, string>> = {
    401:
      `${name} refuses the token of ${secret} (401: ${reason}); use a super user's, signed with the key that ` +
      "brokers and proxies were started with",
    403: `${name} does not permit ${request} to the token of ${secret} (403: ${reason}); use a super user's`,
  };
  const redirected = status >= 300 && status < 400;
  const message = redirected
    ? `${name} redirects ${request} (${status}); set pulsar:adminApi.address to a proxy, which follows redirects itself`
    : (messages[status] ??
      `${name} answers ${status} to ${request}: ${reason}; fix the cause, then run the command again`);
  return new Refusal(message, status, reason);
}

/** Pulsar returns its reason as JSON; a server in between returns a page. */
function reasonOf(body: string): string {
  try {
    const { reason } = JSON.parse(body) as { reason?: unknown };
    if (typeof reason === "string") return oneLine(reason);
  } catch {
    // Not Pulsar's own answer.
  }
  return oneLine(body.replaceAll(/<(style|script).*?<\/\1>|<[^>]*>/gs, " ")) || "no reason given";
}

function oneLine(words: string): string {
  const line = words.replaceAll(/\s+/g, " ").trim();
  return line.length > 200 ? `${line.slice(0, 197)}...` : line;
}

function parsed({ from, body }: Answer, path: string): unknown {
  try {
    return JSON.parse(body);
  } catch {
    throw new Error(
      `${from} answers /admin/v2${path} without JSON, so it is not Pulsar's admin API; set pulsar:adminApi.address to a proxy`,
    );
  }
}

/** What is wrong with a server's certificate, and the remedy; undefined for another error. */
function certificateFault(error: unknown): ((trusts: string) => string) | undefined {
  const { code = "", message } = error as Error & { code?: string };
  switch (code) {
    case "CERT_HAS_EXPIRED":
      return () => "has an expired certificate; renew it (pulsar:tls.generation, or its issuer)";
    case "CERT_NOT_YET_VALID":
      return () => "has a certificate that is not valid yet; compare this machine's clock with that of its issuer";
    case "ERR_TLS_CERT_ALTNAME_INVALID":
      return () =>
        `has a certificate for other names: ${oneLine(message)}; issue it for this name too (pulsar:tls.hosts, or its issuer)`;
    case "UNABLE_TO_VERIFY_LEAF_SIGNATURE":
    case "UNABLE_TO_GET_ISSUER_CERT":
    case "UNABLE_TO_GET_ISSUER_CERT_LOCALLY":
    case "SELF_SIGNED_CERT_IN_CHAIN":
    case "DEPTH_ZERO_SELF_SIGNED_CERT":
    case "CERT_SIGNATURE_FAILURE":
      return (trusts) =>
        `has a certificate of a CA that is not trusted (${trusts}); add that CA's certificate there, or let a trusted CA issue it`;
    default:
      return undefined;
  }
}

function isTimeout(error: unknown): boolean {
  return error instanceof Error && (error.name === "TimeoutError" || error.name === "AbortError");
}

function unreachable(name: string, error: unknown): Error {
  const remedy = "check the proxies, the network and pulsar:adminApi";
  if (isTimeout(error)) return new Error(`${name} does not answer within ${requestLimit / 1000} s; ${remedy}`);
  const { message, code } = error as Error & { code?: string };
  // A host name with several addresses fails with an AggregateError, which has a code but no message.
  return new Error(`${name} cannot be reached: ${oneLine(message) || code || "no reason given"}; ${remedy}`, {
    cause: error,
  });
}
