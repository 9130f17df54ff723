import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { type Attributes, type Definition, resource } from "../../../rehearsal/standins/postgresql/attributes.ts";
import { connectReason, settingsFrom } from "../../../rehearsal/standins/postgresql/connection.ts";
import { postgresql } from "../../../rehearsal/standins/postgresql/provider.ts";
import { literal } from "../../../rehearsal/standins/postgresql/sql.ts";
import { type Props, type ResourceHandler, UNKNOWN } from "../../../rehearsal/standins/protocol.ts";
import { callOf } from "./call.ts";

const call = callOf("postgresql:index/thing:Thing");

describe("the postgresql stand-in's provider settings", () => {
  test("are strings, with JSON for other types", () => {
    const settings = settingsFrom(
      {
        host: "db",
        port: "5433",
        superuser: "false",
        maxConnections: "3",
        version: "3.18.1",
      },
      {},
    );
    assert.deepEqual(settings, {
      host: "db",
      port: 5433,
      username: "postgres",
      password: "",
      databaseUsername: "",
      database: "postgres",
      superuser: false,
      sslmode: "",
      sslrootcert: "",
      connectTimeout: 180,
      maxConnections: 3,
    });
  });

  test("fall back to libpq's environment variables", () => {
    const env = {
      PGHOST: "env",
      PGPORT: "1",
      PGUSER: "u",
      PGPASSWORD: "p",
      PGSSLMODE: "disable",
      PGSUPERUSER: "false",
    };
    const { host, port, username, password, sslmode, superuser } = settingsFrom({ username: "me" }, env);
    assert.deepEqual(
      { host, port, username, password, sslmode, superuser },
      { host: "env", port: 1, username: "me", password: "p", sslmode: "disable", superuser: false },
    );
  });

  test("refuse what the stand-in does not support", () => {
    assert.throws(() => settingsFrom({ scheme: "awspostgres" }, {}), /not with awspostgres/);
    assert.throws(() => settingsFrom({ awsRdsIamAuth: "true" }, {}), /not with awsRdsIamAuth/);
    assert.equal(postgresql().handler("postgresql:index/function:Function"), undefined);
  });
});

describe("reasons for a failed connection", () => {
  const fault = (code: string, message = "", more = {}): Error => Object.assign(new Error(message), { code, ...more });
  const reasons: [Error, string][] = [
    [fault("ECONNREFUSED", "", { address: "127.0.0.1" }), "dial tcp 127.0.0.1:5432: connect: connection refused"],
    [fault("ENOTFOUND"), "dial tcp: lookup db: no such host"],
    [fault("ETIMEDOUT"), "dial tcp db:5432: i/o timeout"],
    [new Error("timeout expired"), "dial tcp db:5432: i/o timeout"],
    [new Error("The server does not support SSL connections"), "pq: SSL is not enabled on the server"],
    [
      new AggregateError([fault("ENETUNREACH"), fault("ECONNREFUSED", "", { address: "::1" })]),
      "dial tcp ::1:5432: connect: connection refused",
    ],
  ];
  for (const [error, reason] of reasons) {
    test(reason, () => {
      assert.equal(connectReason(error, "db", 5432), reason);
    });
  }
});

test("strings are quoted like in the official plugin, which doubles backslashes", () => {
  assert.equal(literal(`it's a \\`), `'it''s a \\\\'`);
});

const attributes = {
  name: { kind: "string" },
  owner: { kind: "string", computed: true },
  template: { kind: "string", computed: true, replaces: true },
  limit: { kind: "number", default: -1 },
  privileges: { kind: "set" },
  encoding: { kind: "string", computed: "only" },
} as const satisfies Attributes;

/** A server with one object or none. */
function fakeServer(): { handler: ResourceHandler; thing: Props | undefined } {
  const server: { handler: ResourceHandler; thing: Props | undefined } = {
    thing: undefined,
    handler: resource((): Definition<typeof attributes> => {
      return {
        attributes,
        id: ({ name }) => name,
        async create(wanted) {
          server.thing = {
            owner: "postgres",
            ...Object.fromEntries(Object.entries(wanted).filter(([, v]) => v !== "")),
          };
        },
        read: async () => server.thing,
        async update(_old, wanted) {
          server.thing = { ...wanted };
        },
        async delete() {
          server.thing = undefined;
        },
      };
    }, attributes),
  };
  return server;
}

