/** Behavior of Pulsar 2.7 only. No broker of 2.7 runs here; the responses are from its sources (2.7.4). */
import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { describe, test } from "node:test";
import type { AdminApi } from "../../../resources/pulsar/adminApi.ts";
import { remove } from "../../../resources/pulsar/permissionProvider.ts";
import { listTopics, partitionsOf, reasonToKeep } from "../../../resources/pulsar/topics.ts";
import { tokenServers } from "../../support/tokenServer.ts";

const serveTokens = tokenServers();

/** An admin API with these paths only. */
function api(answers: Record<string, unknown>): AdminApi {
  const nothing = () => Promise.reject(new Error("not asked for"));
  return {
    get: <T>(path: string) => Promise.resolve(answers[path] as T),
    put: nothing,
    post: nothing,
    delete: nothing,
  };
}

const created = "persistent://shop/orders/created";

describe("a topic", () => {
  test("without partitions in 2.7 exists only if it is listed", async () => {
    const zero = { "/persistent/shop/orders/created/partitions": { partitions: 0 } };
    assert.equal(await partitionsOf(api({ ...zero, "/persistent/shop/orders": [] }), created), undefined);
    assert.equal(await partitionsOf(api({ ...zero, "/persistent/shop/orders": [`${created}2`] }), created), undefined);
    assert.equal(await partitionsOf(api({ ...zero, "/persistent/shop/orders": [created] }), created), 0);
    assert.equal(await partitionsOf(api(zero), created), undefined);
    assert.equal(await partitionsOf(api({}), created), undefined);
  });

  test("is listed once, with or without existing partitions; Pulsar's internal topics are not", async () => {
    const found = await listTopics(
      api({
        "/persistent/shop/orders/partitioned": [created],
        "/non-persistent/shop/orders/partitioned": ["non-persistent://shop/orders/seen"],
        "/namespaces/shop/orders/topics?mode=ALL": [
          `${created}-partition-0`,
          `${created}-partition-1`,
          "persistent://shop/orders/log",
          "persistent://shop/orders/__change_events",
          "persistent://shop/orders/log-sub__transaction_pending_ack",
        ],
      }),
      "shop",
      "orders",
    );
    assert.deepEqual(found, [
      { name: "non-persistent://shop/orders/seen", partitioned: true },
      { name: created, partitioned: true },
      { name: "persistent://shop/orders/log", partitioned: false },
    ]);
  });

  test("is kept if it has messages or connected clients, but not for a subscription alone", async () => {
    const reason = (stats: unknown) =>
      reasonToKeep(api({ "/persistent/shop/orders/log/stats": stats }), {
        name: "persistent://shop/orders/log",
        partitioned: false,
      });
    assert.equal(await reason({ storageSize: 7, publishers: [{}] }), "holds messages (7 bytes)");
    assert.equal(
      await reason({ storageSize: 0, publishers: [{}], subscriptions: { a: { consumers: [{}, {}] } } }),
      "has connected producers or consumers (3)",
    );
    assert.equal(await reason({ storageSize: 0, publishers: [], subscriptions: { a: { consumers: [] } } }), undefined);
    assert.equal(await reason(undefined), undefined);
  });
});

test("a permission on a topic with added partitions is granted on the new ones before it is revoked on all", async () => {
  const access = await serveTokens({ admin: "token" });
  const asked: string[] = [];
  const policies = { auth_policies: { namespace_auth: {}, destination_auth: { [created]: { app: ["consume"] } } } };
  const server = createServer((request, response) => {
    const { method = "" } = request;
    if (method === "GET") {
      response.end(JSON.stringify(policies));
      return;
    }
    const refused = asked.length === 0;
    asked.push(`${method} ${request.url ?? ""}`);
    response.writeHead(refused ? 412 : 204).end();
  }).listen(0, "127.0.0.1");
  await once(server, "listening");
  try {
    await remove("", {
      access: access("admin", `http://127.0.0.1:${(server.address() as AddressInfo).port}`),
      create: true,
      tenant: "shop",
      namespace: "orders",
      topic: "created",
      role: "app",
      actions: ["consume"],
    });
  } finally {
    server.close();
  }
  const path = "/admin/v2/persistent/shop/orders/created/permissions/app";
  assert.deepEqual(asked, [`DELETE ${path}`, `POST ${path}`, `DELETE ${path}`]);
});
