import assert from "node:assert/strict";
import { type AddressInfo, createServer, Socket } from "node:net";
import { test, type TestContext } from "node:test";
import * as pulumi from "@pulumi/pulumi";
import { managerSchema } from "../../../model/managerSchemas/index.ts";
import * as provider from "../../../resources/postgres/managerTablesProvider.ts";
import { connectFault, tlsOptions, withSession } from "../../../resources/postgres/sqlSession.ts";
import { freePorts } from "../../../rehearsal/cluster/ports.ts";

const schema = managerSchema("v0.2.0");
const inputs: provider.ManagerTablesInputs = {
  host: "db.example.com",
  port: 5432,
  database: "pulsar_manager",
  user: "pulsar_manager",
  password: "a password that must not be shown",
  tls: "disable",
  schemaVersion: schema.version,
  sql: schema.sql,
  tables: [...schema.tables],
  deleteTables: false,
};
const state: provider.ManagerTablesState = { ...inputs, sha256: "0".repeat(64) };
const where = "PostgreSQL at db.example.com:5432 (database pulsar_manager, user pulsar_manager)";

/** Asserts that `work` fails with this one line, which does not contain the password. */
async function failsWith(work: Promise<unknown>, line: string | RegExp): Promise<void> {
  await assert.rejects(work, (error: Error) => {
    if (typeof line === "string") assert.equal(error.message, line);
    else assert.match(error.message, line);
    assert.ok(!error.message.includes("\n"));
    assert.ok(!error.message.includes(inputs.password));
    return true;
  });
}

test("diff", async (t) => {
  await t.test("finds no changes, even if the code stored with it changes", () => {
    const stored = { ...state, __provider: "old code" };
    const news = { ...inputs, __provider: "new code" };
    assert.deepEqual(provider.diff("pulsar_manager", stored, news), { changes: false, replaces: [] });
  });

  const updates: Partial<provider.ManagerTablesInputs>[] = [
    { host: "db2.example.com" },
    { port: 5433 },
    { user: "other" },
    { password: "rotated" },
    { tls: "require" },
    { tls: "verify-full", tlsCa: "PEM" },
    { schemaVersion: "v0.2.1" },
    { sql: `${schema.sql}-- more` },
    { deleteTables: true },
    { password: pulumi.runtime.unknownValue },
  ];
  for (const change of updates) {
    await t.test(`a changed ${Object.keys(change).join(" and ")} is an update`, () => {
      assert.deepEqual(provider.diff("pulsar_manager", state, { ...inputs, ...change }), {
        changes: true,
        replaces: [],
      });
    });
  }

  await t.test("a table that refresh did not find is an update", () => {
    const drifted = { ...state, tables: state.tables.filter((table) => table !== "roles") };
    assert.deepEqual(provider.diff("pulsar_manager", drifted, inputs), { changes: true, replaces: [] });
  });

  await t.test("another database is a replacement", () => {
    assert.deepEqual(provider.diff("pulsar_manager", state, { ...inputs, database: "other" }), {
      changes: true,
      replaces: ["database"],
    });
  });
});

test("a preview does not connect", (t) => {
  const connect = t.mock.method(Socket.prototype, "connect", () => assert.fail("connected"));
  provider.diff("pulsar_manager", state, { ...inputs, host: "other" });
  assert.equal(connect.mock.callCount(), 0);
});

test("a destroy keeps the tables by default, without a connection", async (t) => {
  const connect = t.mock.method(Socket.prototype, "connect", () => assert.fail("connected"));
  await provider.remove("pulsar_manager", state);
  assert.equal(connect.mock.callCount(), 0);
});

const check = "; check the server, the network and pulsar:managerDatabase";

