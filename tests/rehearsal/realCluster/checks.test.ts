import assert from "node:assert/strict";
import { test } from "node:test";
import type { AdminApi } from "../../../resources/pulsar/adminApi.ts";
import { type Access, runChecks } from "../../../rehearsal/realCluster/messages/checks.ts";
import type { MessagingClient } from "../../../rehearsal/realCluster/messages/client.ts";

const token = `e30.e30.${Buffer.alloc(32).toString("base64url")}`;

/** A cluster that accepts every token, and loses the messages of a partition. */
function openCluster(): Access {
  const queue: string[] = [];
  const client: MessagingClient = {
    async producer(topic) {
      return {
        async send(text) {
          if (!topic.endsWith("-1")) queue.push(text);
        },
      };
    },
    async consumer() {
      return { receive: async () => queue.shift() };
    },
    async close() {
      // Nothing is open.
    },
  };
  const api: AdminApi = {
    get: async <T>(path: string) => (path.endsWith("/partitions") ? { partitions: 2 } : ["pulsar"]) as T,
    put: async () => undefined,
    post: async () => undefined,
    delete: async () => undefined,
  };
  return {
    admin: (work) => work(api),
    status: async () => 200,
    handshake: async () => "accepted",
    client: () => client,
    token: async () => token,
  };
}

test("each check that fails says why, and the others run", async () => {
  const topic = "persistent://test-tenant/test-ns/test-topic";
  assert.deepEqual(
    (await runChecks(openCluster())).map(({ name, ok, detail }) => `${name}: ${ok ? "ok" : detail}`),
    [
      `tenant, namespace and partitioned topic: ${topic} has 2 partitions, not 3`,
      "messages through every partition: 12 messages were sent, but only 8 received",
      "no token is refused over HTTP: the admin API answers 200, not 401",
      "no token is refused over Pulsar's protocol: the proxy accepts the connection",
      "a wrong token is refused over HTTP: the admin API answers 200, not 401",
      "a wrong token is refused over Pulsar's protocol: the proxy accepts the connection",
    ],
  );
});
