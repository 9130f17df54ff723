/** The checks of the reference deployment, with real messages. */
import { randomBytes } from "node:crypto";
import { isDeepStrictEqual } from "node:util";
import type { AdminApi } from "../../../resources/pulsar/adminApi.ts";
import { partitionsOf, topicName, topicPath } from "../../../resources/pulsar/topics.ts";
import type { MessagingClient } from "./client.ts";

export interface Check {
  name: string;
  ok: boolean;
  /** One line: what was seen, or what is wrong. */
  detail: string;
}

/** How checks reach the cluster. */
export interface Access {
  /** Calls the admin API with the administrators' token. */
  admin<T>(work: (api: AdminApi) => Promise<T>): Promise<T>;
  /** The HTTP status of a request to the admin API. */
  status(path: string, token?: string): Promise<number>;
  /** The answer to a connection with Pulsar's protocol. */
  handshake(token?: string): Promise<"accepted" | "refused">;
  /** The proxies' certificate, on a connection that checks it. Undefined without TLS. */
  certificate?: () => Promise<string>;
  /** Opens a client. */
  client(token: string): MessagingClient;
  /** The administrators' token. */
  token(): Promise<string>;
}

const partitions = 3;
const messagesPerPartition = 4;
const tenant = "test-tenant";
const namespace = "test-ns";

/** The topic of the checks, which the stack's smoke test uses too. */
const checkTopic = topicName(tenant, namespace, "test-topic");
/** The topic of the traffic. */
export const trafficTopic = topicName(tenant, namespace, "rehearsal-traffic");

/** Runs all checks, also after one that fails. */
export async function runChecks(access: Access): Promise<Check[]> {
  const token = await access.token();
  const checks: [string, () => Promise<string>][] = [
    ["tenant, namespace and partitioned topic", () => access.admin(ensureTopics)],
    ["messages through every partition", () => exchange(access, token)],
    ...[undefined, withOtherSignature(token)].flatMap((refused): [string, () => Promise<string>][] => {
      const what = refused === undefined ? "no token" : "a wrong token";
      return [
        [`${what} is refused over HTTP`, () => refusedOverHttp(access, refused)],
        [`${what} is refused over Pulsar's protocol`, () => refusedOverProtocol(access, refused)],
      ];
    }),
  ];
  if (access.certificate) checks.unshift(["a trusted certificate of the proxies", access.certificate]);
  const results: Check[] = [];
  for (const [name, work] of checks) {
    results.push(
      await work().then(
        (detail) => ({ name, ok: true, detail }),
        (error: unknown) => ({ name, ok: false, detail: lineOf(error) }),
      ),
    );
  }
  return results;
}

/** Creates what is missing. */
async function ensureTopics(api: AdminApi): Promise<string> {
  if ((await api.get(`/tenants/${tenant}`)) === undefined)
    await api.put(`/tenants/${tenant}`, { adminRoles: [], allowedClusters: await api.get("/clusters") });
  if (!((await api.get<string[]>(`/namespaces/${tenant}`)) ?? []).includes(`${tenant}/${namespace}`))
    await api.put(`/namespaces/${tenant}/${namespace}`);
  for (const topic of [checkTopic, trafficTopic]) {
    if ((await partitionsOf(api, topic)) === undefined) await api.put(`${topicPath(topic)}/partitions`, partitions);
    const found = await partitionsOf(api, topic);
    if (found !== partitions) throw new Error(`${topic} has ${found ?? "no"} partitions, not ${partitions}`);
  }
  return `${checkTopic} has ${partitions} partitions`;
}

/** Sends messages to each partition, and receives them, and no others, from the topic. */
async function exchange(access: Access, token: string): Promise<string> {
  const client = access.client(token);
  const run = `check-${randomBytes(6).toString("hex")}`;
  try {
    const consumer = await client.consumer(checkTopic, run);
    const sent: string[] = [];
    for (let partition = 0; partition < partitions; partition++) {
      const producer = await client.producer(`${checkTopic}-partition-${partition}`);
      for (let i = 0; i < messagesPerPartition; i++) {
        sent.push(`${run} ${partition} ${i}`);
        await producer.send(`${run} ${partition} ${i}`);
      }
    }
    const received: string[] = [];
    while (received.length < sent.length) {
      const text = await consumer.receive(20_000);
      if (text === undefined)
        throw new Error(`${sent.length} messages were sent, but only ${received.length} received`);
      received.push(text);
    }
    const surplus = await consumer.receive(1_000);
    if (surplus !== undefined || !isDeepStrictEqual(received.sort(), sent))
      throw new Error("other messages were received than were sent");
    return `${sent.length} messages sent and received`;
  } finally {
    await client.close();
    await access.admin((api) => api.delete(`${topicPath(checkTopic)}/subscription/${run}?force=true`));
  }
}

async function refusedOverHttp(access: Access, token: string | undefined): Promise<string> {
  const status = await access.status("/admin/v2/tenants", token);
  if (status !== 401) throw new Error(`the admin API answers ${status}, not 401`);
  return "401";
}

async function refusedOverProtocol(access: Access, token: string | undefined): Promise<string> {
  if ((await access.handshake(token)) === "accepted") throw new Error("the proxy accepts the connection");
  return "AuthenticationError";
}

/** A token with the same claims and a signature that does not verify. */
function withOtherSignature(token: string): string {
  const end = token.lastIndexOf(".") + 1;
  const signature = Buffer.from(token.slice(end), "base64url").map((byte) => byte ^ 0xff);
  return token.slice(0, end) + Buffer.from(signature).toString("base64url");
}

function lineOf(error: unknown): string {
  return String(error instanceof Error ? error.message : error).split("\n", 1)[0] ?? "";
}
