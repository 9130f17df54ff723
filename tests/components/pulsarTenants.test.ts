import assert from "node:assert/strict";
import { describe, test } from "node:test";
import * as pulumi from "@pulumi/pulumi";
import { PulsarTenants, type PulsarTenantsArgs } from "../../components/pulsarTenants.ts";
import { named, register } from "../support/mocks.ts";

const args: Omit<PulsarTenantsArgs, "deletedWith"> = {
  tenants: [
    {
      name: "shop",
      create: true,
      adminRoles: ["b", "a"],
      allowedClusters: ["pulsar"],
      namespaces: [
        {
          name: "orders",
          create: true,
          deleteData: true,
          messageTtlSeconds: 60,
          permissions: [{ role: "shop-app", actions: ["produce", "consume"] }],
          topics: [
            { name: "created", create: true, partitions: 3, permissions: [{ role: "shop-app", actions: ["consume"] }] },
            { name: "theirs", create: false, partitions: 0, permissions: [] },
          ],
        },
      ],
    },
    { name: "public", create: false, adminRoles: [], allowedClusters: ["pulsar"], namespaces: [] },
  ],
  cluster: { context: "test" },
  kubernetesNamespace: "messaging",
  release: "demo",
  token: { secret: "demo-token-admin", key: "TOKEN" },
  adminApi: {},
};

class Release extends pulumi.ComponentResource {}

const run = (changes: Partial<PulsarTenantsArgs> = {}) =>
  register(() => {
    const deletedWith = new Release("test:Release", "release");
    return new PulsarTenants("tenants", { ...args, deletedWith, ...changes });
  });

describe("PulsarTenants", () => {
  test("registers each object under its path, after its parent object", async () => {
    const registered = await run();
    const found = registered.filter(({ custom }) => custom).map(({ name, dependsOn }) => [name, dependsOn]);
    const all = [
      "tenants-shop",
      "tenants-shop/orders",
      "tenants-shop/orders for shop-app",
      "tenants-shop/orders/created",
      "tenants-shop/orders/created for shop-app",
      "tenants-shop/orders/theirs",
    ];
    assert.deepEqual(Object.fromEntries(found), {
      "tenants-public": [],
      "tenants-public guard": ["tenants-public"],
      "tenants-shop": [],
      "tenants-shop/orders": ["tenants-shop"],
      "tenants-shop/orders for shop-app": ["tenants-shop/orders"],
      "tenants-shop/orders/created": ["tenants-shop/orders"],
      "tenants-shop/orders/created for shop-app": ["tenants-shop/orders/created"],
      "tenants-shop/orders/theirs": ["tenants-shop/orders"],
      "tenants-shop guard": all,
    });
    assert.equal(registered.length, found.length + 2);
  });

  test("deletes everything with the release", async () => {
    const custom = (await run()).filter((resource) => resource.custom);
    assert.ok(custom.length > 0);
    for (const { name, options } of custom) assert.deepEqual(options, { deletedWith: "release" }, name);
  });

  test("has only names for the access to Pulsar, and sorts lists", async () => {
    const registered = await run();
    const access = {
      cluster: { context: "test" },
      namespace: "messaging",
      release: "demo",
      service: "demo-pulsar-proxy",
      token: { secret: "demo-token-admin", key: "TOKEN" },
    };
    for (const { custom, inputs } of registered) if (custom) assert.deepEqual(inputs["access"], access);
    assert.deepEqual(named(registered, "tenants-shop").inputs["adminRoles"], ["a", "b"]);
    assert.deepEqual(named(registered, "tenants-shop/orders for shop-app").inputs["actions"], ["consume", "produce"]);
  });

  test("passes its settings to each object, and the stack's objects to the guard", async () => {
    const registered = await run();
    const settings = (name: string) => {
      const { __provider, access, ...rest } = named(registered, name).inputs;
      assert.ok(__provider !== undefined && access !== undefined);
      return rest;
    };
    assert.deepEqual(settings("tenants-shop/orders"), {
      create: true,
      tenant: "shop",
      namespace: "orders",
      deleteData: true,
      messageTtlSeconds: 60,
    });
    assert.deepEqual(settings("tenants-shop/orders/created"), {
      create: true,
      tenant: "shop",
      namespace: "orders",
      topic: "created",
      partitions: 3,
      deleteData: true,
    });
    assert.deepEqual(settings("tenants-shop guard"), {
      tenant: "shop",
      create: true,
      namespaces: [{ name: "orders", create: true, deleteData: true, topics: ["created"] }],
    });
  });

  test("marks what it may take over, with the permissions on it, and logs a warning", async (t) => {
    const [shop, pub] = args.tenants;
    assert.ok(shop !== undefined && pub !== undefined);
    const namespaces = shop.namespaces.map((namespace) => ({ ...namespace, adopt: true }));
    const { mock } = t.mock.method(pulumi.log, "warn", () => Promise.resolve());
    const registered = await run({ tenants: [{ ...shop, namespaces }, pub] });
    const adopting = registered.filter(({ inputs }) => inputs["adopt"] === true).map(({ name }) => name);
    assert.deepEqual(adopting.sort(), ["tenants-shop/orders", "tenants-shop/orders for shop-app"]);
    assert.deepEqual(
      mock.calls.map(({ arguments: [line] }) => line),
      [
        "pulsar:adoptedTenants: this stack takes over namespace shop/orders, and the permissions on them that are in the settings, if they " +
          "exist and are not in the stack yet; remove the entries after this pulumi up",
      ],
    );
    await run();
    assert.equal(mock.callCount(), 1);
  });

  test("accepts an address and the certificate of its CA from a file", async () => {
    const adminApi = { address: "https://pulsar.example.com", caFile: "tests/golden/test.json" };
    const { access } = named(await run({ adminApi }), "tenants-shop").inputs as { access: Record<string, string> };
    assert.equal(access["address"], adminApi.address);
    assert.match(access["ca"] ?? "", /"tenants|"volumes/);
  });

  test("names the Secret with the CA with TLS, so that another CA changes no resource", async () => {
    const ca = { secret: "pulsar-ca-tls", key: "ca.crt" };
    const { access } = named(await run({ ca }), "tenants-shop").inputs as { access: Record<string, unknown> };
    assert.deepEqual(access["forwardCa"], ca);
  });

  test("refuses a CA file that cannot be read", async () => {
    const adminApi = { address: "https://pulsar.example.com", caFile: "tests/none.pem" };
    await register(() => {
      const deletedWith = new Release("test:Release", "release");
      assert.throws(
        () => new PulsarTenants("tenants", { ...args, deletedWith, adminApi }),
        /pulsar:adminApi\.caFile: tests\/none\.pem cannot be read \(ENOENT/,
      );
    });
  });
});
