import assert from "node:assert/strict";
import { Socket } from "node:net";
import { test } from "node:test";
import * as pulumi from "@pulumi/pulumi";
import * as provider from "../../../resources/postgres/managerNamesProvider.ts";
import { freePorts } from "../../../rehearsal/cluster/ports.ts";

const inputs: provider.ManagerNamesInputs = {
  host: "db.example.com",
  port: 5432,
  database: "postgres",
  user: "postgres",
  password: "a password that must not be shown",
  tls: "disable",
  names: { role: "pulsar_manager", database: "pulsar_manager" },
};
const state: provider.ManagerNamesState = { ...inputs, taken: ["role"] };

test("diff", async (t) => {
  await t.test("finds no changes, whatever names existed before", () => {
    assert.deepEqual(provider.diff("names", state, inputs), { changes: false, replaces: [] });
  });

  const updates: Partial<provider.ManagerNamesInputs>[] = [
    { host: "db2.example.com" },
    { port: 5433 },
    { database: "template1" },
    { user: "other" },
    { password: "rotated" },
    { password: pulumi.runtime.unknownValue },
    { tls: "verify-full", tlsCa: "PEM" },
    { names: { role: "pulsar_manager", database: "other" } },
  ];
  for (const change of updates) {
    await t.test(`a changed ${Object.keys(change).join(" and ")} is an update`, () => {
      assert.deepEqual(provider.diff("names", state, { ...inputs, ...change }), { changes: true, replaces: [] });
    });
  }
});

test("existing names stay recorded, without a connection, if the server and the names are the same", async (t) => {
  const connect = t.mock.method(Socket.prototype, "connect", () => assert.fail("connected"));
  const news = { ...inputs, database: "template1", user: "other", password: "rotated" };
  assert.deepEqual(await provider.update("names", state, news), { outs: { ...news, taken: ["role"] } });
  assert.deepEqual(await provider.read("names", state), { id: "names", props: state });
  await provider.remove("names", state);
  assert.equal(connect.mock.callCount(), 0);
});

test("other names and another server cause a new check", async (t) => {
  const [port = 0] = await freePorts(1);
  const old = { ...state, host: "127.0.0.1", port };
  for (const change of [{ port }, { names: { ...inputs.names, role: "other" } }]) {
    await t.test(Object.keys(change).join(), async () => {
      const olds = "port" in change ? { ...old, port: port + 1 } : old;
      await assert.rejects(provider.update("names", olds, { ...inputs, host: "127.0.0.1", port, ...change }), {
        message: `cannot reach PostgreSQL at 127.0.0.1:${port} (database postgres, user postgres): connection refused; check the server, the network and pulsar:managerDatabase`,
      });
    });
  }
});
