import assert from "node:assert/strict";
import { describe, test } from "node:test";
import * as namespaces from "../../../resources/pulsar/namespaceProvider.ts";
import * as permissions from "../../../resources/pulsar/permissionProvider.ts";
import { podPort } from "../../../resources/kubernetes/portForward.ts";
import { deletionsFor } from "../../../resources/pulsar/tenantGuardProvider.ts";
import * as tenants from "../../../resources/pulsar/tenantProvider.ts";
import { check, diff, type TopicArgs } from "../../../resources/pulsar/topicProvider.ts";

const own = {
  access: {
    cluster: { context: "test" },
    namespace: "pulsar",
    release: "pulsar",
    service: "pulsar-proxy",
    token: { secret: "pulsar-token-admin", key: "TOKEN" },
  },
  create: true,
  tenant: "shop",
};
const topic: TopicArgs = { ...own, namespace: "orders", topic: "created", partitions: 3, deleteData: false };

describe("an object in Pulsar", () => {
  test("is replaced for another name, and otherwise changed in place; without a difference, nothing happens", () => {
    assert.deepEqual(diff("", topic, topic), { changes: false, replaces: [] });
    assert.deepEqual(diff("", topic, { ...topic, partitions: 4 }), { changes: true, replaces: [] });
    assert.deepEqual(diff("", topic, { ...topic, topic: "made" }), { changes: true, replaces: ["topic"] });
    assert.deepEqual(diff("", topic, { ...topic, access: { ...own.access, address: "https://other" } }), {
      changes: true,
      replaces: [],
    });
    const permission = { ...own, namespace: "orders", role: "app", actions: ["consume"] };
    assert.deepEqual(permissions.diff("", permission, { ...permission, role: "other" }).replaces, ["role"]);
    assert.deepEqual(permissions.diff("", permission, { ...permission, topic: "created" }).replaces, ["topic"]);
  });

  test("is released or adopted in place", () => {
    const tenant = { ...own, adminRoles: [], allowedClusters: ["pulsar"] };
    assert.deepEqual(tenants.diff("", tenant, { ...tenant, create: false }), { changes: true, replaces: [] });
  });

  test("does not change with the permission to adopt it", () => {
    assert.deepEqual(diff("", { ...topic, adopt: true }, topic), { changes: false, replaces: [] });
    assert.deepEqual(diff("", topic, { ...topic, adopt: true }), { changes: false, replaces: [] });
  });

  test("has changed policies also if they are added or removed", () => {
    const namespace = { ...own, namespace: "orders", deleteData: false };
    const changes = (one: object, other: object) =>
      namespaces.diff("", { ...namespace, ...one }, { ...namespace, ...other }).changes;
    const retention = { minutes: 1, megabytes: 2 };
    assert.equal(changes({}, { messageTtlSeconds: 0 }), true);
    assert.equal(changes({ retention }, {}), true);
    assert.equal(changes({ retention }, { retention: { ...retention } }), false);
    assert.equal(changes({ retention }, { retention: { ...retention, minutes: -1 } }), true);
  });
});

describe("the number of partitions", () => {
  const failure = (olds: Partial<TopicArgs>, news: Partial<TopicArgs>) =>
    check({ ...topic, ...olds }, { ...topic, ...news }).failures?.map(({ reason }) => reason);

  test("may grow or stay the same", () => {
    assert.equal(failure({}, {}), undefined);
    assert.equal(failure({}, { partitions: 100 }), undefined);
    assert.deepEqual(check({}, topic), {});
  });

  test("may not shrink, and is neither added nor removed", () => {
    const name = "topic persistent://shop/orders/created";
    const way = "or use another topic name";
    assert.deepEqual(failure({}, { partitions: 2 }), [
      `${name}: has 3 partitions, and Pulsar cannot remove any; set 3 or more instead of 2, ${way}`,
    ]);
    assert.deepEqual(failure({}, { partitions: 0 }), [
      `${name}: is partitioned, and Pulsar cannot change that; set 3 or more instead of 0, ${way}`,
    ]);
    assert.deepEqual(failure({ partitions: 0 }, { partitions: 3 }), [
      `${name}: is not partitioned, and Pulsar cannot change that; set 0 instead of 3, ${way}`,
    ]);
  });

  test("belongs to another topic for another name, and is not checked for a topic outside the stack", () => {
    assert.equal(failure({}, { topic: "made", partitions: 1 }), undefined);
    assert.equal(failure({}, { create: false, partitions: 0 }), undefined);
    assert.equal(failure({ create: false, partitions: 0 }, { partitions: 1 }), undefined);
  });
});

describe("the objects removed from a tenant", () => {
  const orders = { name: "orders", create: true, deleteData: false, topics: ["created", "log"] };
  const theirs = { name: "theirs", create: false, deleteData: false, topics: ["ours"] };
  const olds = { tenant: "shop", create: true, namespaces: [orders, theirs] };
  const full = (path: string) => `persistent://shop/${path}`;

  test("are none if nothing is removed, or objects are only released", () => {
    const nothing = { tenant: false, namespaces: [], topics: [] };
    assert.deepEqual(deletionsFor(olds, olds), nothing);
    assert.deepEqual(deletionsFor(olds, { namespaces: [{ ...orders, create: false }, theirs] }), nothing);
  });

  test("are topics, namespaces with their topics, or the whole tenant, without objects of others", () => {
    assert.deepEqual(deletionsFor(olds, { namespaces: [{ ...orders, topics: ["log"] }, theirs] }), {
      tenant: false,
      namespaces: [],
      topics: [full("orders/created")],
    });
    assert.deepEqual(deletionsFor(olds, { namespaces: [] }), {
      tenant: false,
      namespaces: ["orders"],
      topics: [full("orders/created"), full("orders/log"), full("theirs/ours")],
    });
    assert.deepEqual(deletionsFor(olds, undefined).tenant, true);
    assert.deepEqual(deletionsFor({ ...olds, create: false }, undefined).tenant, false);
  });

  test("are not checked if the previous settings allow the loss of their messages", () => {
    const free = { ...olds, namespaces: [{ ...orders, deleteData: true }] };
    assert.deepEqual(deletionsFor(free, undefined), { tenant: true, namespaces: ["orders"], topics: [] });
  });
});

describe("the pod's port of a Service", () => {
  const pod = { spec: { containers: [{ ports: [{ name: "sts-http", containerPort: 8080 }] }, {}] } };

  test("is the target port, by number or name, or else the same port", () => {
    assert.equal(podPort({ port: 80 }, pod), 80);
    assert.equal(podPort({ port: 80, targetPort: 8081 }, pod), 8081);
    assert.equal(podPort({ port: 80, targetPort: "sts-http" }, pod), 8080);
  });
});
