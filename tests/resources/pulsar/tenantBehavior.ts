/** The behavior of the resources in Pulsar. The same tests run against the stand-in for the admin API and against a real broker. */
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import type { AdminAccess } from "../../../resources/pulsar/adminApi.ts";
import * as namespaces from "../../../resources/pulsar/namespaceProvider.ts";
import * as permissions from "../../../resources/pulsar/permissionProvider.ts";
import * as guards from "../../../resources/pulsar/tenantGuardProvider.ts";
import * as tenants from "../../../resources/pulsar/tenantProvider.ts";
import * as topics from "../../../resources/pulsar/topicProvider.ts";
import type { AdminAnswer } from "../../support/adminRequests.ts";

/** The Pulsar to test. */
export interface World {
  /** Access of an administrator. */
  access: AdminAccess;
  /** Access with a valid token of a role without permissions. */
  nobody: AdminAccess;
  /** Access with a token that is not signed with the key. */
  stranger: AdminAccess;
  /** Name of the Pulsar cluster. */
  cluster: string;
  /** Sends a request to the admin API, not through a resource. @param path below /admin/v2 */
  ask: (method: string, path: string, body?: unknown) => Promise<AdminAnswer>;
  /** Produces a message to a topic. @param topic local name, of a topic with or without partitions */
  produce(tenant: string, namespace: string, topic: string): Promise<void>;
}

/** The message of the error, which must be one line without a token. */
export async function messageOf(attempt: Promise<unknown>): Promise<string> {
  const fault = await attempt.then(
    () => undefined,
    (error: unknown) => error,
  );
  assert.ok(fault instanceof Error, "no fault");
  assert.doesNotMatch(fault.message, /\n|eyJ/);
  // As the dynamic provider shows it.
  assert.doesNotMatch(`${String(fault)}: ${fault.stack ?? ""}`, /\n|eyJ| at .*\.ts/);
  return fault.message;
}

let count = 0;

