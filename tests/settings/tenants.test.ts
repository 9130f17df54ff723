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
  test("are none by default, and so is the address of the admin API", () => {
    const { tenants, adminApi } = parseSettings(stackConfig("test"), "test", false);
    assert.deepEqual([tenants, adminApi], [[], {}]);
  });

  test("are the stack's, in its one cluster, and lose no data, unless they say otherwise", () => {
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

  test("are in the cluster that the chart names after the release, or as its values say", () => {
    const clusters = (changes: object) =>
      settings([{ name: "shop" }], changes as Record<string, unknown>).tenants[0]?.allowedClusters;
    assert.deepEqual(clusters({ "pulsar:release": "demo" }), ["demo-pulsar"]);
    assert.deepEqual(clusters({ "pulsar:values": { clusterName: "eu" } }), ["eu"]);
  });

  const wrong: [title: string, tenants: unknown, fault: string][] = [
    ["no list", { shop: {} }, 'pulsar:tenants: {"shop":{}} is not valid; use a list of tenants'],
    ["a name with a slash", [{ name: "a/b" }], 'pulsar:tenants[0].name: "a/b" is not valid; use a Pulsar name'],
    ["a name that leads elsewhere", [{ name: ".." }], 'pulsar:tenants[0].name: ".." is not valid; use a Pulsar name'],
    ["a key that nobody reads", [{ name: "shop", roles: [] }], "pulsar:tenants[0].roles: is not a setting"],
    [
      "a partition's name",
      shop({ topics: [{ name: "a-partition-1" }] }),
      "pulsar:tenants[0].namespaces[0].topics[0].name",
    ],
    [
      "a name that Pulsar keeps for itself",
      shop({ topics: [{ name: "__change_events" }] }),
      "pulsar:tenants[0].namespaces[0].topics[0].name",
    ],
    [
      "half a retention",
      shop({ retention: { minutes: 0, megabytes: 5 } }),
      'pulsar:tenants[0].namespaces[0].retention: {"minutes":0,"megabytes":5} is not valid; use 0 for both (nothing is kept) or for neither; -1',
    ],
    [
      "an action there is not",
      shop({ permissions: [{ role: "a", actions: ["fly"] }] }),
      "pulsar:tenants[0].namespaces[0].permissions[0].actions[0]",
    ],
    [
      "no action",
      shop({ permissions: [{ role: "a", actions: [] }] }),
      "pulsar:tenants[0].namespaces[0].permissions[0].actions",
    ],
    [
      "an action that this Pulsar does not know",
      shop({ permissions: [{ role: "a", actions: ["packages"] }] }),
      "pulsar:tenants[0].namespaces[0].permissions[0].actions: packages is unknown to the Pulsar of chart 2.7.7; use produce, consume, functions, sources, sinks",
    ],
    [
      "a tenant twice",
      [{ name: "a" }, { name: "a" }],
      'pulsar:tenants[1].name: "a" is in the list more than once; list it only once',
    ],
    ["a namespace twice", [{ name: "a", namespaces: [orders, orders] }], "pulsar:tenants[0].namespaces[1].name"],
    [
      "a topic twice",
      shop({ topics: [{ name: "a" }, { name: "a" }] }),
      "pulsar:tenants[0].namespaces[0].topics[1].name",
    ],
    [
      "a role twice",
      shop({
        permissions: [
          { role: "a", actions: ["produce"] },
          { role: "a", actions: ["consume"] },
        ],
      }),
      "pulsar:tenants[0].namespaces[0].permissions[1].role",
    ],
    [
      "settings of what is not the stack's",
      [{ name: "public", create: false, adminRoles: ["a"] }],
      'pulsar:tenants[0].adminRoles: ["a"] has no effect with create false; remove it',
    ],
    [
      "partitions of a topic that is not the stack's",
      shop({ topics: [{ name: "a", create: false, partitions: 2 }] }),
      "pulsar:tenants[0].namespaces[0].topics[0].partitions: 2 has no effect with create false; remove it",
    ],
  ];
  for (const [title, tenants, fault] of wrong) {
    test(`refuse ${title}`, () => {
      hasOneFault(config(tenants), fault);
    });
  }

  test("are taken over by the path of one of them, with everything that is in it", () => {
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

  test("are taken over only where the settings state them, and named once", () => {
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

  test("may have any action that the chart's Pulsar knows, for any role that a token can name", () => {
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

  test("is one of HTTP, without credentials", () => {
    assert.equal(faults(api({ address: "pulsar.example.com" })).length, 1);
    assert.equal(faults(api({ address: "https://user:secret@pulsar.example.com" })).length, 1);
    assert.equal(faults(api({ address: "https://pulsar.example.com?a=b" })).length, 1);
    const address = "https://pulsar.example.com:8443/below";
    assert.equal(parseSettings(api({ address, caFile: "ca.pem" }), "test", false).adminApi.address, address);
  });

  test("has a CA only where one is used", () => {
    hasOneFault(api({ caFile: "ca.pem" }), "pulsar:adminApi.caFile: is not used without an https:// address");
    hasOneFault(
      api({ caFile: "ca.pem", address: "http://a" }),
      "pulsar:adminApi.caFile: is not used without an https:// address",
    );
  });

  test("is encrypted in production, unless it stays on this machine", () => {
    hasOneFault(
      api({ address: "http://pulsar.example.com" }, "prod"),
      "pulsar:adminApi.address: http://pulsar.example.com is not allowed in production, because the administrators' token would cross the network in plain text; use an https:// address",
    );
    for (const address of ["http://localhost:8080", "http://127.0.0.1:8080", "http://[::1]:8080", "https://a.b"]) {
      assert.equal(parseSettings(api({ address }, "prod"), "prod", false).adminApi.address, address);
    }
  });
});
