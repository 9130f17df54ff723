/**
 * A rehearsed stack with tenants and TLS: the real engine, a real port-forward, and a stand-in for the admin API. That an `up` leaves nothing to do
 * shows in the next `up` or `refresh`, whose changes are compared exactly.
 */
import assert from "node:assert/strict";
import { test } from "node:test";
import { deploy, emptyRecord, resultOf } from "../../rehearsal/rehearse.ts";
import type { Stage } from "../../rehearsal/stage.ts";
import { asker } from "../support/adminRequests.ts";
import { assertOk, changed, errorsOf, listener, withRehearsal } from "./support.ts";
import { asOverrides, setTenants } from "./tenantsConfig.ts";

const app = { role: "shop-app", actions: ["produce", "consume"] };
const created = { name: "created", partitions: 3, permissions: [{ role: "billing", actions: ["consume"] }] };
const orders = {
  name: "orders",
  messageTtlSeconds: 3600,
  retention: { minutes: -1, megabytes: 100 },
  permissions: [app],
  topics: [created, { name: "log" }],
};
const shop = { name: "shop", adminRoles: ["shop-admin"], namespaces: [orders] };
const pub = {
  name: "public",
  create: false,
  namespaces: [{ name: "default", create: false, topics: [{ name: "news" }] }],
};

/** The logical names of the resources of tenants. */
const made = [
  "tenants-public",
  "tenants-public guard",
  "tenants-public/default",
  "tenants-public/default/news",
  "tenants-shop",
  "tenants-shop guard",
  "tenants-shop/orders",
  "tenants-shop/orders for shop-app",
  "tenants-shop/orders/created",
  "tenants-shop/orders/created for billing",
  "tenants-shop/orders/log",
];

/** Sends a request to the stand-in as an administrator. */
async function administrator({ api, settings, adminApi }: Stage) {
  const { data } = await api.core.readNamespacedSecret({ name: "pulsar-token-admin", namespace: settings.namespace });
  const token = Buffer.from(data?.["TOKEN"] ?? "", "base64").toString();
  const ask = asker(`http://127.0.0.1:${adminApi?.port ?? 0}`, token);
  return async (method: string, path: string, body?: unknown) => {
    const answer = await ask(method, path, body);
    assert.ok(answer.status < 300, `${method} ${path}: ${answer.status} ${JSON.stringify(answer.body)}`);
    return answer.body;
  };
}

/** The names after the resource type. The display truncates logical names at their first space. */
const first = (names: string[]) => [...new Set(names.map((name) => name.replace(/ (for|guard).*/, "")))].sort();
const steps = (step: string, names: string[]) => first(names).map((name) => `${step} ${name}`);

