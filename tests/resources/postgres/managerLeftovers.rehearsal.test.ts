import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { after, afterEach, before, beforeEach, test } from "node:test";
import { Client } from "pg";
import { clearDatabase, clearRole } from "../../../resources/postgres/managerLeftovers.ts";
import * as names from "../../../resources/postgres/managerNamesProvider.ts";
import type { SqlTarget } from "../../../resources/postgres/sqlSession.ts";
import { type Postgres, startPostgres } from "../../../rehearsal/cluster/postgres.ts";
import { waitFor } from "../../../rehearsal/cluster/waiting.ts";
import { openWorkspace, type Workspace } from "../../../rehearsal/engine/workspace.ts";

const password = randomBytes(12).toString("hex");
const role = { name: "pulsar_manager" };
const database = { name: "manager data", owner: role.name };
const [quotedRole, quotedDatabase] = [`"${role.name}"`, `"${database.name}"`];

let workspace: Workspace;
let postgres: Postgres;
/** A role that may create roles and databases but is not a superuser. */
let admin: SqlTarget;

before(async () => {
  workspace = await openWorkspace();
  postgres = await startPostgres({ workspace });
  await sql(`CREATE ROLE dba LOGIN CREATEROLE CREATEDB PASSWORD '${password}'`);
  await sql("CREATE ROLE other");
  const { host, port } = postgres;
  admin = { host, port, database: "postgres", user: "dba", password, tls: "disable" };
});

after(() => workspace.close());

beforeEach(async () => {
  await asAdmin(`CREATE ROLE ${quotedRole} LOGIN`);
});

afterEach(async () => {
  await sql(`DROP DATABASE IF EXISTS ${quotedDatabase}`);
  await sql(`DROP ROLE IF EXISTS ${quotedRole}`);
});

async function run(login: { user: string; password: string; database: string }, statement: string) {
  const client = new Client({ host: postgres.host, port: postgres.port, ...login });
  await client.connect();
  try {
    return (await client.query<Record<string, unknown>>(statement)).rows;
  } finally {
    await client.end();
  }
}

const sql = (statement: string, inDatabase = "postgres") => run({ ...postgres, database: inDatabase }, statement);
const asAdmin = (statement: string) => run(admin, statement);

/** As the provider does. */
async function makeDatabase(): Promise<void> {
  await asAdmin(`GRANT ${quotedRole} TO dba`);
  await asAdmin(`CREATE DATABASE ${quotedDatabase} OWNER ${quotedRole} TEMPLATE template0`);
}

async function there(): Promise<string[]> {
  const { outs } = await names.create({ ...admin, names: { role: role.name, database: database.name } });
  return outs?.taken ?? [];
}

/** Asserts that the role or database is kept, and the reason. */
async function refuses(work: Promise<unknown>, what: "role" | "database", why: string): Promise<void> {
  const [name, setting] = what === "role" ? [role.name, "user"] : [database.name, "name"];
  const message =
    `${what} "${name}" already exists on PostgreSQL at ${postgres.host}:${postgres.port} and ${why}; drop it, set another name ` +
    `(pulsar:managerDatabase.${setting}), or use the existing role and database (pulsar:managerDatabase.create: false)`;
  await assert.rejects(work, { message });
  assert.ok((await there()).includes(what));
}

test("existing names are found by kind", async () => {
  assert.deepEqual(await there(), ["role"]);
  await makeDatabase();
  assert.deepEqual(await there(), ["role", "database"]);
  const swapped = { role: database.name, database: role.name };
  assert.deepEqual((await names.create({ ...admin, names: swapped })).outs?.taken, []);
});

test("nothing is done without leftovers", async () => {
  await asAdmin(`DROP ROLE ${quotedRole}`);
  for (const taken of [false, true]) {
    assert.equal(await clearRole(admin, role, taken), false);
    assert.equal(await clearDatabase(admin, database, taken), false);
  }
});

