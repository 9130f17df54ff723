/** The complete path to a real Pulsar: the engine, a real API server with port-forwards, a real proxy and broker, and tokens of the stack. */
import assert from "node:assert/strict";
import { createPrivateKey } from "node:crypto";
import { once } from "node:events";
import { connect, createServer } from "node:net";
import { test } from "node:test";
import { freePorts } from "../../rehearsal/cluster/ports.ts";
import { startPulsar } from "../../rehearsal/pulsar/pulsar.ts";
import type { Stage } from "../../rehearsal/stage.ts";
import { asker, sorted } from "../support/adminRequests.ts";
import { produceAt } from "../support/produce.ts";
import { secretData, valueAt } from "./secrets.ts";
import { assertOk, errorsOf, withRehearsal } from "./support.ts";
import { setTenants } from "./tenantsConfig.ts";

const shop = (deleteData: boolean, topic = "created") => ({
  name: "shop",
  adminRoles: ["shop-admin"],
  namespaces: [
    {
      name: "orders",
      deleteData,
      messageTtlSeconds: 3600,
      retention: { minutes: 60, megabytes: -1 },
      permissions: [{ role: "shop-app", actions: ["produce", "consume"] }],
      topics: [{ name: topic, partitions: 3, permissions: [{ role: "billing", actions: ["consume"] }] }],
    },
  ],
});

/** Forwards a port to another one, which may be set later. */
async function relay(port: number): Promise<{ lead(to: number): void; close(): void }> {
  let target = 0;
  const server = createServer((socket) => {
    const there = connect(target, "127.0.0.1");
    const end = () => {
      socket.destroy();
      there.destroy();
    };
    socket.on("error", end).pipe(there).on("error", end).pipe(socket);
  }).listen(port, "127.0.0.1");
  await once(server, "listening");
  return {
    lead(to) {
      target = to;
    },
    close() {
      server.close();
    },
  };
}

/** The stack's generated private key as PEM. */
async function stackKey(stage: Stage): Promise<string> {
  const der = valueAt(await secretData(stage, "pulsar-token-asymmetric-key"), "PRIVATEKEY");
  return createPrivateKey({ key: der, format: "der", type: "pkcs8" })
    .export({ type: "pkcs8", format: "pem" })
    .toString();
}

test("tenants of a rehearsed stack in a real Pulsar", async (t) => {
  const [adminApi = 0] = await freePorts(1);
  const way = await relay(adminApi);
  await withRehearsal({ adminApi }, async (stage) => {
    const { stack, workspace } = stage;
    assertOk(await stack.up());
    const data = await workspace.folder("pulsar-data");
    const start = async () => {
      const pulsar = await startPulsar({ workspace, keys: "asymmetric", privateKey: await stackKey(stage), data });
      way.lead(Number(new URL(pulsar.adminUrl).port));
      return pulsar;
    };
    const pulsar = await start();
    const token = await pulsar.token({ role: "admin" });
    const ask = asker(pulsar.adminUrl, token);

    await t.test("are created through the port-forward, with the token in the stack's own Secret", async () => {
      await setTenants(stack, [shop(false)]);
      assertOk(await stack.up());
      assert.deepEqual((await ask("GET", "/tenants/shop")).body, {
        adminRoles: ["shop-admin"],
        allowedClusters: ["pulsar"],
      });
      assert.partialDeepStrictEqual(sorted((await ask("GET", "/namespaces/shop/orders")).body), {
        auth_policies: {
          namespace_auth: { "shop-app": ["consume", "produce"] },
          destination_auth: { "persistent://shop/orders/created": { billing: ["consume"] } },
        },
        message_ttl_in_seconds: 3600,
        retention_policies: { retentionTimeInMinutes: 60, retentionSizeInMB: -1 },
      });
    });

    await t.test("are unchanged by a second up and a refresh", async () => {
      assertOk(await stack.up({ expectNoChanges: true }));
      assertOk(await stack.refresh({ expectNoChanges: true }));
    });

    await t.test("are kept as a whole while a topic has messages, and deleted once the settings allow it", async () => {
      await produceAt(pulsar.brokerAdminUrl, token, "persistent://shop/orders/created");
      await setTenants(stack, []);
      const refused = await stack.up();
      assert.equal(refused.ok, false);
      assert.match(
        errorsOf(refused).join("\n"),
        /nothing is deleted, because topic persistent:\/\/shop\/orders\/created holds messages/,
      );
      assert.equal(refused.changes["delete"] ?? 0, 0, refused.text);

      await setTenants(stack, [shop(true)]);
      assertOk(await stack.up());
      await setTenants(stack, []);
      assertOk(await stack.up());
      assert.deepEqual((await ask("GET", "/tenants")).body, ["public", "pulsar"]);
    });

    await t.test("are destroyed with their cluster, without requests to the admin API", async () => {
      await setTenants(stack, [shop(false, "kept")]);
      assertOk(await stack.up());
      // The broker's REST producer (4.0.8) never responds for a topic that was deleted and created again.
      await produceAt(pulsar.brokerAdminUrl, token, "persistent://shop/orders/kept");
      assert.equal((await ask("PUT", "/persistent/shop/orders/theirs")).status, 204);
      await pulsar.stop();
      assertOk(await stack.destroy());
    });

    await t.test("are adopted with their messages by a new deployment with the kept data", async () => {
      await setTenants(stack, undefined);
      await stack.configure({ plain: { "pulsar:managerDatabase.create": "false" } });
      assertOk(await stack.up());
      const again = await start();
      const ask = asker(again.adminUrl, await again.token({ role: "admin" }));

      await setTenants(stack, [shop(false, "kept")]);
      const refused = await stack.up();
      assert.equal(refused.ok, false);
      assert.match(errorsOf(refused).join("\n"), /namespace shop\/orders: already exists, and it has topics/);

      const changed = { ...shop(false, "kept"), adminRoles: ["shop-admin", "shop-owner"] };
      await setTenants(stack, [changed], ["shop"]);
      assertOk(await stack.up());
      assert.deepEqual(
        ((await ask("GET", "/tenants/shop")).body as { adminRoles: string[] }).adminRoles.toSorted(),
        changed.adminRoles,
      );
      assertOk(await stack.refresh({ expectNoChanges: true }));
      await setTenants(stack, [changed]);
      assertOk(await stack.up({ expectNoChanges: true }));

      await setTenants(stack, []);
      const leaving = await stack.up();
      assert.equal(leaving.ok, false);
      assert.match(
        errorsOf(leaving).join("\n"),
        /because topic \S+\/kept holds messages \(\d+ bytes\), and namespace shop\/orders has topic \S+\/theirs, which is not this stack's/,
      );
      await again.stop();
      assertOk(await stack.destroy());
    });
  }).finally(() => {
    way.close();
  });
});
