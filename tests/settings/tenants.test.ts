import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { parseSettings } from "../../settings/settings.ts";
import { faults, hasOneFault } from "../support/faults.ts";
import { stackConfig } from "../support/stackFile.ts";

const config = (tenants: unknown, changes: Record<string, unknown> = {}, stack = "test") =>
  stackConfig(stack, { "pulsar:tenants": tenants, ...changes });
const settings = (tenants: unknown, changes?: Record<string, unknown>) =>
  parseSettings(config(tenants, changes), "test", false);

const orders = { name: "orders", topics: [{ name: "created", partitions: 3 }] };
const shop = (changes: object = {}) => [{ name: "shop", namespaces: [{ ...orders, ...changes }] }];

describe("tenants", () => {
  test("are empty by default, without an address of the admin API", () => {
    const { tenants, adminApi } = parseSettings(stackConfig("test"), "test", false);
    assert.deepEqual([tenants, adminApi], [[], {}]);
  });

  test("are by default created, in the stack's cluster, and keep their data", () => {
    assert.deepEqual(
      settings([{ name: "shop", namespaces: [{ name: "orders", topics: [{ name: "created" }] }] }]).tenants,
      [
        {
          name: "shop",
          create: true,
          adminRoles: [],
          allowedClusters: ["pulsar"],
          namespaces: [
            {
              name: "orders",
              create: true,
              deleteData: false,
              permissions: [],
              topics: [{ name: "created", create: true, partitions: 0, permissions: [] }],
            },
          ],
        },
      ],
    );
  });

  test("use the cluster that the chart names after the release, or that the chart values name", () => {
    const clusters = (changes: object) =>
      settings([{ name: "shop" }], changes as Record<string, unknown>).tenants[0]?.allowedClusters;
    assert.deepEqual(clusters({ "pulsar:release": "demo" }), ["demo-pulsar"]);
    assert.deepEqual(clusters({ "pulsar:values": { clusterName: "eu" } }), ["eu"]);
  });

  const wrong: Record<string, unknown> = {
    'pulsar:tenants: {"shop":{}} is not valid; use a list of tenants': { shop: {} },
    'pulsar:tenants[0].name: "a/b" is not valid; use a Pulsar name': [{ name: "a/b" }],
    'pulsar:tenants[0].name: ".." is not valid; use a Pulsar name': [{ name: ".." }],
    "pulsar:tenants[0].roles: is not a setting": [{ name: "shop", roles: [] }],
    'pulsar:tenants[0].namespaces[0].topics[0].name: "a-partition-1" is not valid': shop({
      topics: [{ name: "a-partition-1" }],
    }),
    'pulsar:tenants[0].namespaces[0].topics[0].name: "__change_events" is not valid': shop({
      topics: [{ name: "__change_events" }],
    }),
    'pulsar:tenants[0].namespaces[0].retention: {"minutes":0,"megabytes":5} is not valid; use 0 for both (nothing is kept) or for neither; -1':
      shop({ retention: { minutes: 0, megabytes: 5 } }),
    "pulsar:tenants[0].namespaces[0].permissions[0].actions[0]": shop({
      permissions: [{ role: "a", actions: ["fly"] }],
    }),
    "pulsar:tenants[0].namespaces[0].permissions[0].actions": shop({ permissions: [{ role: "a", actions: [] }] }),
    "pulsar:tenants[0].namespaces[0].permissions[0].actions: packages is unknown to the Pulsar of chart 2.7.7; use produce, consume, functions, sources, sinks":
      shop({ permissions: [{ role: "a", actions: ["packages"] }] }),
    'pulsar:tenants[1].name: "a" is in the list more than once; list it only once': [{ name: "a" }, { name: "a" }],
    "pulsar:tenants[0].namespaces[1].name": [{ name: "a", namespaces: [orders, orders] }],
    "pulsar:tenants[0].namespaces[0].topics[1].name": shop({ topics: [{ name: "a" }, { name: "a" }] }),
    "pulsar:tenants[0].namespaces[0].permissions[1].role": shop({
      permissions: [
        { role: "a", actions: ["produce"] },
        { role: "a", actions: ["consume"] },
      ],
    }),
    'pulsar:tenants[0].adminRoles: ["a"] has no effect with create false; remove it': [
      { name: "public", create: false, adminRoles: ["a"] },
    ],
    "pulsar:tenants[0].namespaces[0].topics[0].partitions: 2 has no effect with create false; remove it": shop({
      topics: [{ name: "a", create: false, partitions: 2 }],
    }),
  };
  for (const [fault, tenants] of Object.entries(wrong)) {
    test(`are refused: ${fault}`, () => {
      hasOneFault(config(tenants), fault);
    });
  }

  test("are adopted by path, with everything in them", () => {
    const stated = [
      { name: "shop", namespaces: [orders, { name: "returns" }] },
      { name: "public", create: false, namespaces: [{ ...orders, create: false }] },
    ];
    const adopted = (...paths: string[]) =>
      settings(stated, { "pulsar:adoptedTenants": paths }).tenants.flatMap(({ name, adopt, namespaces }) => [
        ...(adopt ? [name] : []),
        ...namespaces.flatMap((namespace) => [
          ...(namespace.adopt ? [`${name}/${namespace.name}`] : []),
          ...namespace.topics.flatMap((topic) => (topic.adopt ? [`${name}/${namespace.name}/${topic.name}`] : [])),
        ]),
      ]);
    assert.deepEqual(adopted(), []);
    assert.deepEqual(adopted("shop"), ["shop", "shop/orders", "shop/orders/created", "shop/returns"]);
    assert.deepEqual(adopted("shop/returns", "public/orders/created"), ["shop/returns", "public/orders/created"]);
    assert.deepEqual(adopted("shop/orders"), ["shop/orders", "shop/orders/created"]);
  });

  test("are adopted only if the settings contain them, and are listed once", () => {
    for (const path of ["shops", "shop/order", "shop/orders/created/x", "shop/", ""]) {
      hasOneFault(
        config(shop(), { "pulsar:adoptedTenants": [path] }),
        `pulsar:adoptedTenants[0]: ${path === "" ? '""' : JSON.stringify(path)} is not in pulsar:tenants; use the path of a tenant, namespace or topic in pulsar:tenants`,
      );
    }
    hasOneFault(
      config(shop(), { "pulsar:adoptedTenants": ["shop", "shop"] }),
      'pulsar:adoptedTenants[1]: "shop" is in the list more than once',
    );
  });

  test("may have every action of the chart's Pulsar, for every role that a token can name", () => {
    const actions = ["produce", "consume", "functions", "sources", "sinks", "packages"];
    const roles = ["app", "CN=app,OU=x", "spiffe://example.com/app", "a b"];
    const permissions = roles.map((role) => ({ role, actions }));
    const [tenant] = settings(shop({ permissions }), {
      "pulsar:chart": { version: "4.7.0" },
      "pulsar:managerPassword": "login-password-in-plain",
    }).tenants;
    assert.deepEqual(tenant?.namespaces[0]?.permissions, permissions);
  });
});