export function tenantsBehave(title: string, world: () => World): void {
  /** The inputs of all resources under a tenant of the test. */
  function stage() {
    count += 1;
    const { access, cluster, ask } = world();
    const tenant = `shop-${count}`;
    const own = { access, tenant, create: true };
    const args = {
      tenant: (changes: Partial<tenants.TenantArgs> = {}): tenants.TenantArgs => ({
        ...own,
        adminRoles: ["shop-admin"],
        allowedClusters: [cluster],
        ...changes,
      }),
      namespace: (changes: Partial<namespaces.NamespaceArgs> = {}): namespaces.NamespaceArgs => ({
        ...own,
        namespace: "orders",
        deleteData: false,
        ...changes,
      }),
      topic: (changes: Partial<topics.TopicArgs> = {}): topics.TopicArgs => ({
        ...own,
        namespace: "orders",
        topic: "created",
        partitions: 3,
        deleteData: false,
        ...changes,
      }),
      permission: (changes: Partial<permissions.PermissionArgs> = {}): permissions.PermissionArgs => ({
        ...own,
        namespace: "orders",
        role: "shop-app",
        actions: ["consume", "produce"],
        ...changes,
      }),
      guard: (changes: Partial<guards.TenantGuardArgs> = {}): guards.TenantGuardArgs => ({
        ...own,
        namespaces: [{ name: "orders", create: true, deleteData: false, topics: ["created"] }],
        ...changes,
      }),
    };
    /** Creates tenant, namespace and topic. */
    const makeAll = async () => {
      await tenants.create(args.tenant());
      await namespaces.create(args.namespace());
      await topics.create(args.topic());
    };
    const operator = async (method: string, path: string, body?: unknown) => {
      const answer = await ask(method, path, body);
      assert.ok(answer.status < 300, `${method} ${path}: ${answer.status} ${JSON.stringify(answer.body)}`);
      return answer.body;
    };
    const exists = async (path: string) => (await ask("GET", path)).status === 200;
    return { tenant, args, makeAll, operator, exists, orders: `${tenant}/orders` };
  }

  describe(`${title}: a tenant`, () => {
    test("is created, found, changed and deleted", async () => {
      const { tenant, args, operator, exists } = stage();
      const made = await tenants.create(args.tenant());
      assert.deepEqual(made, { id: `tenant ${tenant}`, outs: args.tenant() });
      const found = await tenants.read(made.id, args.tenant());
      assert.deepEqual([found.props, found.inputs], [args.tenant(), args.tenant()]);

      const changed = args.tenant({ adminRoles: ["CN=ops,OU=x", "shop-admin"] });
      await tenants.update(made.id, args.tenant(), changed);
      const { adminRoles } = (await operator("GET", `/tenants/${tenant}`)) as tenants.TenantArgs;
      assert.deepEqual(adminRoles.toSorted(), ["CN=ops,OU=x", "shop-admin"]);

      await tenants.remove(made.id, changed);
      assert.equal(await exists(`/tenants/${tenant}`), false);
      await tenants.remove(made.id, changed);
    });

    test("is refreshed after manual changes and deletion", async () => {
      const { tenant, args, operator } = stage();
      await tenants.create(args.tenant());
      const { allowedClusters } = args.tenant();
      await operator("POST", `/tenants/${tenant}`, { adminRoles: ["intruder"], allowedClusters });
      const drifted = args.tenant({ adminRoles: ["intruder"] });
      assert.deepEqual((await tenants.read("", args.tenant())).inputs, drifted);
      assert.equal(tenants.diff("", drifted, args.tenant()).changes, true);
      await operator("DELETE", `/tenants/${tenant}`);
      assert.deepEqual(await tenants.read("", args.tenant()), { id: "" });
    });

    test("that exists is refused, unless it is exactly the one that an interrupted up has created", async () => {
      const { tenant, args } = stage();
      await tenants.create(args.tenant());
      await tenants.create(args.tenant());
      const message = await messageOf(tenants.create(args.tenant({ adminRoles: ["others"] })));
      assert.equal(
        message,
        `tenant ${tenant}: already exists, and its adminRoles are ["shop-admin"], not ["others"]; delete it, use another name, or use the existing ` +
          "one (create: false); if this stack created it before a destroy, take it over (pulsar:adoptedTenants)",
      );
    });

    test("of another owner must exist, and is neither changed nor deleted", async () => {
      const { tenant, args, operator, exists } = stage();
      const theirs = args.tenant({ create: false, adminRoles: [], allowedClusters: [] });
      assert.match(await messageOf(tenants.create(theirs)), /does not exist, but the settings say that it does/);
      await operator("PUT", `/tenants/${tenant}`, {
        adminRoles: ["theirs"],
        allowedClusters: args.tenant().allowedClusters,
      });
      await tenants.create(theirs);
      assert.deepEqual((await tenants.read("", theirs)).inputs, theirs);
      await tenants.remove("", theirs);
      assert.ok(await exists(`/tenants/${tenant}`));
    });

    test("with a namespace of another owner is kept", async () => {
      const { tenant, args, operator } = stage();
      await tenants.create(args.tenant());
      await operator("PUT", `/namespaces/${tenant}/theirs`);
      assert.equal(
        await messageOf(tenants.remove("", args.tenant())),
        `tenant ${tenant}: is not deleted, because it has namespaces that are not this stack's (${tenant}/theirs); delete them first`,
      );
    });

    test("in an unknown cluster is refused with Pulsar's message", async () => {
      const { args } = stage();
      assert.match(
        await messageOf(tenants.create(args.tenant({ allowedClusters: ["elsewhere"] }))),
        /answers 412 to PUT \/admin\/v2\/tenants\/shop-\d+: Clusters do not exist/,
      );
    });
  });

  describe(`${title}: a namespace`, () => {
    const policies = { messageTtlSeconds: 3600, retention: { minutes: -1, megabytes: 100 } };

    test("is created with its policies, shows drift, is changed and deleted", async () => {
      const { args, operator, exists, orders } = stage();
      await tenants.create(args.tenant());
      await namespaces.create(args.namespace(policies));
      assert.deepEqual((await namespaces.read("", args.namespace(policies))).inputs, args.namespace(policies));

      await operator("POST", `/namespaces/${orders}/messageTTL`, 5);
      const { inputs } = await namespaces.read("", args.namespace(policies));
      assert.deepEqual(inputs, args.namespace({ ...policies, messageTtlSeconds: 5 }));

      const changed = args.namespace({ messageTtlSeconds: 0, retention: { minutes: 10, megabytes: -1 } });
      await namespaces.update("", args.namespace(policies), changed);
      assert.deepEqual((await namespaces.read("", changed)).inputs, changed);

      await namespaces.remove("", changed);
      assert.equal(await exists(`/namespaces/${orders}`), false);
      assert.deepEqual(await namespaces.read("", changed), { id: "" });
    });

    test("keeps the policies that are not in the settings", async () => {
      const { args, operator, orders } = stage();
      await tenants.create(args.tenant());
      await namespaces.create(args.namespace(policies));
      const { retention } = policies;
      await namespaces.update("", args.namespace(policies), args.namespace({ retention }));
      const there = (await operator("GET", `/namespaces/${orders}`)) as Record<string, unknown>;
      assert.equal(there["message_ttl_in_seconds"], 3600);
      assert.deepEqual((await namespaces.read("", args.namespace())).inputs, args.namespace());
    });

    test("that exists is refused if it has a topic, a permission or other policies, and adopted if it is as created", async () => {
      const { args, operator, orders } = stage();
      await tenants.create(args.tenant());
      await namespaces.create(args.namespace(policies));
      await namespaces.create(args.namespace(policies));
      assert.match(
        await messageOf(namespaces.create(args.namespace({ messageTtlSeconds: 1 }))),
        /its messageTtlSeconds are 3600, not 1/,
      );
      await operator("POST", `/namespaces/${orders}/permissions/theirs`, ["consume"]);
      assert.match(
        await messageOf(namespaces.create(args.namespace(policies))),
        /roles have permissions on it \(theirs\)/,
      );
      await operator("PUT", `/persistent/${orders}/theirs`);
      assert.match(
        await messageOf(namespaces.create(args.namespace(policies))),
        /already exists, and it has topics \(persistent:\/\/\S+\/theirs\)/,
      );
      await namespaces.create(args.namespace({ create: false }));
    });

    test("with a topic outside the stack is kept, unless its data may be deleted", async () => {
      const { args, operator, exists, orders } = stage();
      await tenants.create(args.tenant());
      await namespaces.create(args.namespace());
      await operator("PUT", `/persistent/${orders}/theirs/partitions`, 2);
      await operator("PUT", `/persistent/${orders}/single`);
      const message = await messageOf(namespaces.remove("", args.namespace()));
      assert.ok(
        message.startsWith(`namespace ${orders}: is not deleted, because it has topics that are not this stack's`),
        message,
      );
      assert.ok(message.includes(`(persistent://${orders}/single, persistent://${orders}/theirs)`), message);
      assert.match(message, /set deleteData: true with one pulumi up and remove the namespace with the next/);
      assert.ok(await exists(`/persistent/${orders}/theirs/partitions`));
      await namespaces.remove("", args.namespace({ deleteData: true }));
      assert.equal(await exists(`/namespaces/${orders}`), false);
    });
  });

  describe(`${title}: a topic`, () => {
    test("is created with and without partitions, grows, and is deleted", async () => {
      const { args, makeAll, operator, exists, orders } = stage();
      await makeAll();
      const single = args.topic({ topic: "single", partitions: 0 });
      await topics.create(single);
      assert.deepEqual((await topics.read("", single)).inputs, single);
      assert.deepEqual((await topics.read("", args.topic())).inputs, args.topic());

      await topics.update("", args.topic(), args.topic({ partitions: 5 }));
      const { partitions } = (await operator("GET", `/persistent/${orders}/created/partitions`)) as {
        partitions: number;
      };
      assert.equal(partitions, 5);
      assert.deepEqual((await topics.read("", args.topic())).inputs, args.topic({ partitions: 5 }));
      assert.match(
        await messageOf(topics.update("", args.topic({ partitions: 5 }), args.topic())),
        /has 5 partitions, and Pulsar cannot remove any; set 5 or more instead of 3, or use another topic name/,
      );

      await topics.remove("", args.topic({ partitions: 5 }));
      await topics.remove("", single);
      assert.equal(await exists(`/persistent/${orders}/created/partitions`), false);
      assert.deepEqual(await topics.read("", single), { id: "" });
      await topics.remove("", single);
    });

    test("with messages is not adopted, and is kept unless its data may be deleted", async () => {
      const { tenant, args, makeAll, exists, orders } = stage();
      await makeAll();
      const single = args.topic({ topic: "single", partitions: 0 });
      await topics.create(single);
      // As an interrupted up leaves it.
      await topics.create(args.topic());
      for (const topic of [args.topic(), single]) {
        await world().produce(tenant, "orders", topic.topic);
        assert.match(await messageOf(topics.create(topic)), /already exists, and it holds messages \(\d+ bytes\)/);
        const message = await messageOf(topics.remove("", topic));
        assert.match(
          message,
          /^topic persistent:\/\/\S+: is not deleted, because it holds messages \(\d+ bytes\); empty it, or set deleteData: true/,
        );
        assert.ok(await exists(`/persistent/${orders}/${topic.topic}/partitions`));
        await topics.remove("", { ...topic, deleteData: true });
        assert.equal(await exists(`/persistent/${orders}/${topic.topic}/partitions`), false);
      }
    });

    test("that was created again without partitions is deleted", async () => {
      const { args, makeAll, operator, exists, orders } = stage();
      await makeAll();
      await operator("DELETE", `/persistent/${orders}/created/partitions?force=true`);
      await operator("PUT", `/persistent/${orders}/created`);
      assert.deepEqual((await topics.read("", args.topic())).inputs, args.topic({ partitions: 0 }));
      await topics.remove("", args.topic());
      assert.equal(await exists(`/persistent/${orders}/created/partitions`), false);
    });

    test("of another owner is not changed", async () => {
      const { args, makeAll, operator, exists, orders } = stage();
      await makeAll();
      const theirs = args.topic({ topic: "theirs", partitions: 0, create: false });
      assert.match(await messageOf(topics.create(theirs)), /does not exist, but the settings say that it does/);
      await operator("PUT", `/persistent/${orders}/theirs/partitions`, 7);
      await topics.create(theirs);
      assert.deepEqual((await topics.read("", theirs)).inputs, theirs);
      await topics.remove("", theirs);
      assert.ok(await exists(`/persistent/${orders}/theirs/partitions`));
    });
  });

  describe(`${title}: a permission`, () => {
    const places = { "a namespace": {}, "a topic": { topic: "created" } };
    for (const [place, where] of Object.entries(places)) {
      test(`on ${place} is granted, shows drift, is changed and revoked, and other roles keep theirs`, async () => {
        const { args, makeAll, operator, orders } = stage();
        await makeAll();
        const path = "topic" in where ? `/persistent/${orders}/created` : `/namespaces/${orders}`;
        const ours = args.permission(where);
        await operator("POST", `${path}/permissions/theirs`, ["consume"]);
        await permissions.create(ours);
        await permissions.create(ours);
        assert.deepEqual((await permissions.read("", ours)).inputs, ours);

        await operator("POST", `${path}/permissions/shop-app`, ["functions"]);
        assert.deepEqual((await permissions.read("", ours)).inputs, { ...ours, actions: ["functions"] });
        assert.match(
          await messageOf(permissions.create(ours)),
          /its actions are \["functions"\], not \["consume","produce"\].*revoke it, or set exactly these actions/,
        );
        await permissions.update("", { ...ours, actions: ["functions"] }, ours);
        assert.deepEqual((await permissions.read("", ours)).inputs, ours);

        await operator("DELETE", `${path}/permissions/shop-app`);
        assert.deepEqual(await permissions.read("", ours), { id: "" });
        await permissions.create(ours);
        await permissions.remove("", ours);
        await permissions.remove("", ours);
        const theirs = { ...ours, role: "theirs", actions: ["consume"] };
        assert.deepEqual((await permissions.read("", theirs)).inputs, theirs);
        assert.deepEqual(await permissions.read("", ours), { id: "" });
      });
    }

    test("may be for any role that a token can have", async () => {
      const { args, makeAll } = stage();
      await makeAll();
      for (const role of [
        "CN=app,OU=x",
        "user@example.com",
        "a b",
        "spiffe://example.com/app",
        "a%2Fb",
        "a;b?c#d+e",
        "größe",
      ]) {
        const permission = args.permission({ role });
        await permissions.create(permission);
        assert.deepEqual((await permissions.read("", permission)).inputs, permission, role);
        await permissions.remove("", permission);
        assert.deepEqual(await permissions.read("", permission), { id: "" }, role);
      }
    });

    test("is granted even if many are granted at the same time in one namespace", async () => {
      const { args, makeAll } = stage();
      await makeAll();
      const all = Array.from({ length: 12 }, (_, i) =>
        args.permission({ role: `role-${i}`, ...(i % 2 ? { topic: "created" } : {}) }),
      );
      await Promise.all(all.map((permission) => permissions.create(permission)));
      for (const permission of all) assert.deepEqual((await permissions.read("", permission)).inputs, permission);
    });
  });

  describe(`${title}: a refresh`, () => {
    test("keeps the state if the release with its token no longer exists", async () => {
      const { args } = stage();
      const { access } = world();
      const gone = args.namespace({ access: { ...access, token: { secret: "gone", key: "TOKEN" } } });
      assert.deepEqual(await namespaces.read("id", gone), { id: "id", props: gone, inputs: gone });
      assert.match(await messageOf(namespaces.create(gone)), /the Secret pulsar\/gone .* does not exist/);
    });
  });

  describe(`${title}: objects of an earlier deployment of the stack`, () => {
    const adopt = true;

    test("are adopted with their messages and changed to the settings; the others are kept", async () => {
      const { tenant, args, makeAll, operator, orders } = stage();
      await makeAll();
      await permissions.create(args.permission({ actions: ["consume"] }));
      await operator("PUT", `/persistent/${orders}/theirs`);
      await operator("POST", `/namespaces/${orders}/permissions/theirs`, ["consume"]);
      await world().produce(tenant, "orders", "created");

      const wanted = {
        tenant: args.tenant({ adopt, adminRoles: ["others", "shop-admin"] }),
        namespace: args.namespace({ adopt, messageTtlSeconds: 60, retention: { minutes: 10, megabytes: -1 } }),
        topic: args.topic({ adopt, partitions: 4 }),
        permission: args.permission({ adopt }),
      };
      await tenants.create(wanted.tenant);
      await namespaces.create(wanted.namespace);
      await topics.create(wanted.topic);
      await permissions.create(wanted.permission);
      assert.deepEqual((await tenants.read("", wanted.tenant)).inputs, wanted.tenant);
      assert.deepEqual((await namespaces.read("", wanted.namespace)).inputs, wanted.namespace);
      assert.deepEqual((await topics.read("", wanted.topic)).inputs, wanted.topic);
      assert.deepEqual((await permissions.read("", wanted.permission)).inputs, wanted.permission);

      assert.match(await messageOf(topics.remove("", wanted.topic)), /is not deleted, because it holds messages/);
      assert.match(
        await messageOf(namespaces.remove("", wanted.namespace)),
        /not this stack's \(\S+\/created, \S+\/theirs\)/,
      );
      const theirs = args.permission({ role: "theirs", actions: ["consume"] });
      assert.deepEqual((await permissions.read("", theirs)).inputs, theirs);
    });

    test("are created if they do not exist, and never adopted with too many partitions", async () => {
      const { args } = stage();
      await tenants.create(args.tenant({ adopt }));
      await namespaces.create(args.namespace({ adopt }));
      await topics.create(args.topic({ adopt }));
      await permissions.create(args.permission({ adopt }));
      assert.deepEqual((await topics.read("", args.topic())).inputs, args.topic());
      assert.deepEqual((await permissions.read("", args.permission())).inputs, args.permission());
      assert.match(
        await messageOf(topics.create(args.topic({ adopt, partitions: 2 }))),
        /has 3 partitions, and Pulsar cannot remove any/,
      );
    });
  });

  describe(`${title}: the guard of a tenant`, () => {
    test("allows the removal of everything that is empty", async () => {
      const { args, makeAll } = stage();
      await makeAll();
      await guards.update("", args.guard(), args.guard({ namespaces: [] }));
      await guards.remove("", args.guard());
    });

    test("reports everything that would be lost, before anything is deleted", async () => {
      const { tenant, args, makeAll, operator, orders } = stage();
      await makeAll();
      await world().produce(tenant, "orders", "created");
      await operator("PUT", `/persistent/${orders}/theirs`);
      await operator("PUT", `/namespaces/${tenant}/theirs`);
      const lost = [
        `topic persistent://${orders}/created holds messages \\(\\d+ bytes\\)`,
        `namespace ${orders} has topic persistent://${orders}/theirs, which is not this stack's`,
        `it has namespace ${tenant}/theirs, which is not this stack's`,
      ];
      const whole = await messageOf(guards.remove("", args.guard()));
      assert.match(
        whole,
        new RegExp(`^tenant ${tenant}: nothing is deleted, because ${lost.join(", and ")}; empty or`),
      );
      const some = await messageOf(guards.update("", args.guard(), args.guard({ namespaces: [] })));
      assert.match(some, new RegExp(`because ${lost.slice(0, 2).join(", and ")}; empty or`));
      const stays = { name: "orders", create: true, deleteData: false, topics: [] };
      const one = await messageOf(guards.update("", args.guard(), args.guard({ namespaces: [stays] })));
      assert.match(one, new RegExp(`because ${lost[0] ?? ""}; empty or`));
    });

    test("uses the previous deleteData, and then allows the removal", async () => {
      const { tenant, args, makeAll } = stage();
      await makeAll();
      await world().produce(tenant, "orders", "created");
      const namespace = (deleteData: boolean, topics: string[]) =>
        args.guard({ namespaces: [{ name: "orders", create: true, deleteData, topics }] });
      await messageOf(guards.update("", namespace(false, ["created"]), namespace(true, [])));
      await guards.update("", namespace(false, ["created"]), namespace(true, ["created"]));
      await guards.update("", namespace(true, ["created"]), namespace(true, []));
      await guards.remove("", namespace(true, ["created"]));
    });
  });

  describe(`${title}: a token`, () => {
    test("that is not signed with the key is refused in one line with the name of its Secret", async () => {
      const { args } = stage();
      const { stranger } = world();
      assert.match(
        await messageOf(tenants.create(args.tenant({ access: stranger }))),
        /^tenant shop-\d+: the admin API at http:\S+ refuses the token of Secret pulsar\/\S+ \(401: .*Authentication required.*\); use a super user's, signed/,
      );
    });

    test("of a role without permissions is refused", async () => {
      const { args, makeAll } = stage();
      await makeAll();
      const { nobody } = world();
      assert.match(
        await messageOf(tenants.read("", args.tenant({ access: nobody }))),
        /\(401: Unauthorized.*super user's/,
      );
      assert.match(
        await messageOf(namespaces.read("", args.namespace({ access: nobody }))),
        /does not permit GET \/admin\/v2\/namespaces\/\S+ to the token of Secret pulsar\/\S+ \(403: Unauthorized.*super user's/,
      );
    });
  });
}