test("an unreachable server is reported by name in one line", async (t) => {
  const [port = 0] = await freePorts(1);
  const target = { ...inputs, host: "127.0.0.1", port };
  const refused = `cannot reach PostgreSQL at 127.0.0.1:${port} (database pulsar_manager, user pulsar_manager): connection refused${check}`;
  const lost = { ...target, sha256: state.sha256 };

  await t.test("on create", () => failsWith(provider.create(target), refused));
  await t.test("on update", () => failsWith(provider.update("x", lost, target), refused));
  await t.test("on refresh, which does not treat the tables as lost", () =>
    failsWith(provider.read("x", lost), `tables of Pulsar Manager: ${refused}`),
  );
  await t.test("on a destroy that drops the tables", () =>
    failsWith(provider.remove("x", { ...lost, deleteTables: true }), `tables of Pulsar Manager: ${refused}`),
  );
  await t.test("also if a name has several addresses", () =>
    failsWith(provider.create({ ...target, host: "localhost" }), refused.replace("127.0.0.1", "localhost")),
  );
});

test("a server that accepts the connection and never responds causes a timeout", async (t) => {
  const port = await listen(t, () => undefined);
  await failsWith(
    withSession({ ...inputs, host: "127.0.0.1", port }, async () => undefined, 0.05),
    `cannot reach PostgreSQL at 127.0.0.1:${port} (database pulsar_manager, user pulsar_manager): no answer in time${check}`,
  );
});

test("a server that is not PostgreSQL is reported in one line", async (t) => {
  const port = await listen(t, (socket) => socket.end("HTTP/1.1 400 Bad Request\r\n\r\n"));
  await failsWith(
    withSession({ ...inputs, host: "127.0.0.1", port, tls: "require" }, async () => undefined),
    /^cannot reach PostgreSQL at 127\.0\.0\.1:\d+ \(.*\): .+$/,
  );
});

async function listen(t: TestContext, serve: (socket: Socket) => void): Promise<number> {
  const sockets: Socket[] = [];
  const server = createServer((socket) => {
    sockets.push(socket);
    socket.on("error", () => undefined);
    serve(socket);
  });
  t.after(() => {
    for (const socket of sockets) socket.destroy();
    server.close();
  });
  await new Promise<void>((listening) => server.listen(0, "127.0.0.1", listening));
  return (server.address() as AddressInfo).port;
}

test("messages of a server or the system become one line", async (t) => {
  const lines: [Record<string, unknown>, string][] = [
    [
      { code: "28P01", message: 'password authentication failed for user "pulsar_manager"' },
      "PostgreSQL at db.example.com:5432 (database pulsar_manager) refused the password of user pulsar_manager, or there is no such user; check pulsar:managerDatabase and its passwords",
    ],
    [
      { code: "3D000", message: 'database "pulsar_manager" does not exist' },
      "PostgreSQL at db.example.com:5432 has no database pulsar_manager; create it, or check pulsar:managerDatabase",
    ],
    [
      { code: "28000", message: 'no pg_hba.conf entry for host "10.0.0.1"\nand more' },
      `cannot reach ${where}: no pg_hba.conf entry for host "10.0.0.1"${check}`,
    ],
    [{ code: "ENOTFOUND", message: "getaddrinfo ENOTFOUND" }, `cannot reach ${where}: no such host${check}`],
    [{ code: "ETIMEDOUT", message: "" }, `cannot reach ${where}: no answer${check}`],
    [{ code: "ERR_TLS_CERT_ALTNAME_INVALID", message: "not its name" }, `cannot reach ${where}: not its name${check}`],
  ];
  for (const [fault, line] of lines) {
    await t.test(String(fault.code), () => {
      assert.equal(connectFault(inputs, Object.assign(new Error(), fault)), line);
    });
  }
});

test("TLS modes as Node accepts them", () => {
  assert.equal(tlsOptions({ tls: "disable" }), false);
  assert.deepEqual(tlsOptions({ tls: "require" }), { rejectUnauthorized: false });
  assert.deepEqual(tlsOptions({ tls: "verify-full" }), { rejectUnauthorized: true });
  assert.deepEqual(tlsOptions({ tls: "verify-full", tlsCa: "PEM" }), { rejectUnauthorized: true, ca: "PEM" });
});