describe("the address of the admin API", () => {
  const api = (adminApi: unknown, stack = "test") => config([], { "pulsar:adminApi": adminApi }, stack);

  test("is an HTTP address without credentials", () => {
    assert.equal(faults(api({ address: "pulsar.example.com" })).length, 1);
    assert.equal(faults(api({ address: "https://user:secret@pulsar.example.com" })).length, 1);
    assert.equal(faults(api({ address: "https://pulsar.example.com?a=b" })).length, 1);
    const address = "https://pulsar.example.com:8443/below";
    assert.equal(parseSettings(api({ address, caFile: "ca.pem" }), "test", false).adminApi.address, address);
  });

  test("has a CA only with https", () => {
    hasOneFault(api({ caFile: "ca.pem" }), "pulsar:adminApi.caFile: is not used without an https:// address");
    hasOneFault(
      api({ caFile: "ca.pem", address: "http://a" }),
      "pulsar:adminApi.caFile: is not used without an https:// address",
    );
  });

  test("is encrypted in production, unless it is local", () => {
    hasOneFault(
      api({ address: "http://pulsar.example.com" }, "prod"),
      "pulsar:adminApi.address: http://pulsar.example.com is not allowed in production, because the administrators' token would cross the network in plain text; use an https:// address",
    );
    for (const address of ["http://localhost:8080", "http://127.0.0.1:8080", "http://[::1]:8080", "https://a.b"]) {
      assert.equal(parseSettings(api({ address }, "prod"), "prod", false).adminApi.address, address);
    }
  });
});