test("a stack with tenants", async (t) => {
  const { said, tell, progress } = listener();
  // A rehearsal replaces the stack's own address.
  const plain = {
    ...asOverrides([shop, pub]),
    "pulsar:adminApi.address": "https://pulsar.example.com",
    "pulsar:tls.enabled": "true",
  };
  await withRehearsal({ progress, log: tell, config: { plain } }, async (stage) => {
    const { stack } = stage;

    await t.test("shows each tenant in its preview, without requests", async () => {
      const preview = await stack.preview();
      assertOk(preview);
      assert.deepEqual(
        changed(preview).filter((line) => line.includes("tenants-")),
        steps("create", made),
      );
    });

    await t.test("creates all of them", async () => {
      const created = emptyRecord(stage);
      await deploy(stage, created);
      const { record, verdict, report } = resultOf(created, stage);
      said.push(report);
      assert.deepEqual(verdict, { ok: true, problems: [] });
      assert.ok(record.parts.standIns.includes("Pulsar's admin API, to which tenants are applied: a stand-in"));
      const admin = await administrator(stage);
      assert.deepEqual(await admin("GET", "/tenants/shop"), {
        adminRoles: ["shop-admin"],
        allowedClusters: ["pulsar"],
      });
      assert.deepEqual(await admin("GET", "/namespaces/shop/orders"), {
        auth_policies: {
          namespace_auth: { "shop-app": ["consume", "produce"] },
          destination_auth: { "persistent://shop/orders/created": { billing: ["consume"] } },
          subscription_auth_roles: {},
        },
        replication_clusters: ["pulsar"],
        message_ttl_in_seconds: 3600,
        retention_policies: { retentionTimeInMinutes: -1, retentionSizeInMB: 100 },
      });
      assert.deepEqual(await admin("GET", "/namespaces/public/default/topics"), ["persistent://public/default/news"]);
    });

    await t.test("has no token in its state or output", async () => {
      assert.doesNotMatch(JSON.stringify(await stack.exportState()), /eyJ[\w-]+\.eyJ/);
      assert.doesNotMatch(said.join("\n"), /eyJ[\w-]+\.eyJ/);
    });

    await t.test("detects manual changes on refresh, and corrects them together with a changed setting", async () => {
      const admin = await administrator(stage);
      await admin("POST", "/tenants/shop", { adminRoles: ["intruder"], allowedClusters: ["pulsar"] });
      await admin("POST", "/namespaces/shop/orders/messageTTL", 1);
      await admin("DELETE", "/namespaces/shop/orders/permissions/shop-app");
      await admin("POST", "/namespaces/shop/orders/permissions/others", ["consume"]);
      await admin("DELETE", "/persistent/shop/orders/log?force=true");
      const refresh = await stack.refresh();
      assertOk(refresh);
      const found = [...refresh.text.matchAll(/(tenants-\S+) .*(updated|deleted)/g)].map(
        ([, name, step]) => `${step} ${name}`,
      );
      assert.deepEqual(
        found.sort(),
        [
          "deleted tenants-shop/orders",
          "deleted tenants-shop/orders/log",
          "updated tenants-shop",
          "updated tenants-shop/orders",
        ],
        refresh.text,
      );
      assert.deepEqual({ ...refresh.changes, same: 0 }, { same: 0, delete: 2, update: 2 });
      const more = { ...created, partitions: 5 };
      await setTenants(stack, [{ ...shop, namespaces: [{ ...orders, topics: [more, { name: "log" }] }] }, pub]);
      const up = await stack.up();
      assertOk(up);
      assert.deepEqual(changed(up), [
        ...steps("create", ["tenants-shop/orders for shop-app", "tenants-shop/orders/log"]),
        ...steps("update", ["tenants-shop", "tenants-shop/orders", "tenants-shop/orders/created"]),
      ]);
      const { auth_policies } = (await admin("GET", "/namespaces/shop/orders")) as {
        auth_policies: { namespace_auth: object };
      };
      assert.deepEqual(auth_policies.namespace_auth, { others: ["consume"], "shop-app": ["consume", "produce"] });
      assert.deepEqual(await admin("GET", "/persistent/shop/orders/created/partitions"), {
        partitions: 5,
        deleted: false,
      });
      assertOk(await stack.refresh({ expectNoChanges: true }));
    });

    await t.test("refuses fewer partitions in the preview", async () => {
      await setTenants(stack, [shop, pub]);
      const preview = await stack.preview();
      assert.equal(preview.ok, false);
      assert.match(
        errorsOf(preview).join("\n"),
        /topic persistent:\/\/shop\/orders\/created: has 5 partitions, and Pulsar cannot remove any; set 5 or more instead of 3/,
      );
      await setTenants(stack, [
        { ...shop, namespaces: [{ ...orders, topics: [{ ...created, partitions: 5 }, { name: "log" }] }] },
        pub,
      ]);
    });

    await t.test("deletes nothing of a removed tenant while one of its topics has messages", async () => {
      stage.adminApi?.produce("shop", "orders", "created-partition-4", 42);
      await setTenants(stack, [pub]);
      const up = await stack.up();
      assert.equal(up.ok, false);
      assert.deepEqual(up.changes["delete"] ?? 0, 0, up.text);
      assert.match(
        errorsOf(up).join("\n"),
        /nothing is deleted, because topic persistent:\/\/shop\/orders\/created holds messages \(42 bytes\); empty or delete it first, or set deleteData: true/,
      );
      assert.doesNotMatch(up.text, /node_modules|\.ts:\d+/);
      const admin = await administrator(stage);
      assert.deepEqual(await admin("GET", "/namespaces/shop/orders/permissions"), {
        others: ["consume"],
        "shop-app": ["consume", "produce"],
      });
    });

    await t.test("deletes all of it after an up that allows this, except for objects of others", async () => {
      const topics = [{ ...created, partitions: 5 }, { name: "log" }];
      await setTenants(stack, [{ ...shop, namespaces: [{ ...orders, deleteData: true, topics }] }, pub]);
      assertOk(await stack.up());
      await setTenants(stack, [pub]);
      const up = await stack.up();
      assertOk(up);
      assert.equal(up.changes["delete"], 7, up.text);
      const admin = await administrator(stage);
      assert.deepEqual(await admin("GET", "/tenants"), ["public", "pulsar"]);
    });

    await t.test("adopts its own objects in kept data after a destroy, and no others", async () => {
      await setTenants(stack, [shop, pub]);
      const again = await stack.up();
      assertOk(again);
      assert.deepEqual(
        changed(again),
        steps(
          "create",
          made.filter((name) => name.startsWith("tenants-shop")),
        ),
      );
      stage.adminApi?.produce("shop", "orders", "created-partition-1", 42);
      const former = await administrator(stage);
      await former("PUT", "/persistent/shop/orders/theirs");
      await former("PUT", "/persistent/public/default/theirs");
      assertOk(await stack.destroy());

      await stack.configure({ plain: { "pulsar:managerDatabase.create": "false" } });
      const refused = await stack.up();
      assert.equal(refused.ok, false);
      assert.match(
        errorsOf(refused).join("\n"),
        /namespace shop\/orders: already exists, and it has topics .*if this stack created it before a destroy, take it over \(pulsar:adoptedTenants\)/,
      );

      const other = { ...shop, namespaces: [{ ...orders, messageTtlSeconds: 60 }] };
      await setTenants(stack, [other, pub], ["shop"]);
      const up = await stack.up();
      assertOk(up);
      assert.match(
        up.text,
        /this stack takes over tenant shop, namespace shop\/orders, topic shop\/orders\/created, topic shop\/orders\/log, and the permissions/,
      );
      const admin = await administrator(stage);
      const { message_ttl_in_seconds } = (await admin("GET", "/namespaces/shop/orders")) as Record<string, unknown>;
      assert.equal(message_ttl_in_seconds, 60);
      const stats = (await admin("GET", "/persistent/shop/orders/created/partitioned-stats")) as object;
      assert.partialDeepStrictEqual(stats, { storageSize: 42 });

      await setTenants(stack, [other, pub]);
      assertOk(await stack.up({ expectNoChanges: true }));
      await setTenants(stack, [pub]);
      const leaving = await stack.up();
      assert.equal(leaving.ok, false);
      assert.match(
        errorsOf(leaving).join("\n"),
        /nothing is deleted, because topic \S+\/created holds messages \(42 bytes\), and namespace shop\/orders has topic \S+\/theirs, which is not/,
      );
    });

    // The refused deletion before has changed neither the state nor the objects: otherwise the up or the last refresh would find changes.
    await t.test("finds no changes if the state before a destroy is imported", async () => {
      const tenants = [{ ...shop, namespaces: [{ ...orders, messageTtlSeconds: 60 }] }, pub];
      await setTenants(stack, tenants);
      const before = await stack.exportState();
      assertOk(await stack.destroy());
      await stack.importState(before);
      assertOk(await stack.refresh());
      const up = await stack.up();
      assertOk(up);
      assert.deepEqual(
        changed(up).filter((line) => line.includes("tenants-")),
        [],
      );
      assertOk(await stack.refresh({ expectNoChanges: true }));
    });

    await t.test("is destroyed with its cluster without requests to the admin API", async () => {
      stage.adminApi?.close();
      const destroy = await stack.destroy();
      assertOk(destroy);
      assert.deepEqual(
        ((await stack.exportState()) as { deployment: { resources?: unknown[] } }).deployment.resources ?? [],
        [],
      );
    });
  });
});