test("a leftover is dropped, also by an admin who is not a superuser, and its membership is revoked", async () => {
  await makeDatabase();
  await asAdmin(`REVOKE ${quotedRole} FROM dba`);
  assert.equal(await clearDatabase(admin, database, false), true);
  assert.deepEqual(await there(), ["role"]);
  const mine = "grantor = 'dba'::regrole AND member = 'dba'::regrole";
  assert.deepEqual(await sql(`SELECT FROM pg_auth_members WHERE ${mine}`), []);

  assert.equal(await clearRole(admin, role, false), true);
  assert.deepEqual(await there(), []);
});

test("objects that existed before the stack are kept, even if they look like leftovers", async () => {
  await refuses(clearRole(admin, role, true), "role", "existed before this stack first tried to create it");
  await makeDatabase();
  await refuses(clearDatabase(admin, database, true), "database", "existed before this stack first tried to create it");
});

test("a role that shares a membership is kept", async () => {
  const left = "is not what an interrupted up leaves behind";
  for (const [grant, revoke] of [
    [`GRANT other TO ${quotedRole}`, `REVOKE other FROM ${quotedRole}`],
    [`GRANT ${quotedRole} TO other`, `REVOKE ${quotedRole} FROM other`],
  ] as const) {
    await sql(grant);
    await refuses(clearRole(admin, role, false), "role", `${left} (it shares membership with other)`);
    await sql(revoke);
  }
});

test("a role that owns something is kept, with PostgreSQL's reason", async () => {
  await makeDatabase();
  const reason = `role "pulsar_manager" cannot be dropped because some objects depend on it: owner of database ${database.name}`;
  await refuses(clearRole(admin, role, false), "role", `cannot be dropped and created again (${reason})`);
});

test("a database of another owner is kept", async () => {
  await asAdmin(`CREATE DATABASE ${quotedDatabase}`);
  const why = "is not what an interrupted up leaves behind (it is owned by dba)";
  await refuses(clearDatabase(admin, database, false), "database", why);
});

test("a database with any objects is kept", async () => {
  const made: [string, string, string][] = [
    ["CREATE TABLE users (id int)", "table users, type users[], type users", "DROP TABLE users"],
    ["CREATE SCHEMA private", "schema private", "DROP SCHEMA private"],
    ["SELECT lo_create(20000)", "large object 20000", "SELECT lo_unlink(20000)"],
  ];
  await makeDatabase();
  for (const [statement, found, undo] of made) {
    await sql(statement, database.name);
    const why = `is not what an interrupted up leaves behind (it contains ${found})`;
    await refuses(clearDatabase(admin, database, false), "database", why);
    await sql(undo, database.name);
  }
  assert.equal(await clearDatabase(admin, database, false), true);
});

test("the creation by a killed client is awaited", async () => {
  await asAdmin(`GRANT ${quotedRole} TO dba`);
  const blocker = new Client({ ...postgres, database: "postgres" });
  await blocker.connect();
  try {
    // The database is locked for writes then, but can be read.
    await blocker.query("BEGIN; LOCK TABLE pg_database IN EXCLUSIVE MODE");
    const creation = makeDatabase();
    const waiting = "SELECT 1 FROM pg_stat_activity WHERE query LIKE 'CREATE DATABASE%' AND wait_event_type = 'Lock'";
    await waitFor(async () => (await sql(waiting))[0], { what: "the creation", limit: 10_000, every: 20 });

    const cleared = clearDatabase(admin, database, false);
    const looking = "SELECT 1 FROM pg_stat_activity WHERE query LIKE '%left(query, length($1))%' AND state = 'idle'";
    await waitFor(async () => (await sql(looking))[0], { what: "the first look", limit: 10_000, every: 20 });
    await blocker.query("COMMIT");
    await creation;
    assert.equal(await cleared, true);
    assert.deepEqual(await there(), ["role"]);
  } finally {
    await blocker.end();
  }
});