describe("properties like those of a bridged Terraform provider", () => {
  const checked = async (news: Props, olds?: Props): Promise<Props> =>
    (await fakeServer().handler.check?.(news, olds, call))?.inputs ?? assert.fail();

  test("defaults are added to the inputs", async () => {
    assert.deepEqual(await checked({ name: "n" }), { name: "n", limit: -1, __defaults: ["limit"] });
  });

  test("a name is generated once", async () => {
    const first = await checked({});
    assert.match(String(first.name), /^thing-[0-9a-f]{7}$/);
    assert.deepEqual(first.__defaults, ["limit", "name"]);
    assert.equal((await checked({}, first)).name, first.name);
    assert.notEqual((await checked({}, { ...first, __defaults: ["limit"] })).name, first.name);
  });

  test("a property that is none is refused", async () => {
    const result = await fakeServer().handler.check?.({ name: "n", onwer: "x", encoding: "UTF8" }, undefined, call);
    const reason = "the postgresql stand-in does not implement this property of postgresql:index/thing:Thing";
    assert.deepEqual(
      result?.failures,
      ["onwer", "encoding"].map((property) => ({ property, reason })),
    );
  });

  const state = { name: "n", owner: "postgres", template: "t0", encoding: "UTF8", limit: -1, privileges: ["A", "B"] };
  const inputs = { name: "n", limit: -1, privileges: ["A", "B"] };
  const diff = async (news: Props) => fakeServer().handler.diff?.("n", {}, state, news, call) ?? assert.fail();

  const unchanged: [string, Props][] = [
    ["a computed property left open", inputs],
    ["a computed property that is empty", { ...inputs, owner: "" }],
    ["a set in another order", { ...inputs, privileges: ["B", "A"] }],
  ];
  for (const [what, news] of unchanged) {
    test(`no change: ${what}`, async () => {
      assert.deepEqual((await diff(news)).changedKeys, []);
    });
  }

  test("changes and replacements are told apart", async () => {
    assert.deepEqual(await diff({ ...inputs, limit: 2, privileges: [] }), {
      changes: true,
      replaces: [],
      deleteBeforeReplace: false,
      changedKeys: ["limit", "privileges"],
    });
    const replaced = await diff({ ...inputs, template: UNKNOWN });
    assert.deepEqual([replaced.replaces, replaced.deleteBeforeReplace], [["template"], true]);
    const autonamed = await diff({ ...inputs, template: "t1", __defaults: ["name"] });
    assert.deepEqual([autonamed.replaces, autonamed.deleteBeforeReplace], [["template"], false]);
  });

  test("preview returns the known values, without a connection", async () => {
    const handler = resource((): Definition<typeof attributes> => assert.fail("asked"), attributes);
    const created = await handler.create({ name: "n", __defaults: [] }, true, call);
    assert.deepEqual(created, { id: "", outputs: { name: "n", owner: UNKNOWN, template: UNKNOWN, encoding: UNKNOWN } });
    const updated = await handler.update("n", {}, state, { ...inputs, limit: 1 }, true, call);
    assert.deepEqual(updated.outputs, { ...state, limit: 1 });
  });

  test("a refresh adds drifted properties to the inputs, and no others", async () => {
    const server = fakeServer();
    const { id, outputs } = await server.handler.create(inputs, false, call);
    const same = await server.handler.read(id, inputs, outputs, call);
    assert.deepEqual([same?.inputs, same?.outputs], [inputs, outputs]);
    server.thing = { ...server.thing, limit: 5, owner: "somebody" };
    const drifted = await server.handler.read(id, inputs, outputs, call);
    assert.deepEqual(drifted?.inputs, { ...inputs, limit: 5 });
    assert.deepEqual(drifted.outputs, { ...outputs, limit: 5, owner: "somebody" });
    server.thing = undefined;
    assert.equal(await server.handler.read(id, inputs, outputs, call), undefined);
  });
});
