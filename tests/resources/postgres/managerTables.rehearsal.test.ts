import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { after, before, beforeEach, test } from "node:test";
import { Client } from "pg";
import * as provider from "../../../resources/postgres/managerTablesProvider.ts";
import { managerSchema } from "../../../model/managerSchemas/index.ts";
import { type Postgres, startPostgres } from "../../../rehearsal/cluster/postgres.ts";
import { openWorkspace, type Workspace } from "../../../rehearsal/engine/workspace.ts";
import { startPlainServer } from "../../support/plainServer.ts";

const schema = managerSchema("v0.2.0");
const user = "pulsar_manager";
const password = randomBytes(12).toString("hex");

let workspace: Workspace;
let postgres: Postgres;
let databases = 0;
/** The inputs of the resource. Every test has its own database. */
let inputs: provider.ManagerTablesInputs;

before(async () => {
  workspace = await openWorkspace();
  postgres = await startPostgres({ workspace });
  await asSuperuser("postgres", `CREATE ROLE ${user} LOGIN PASSWORD '${password}'`);
});

after(() => workspace.close());

beforeEach(async () => {
  databases += 1;
  const database = `manager_${databases}`;
  await asSuperuser("postgres", `CREATE DATABASE ${database} OWNER ${user}`);
  inputs = {
    host: postgres.host,
    port: postgres.port,
    database,
    user,
    password,
    tls: "disable",
    schemaVersion: schema.version,
    sql: schema.sql,
    tables: [...schema.tables],
    deleteTables: false,
  };
});

async function query(
  login: { user: string; password: string },
  database: string,
  sql: string,
): Promise<Record<string, unknown>[]> {
  const client = new Client({ host: postgres.host, port: postgres.port, database, ...login });
  await client.connect();
  try {
    return (await client.query<Record<string, unknown>>(sql)).rows;
  } finally {
    await client.end();
  }
}

const asSuperuser = (database: string, sql: string) => query(postgres, database, sql);
const asManager = (sql: string) => query({ user, password }, inputs.database, sql);

/** The names of all tables in the schema public of the database. */
async function tablesThere(): Promise<string[]> {
  const rows = await asSuperuser(inputs.database, "SELECT tablename FROM pg_tables WHERE schemaname = 'public'");
  return rows.map((row) => String(row.tablename)).sort();
}

const allTables = [...schema.tables].sort();

/** The statement that creates a table. */
function statementOf(table: string): string {
  const [statement] = new RegExp(`CREATE TABLE IF NOT EXISTS ${table} .*?;`, "s").exec(schema.sql) ?? [];
  assert.ok(statement);
  return statement;
}

/** Lets the server log every CREATE, ALTER and DROP in the database from now on, including those without effect. */
async function watchDdl(): Promise<() => Promise<string[]>> {
  await asSuperuser(
    inputs.database,
    `CREATE SCHEMA watch;
     CREATE TABLE watch.seen (command text);
     CREATE FUNCTION watch.note() RETURNS event_trigger LANGUAGE plpgsql SECURITY DEFINER
       AS $$ BEGIN INSERT INTO watch.seen VALUES (tg_tag); END $$;
     CREATE EVENT TRIGGER watch ON ddl_command_start EXECUTE FUNCTION watch.note();`,
  );
  return async () => {
    const rows = await asSuperuser(inputs.database, "SELECT command FROM watch.seen");
    return rows.map((row) => String(row.command));
  };
}

async function create() {
  const { id, outs } = await provider.create(inputs);
  assert.ok(outs);
  return { id, state: outs };
}

async function faultOf(work: Promise<unknown>): Promise<string> {
  const fault: unknown = await work.then(
    () => assert.fail("did not fail"),
    (error: unknown) => error,
  );
  assert.ok(fault instanceof Error);
  assert.ok(!fault.message.includes("\n"), "more than one line");
  assert.ok(!fault.message.includes(password), "shows the password");
  return fault.message;
}

/** One row for every table, with values for the required columns, in the schema's order because of the foreign keys. */
const insertions: Record<string, string> = {
  environments: "(name, broker) VALUES ('e', 'b')",
  topics_stats:
    "(environment, cluster, broker, tenant, namespace, bundle, persistent, topic) VALUES ('e', 'c', 'b', 't', 'n', 'u', 'p', 't')",
  publishers_stats: "(topic_stats_id, producer_name) VALUES (1, 'p')",
  replications_stats: "(topic_stats_id, cluster) VALUES (1, 'c')",
  subscriptions_stats: "(topic_stats_id) VALUES (1)",
  consumers_stats: "(consumer, topic_stats_id) VALUES ('c', 1)",
  tokens: "(role, token) VALUES ('r', 't')",
  users: "(name) VALUES ('n')",
  roles:
    "(role_name, role_source, resource_id, resource_type, resource_name, resource_verbs, flag) VALUES ('r', 's', 1, 't', 'n', 'v', 0)",
  tenants: "(tenant) VALUES ('t')",
  namespaces: "(tenant, namespace) VALUES ('t', 'n')",
  role_binding: "(name, role_id, user_id) VALUES ('n', 1, 1)",
};

test("the manager's user can log in and read and write all twelve tables", async () => {
  const { id, state } = await create();
  assert.equal(id, inputs.database);
  assert.deepEqual(state.tables, schema.tables);
  assert.match(state.sha256, /^[0-9a-f]{64}$/);

  assert.deepEqual(Object.keys(insertions), schema.tables);
  for (const [table, row] of Object.entries(insertions)) {
    await asManager(`INSERT INTO ${table} ${row}`);
    assert.equal((await asManager(`SELECT * FROM ${table}`)).length, 1, table);
  }
  // The constraints that the manager relies on exist, too.
  await assert.rejects(asManager("INSERT INTO publishers_stats (topic_stats_id, producer_name) VALUES (99, 'p')"), {
    code: "23503",
  });
  await assert.rejects(asManager("INSERT INTO namespaces (tenant, namespace) VALUES ('t', 'n')"), { code: "23505" });
});

test("a refresh without drift changes nothing, and no update runs a statement of the schema", async () => {
  const { id, state } = await create();
  const ddl = await watchDdl();

  const { props } = await provider.read(id, state);
  assert.deepEqual(props, state);
  assert.equal(provider.diff(id, state, inputs).changes, false);

  // Another name of the server: it checks, and finds everything.
  const moved = { ...inputs, host: "localhost" };
  assert.deepEqual(await provider.update(id, state, moved), { outs: { ...state, host: "localhost" } });
  assert.deepEqual(await ddl(), []);
});

test("changed statements are run", async () => {
  const { id, state } = await create();
  const ddl = await watchDdl();
  const news = { ...inputs, schemaVersion: "next", sql: `${schema.sql}\nALTER TABLE roles ADD COLUMN more int;` };
  const { outs } = await provider.update(id, state, news);
  assert.notEqual(outs?.sha256, state.sha256);
  assert.ok((await ddl()).includes("ALTER TABLE"));
  await asManager("SELECT more FROM roles");
});

test("a dropped table is found by a refresh and created again, and the rows of the others are kept", async () => {
  const { id, state } = await create();
  await asManager(`INSERT INTO tenants ${insertions.tenants ?? ""}`);
  await asManager("DROP TABLE roles");

  const { props, inputs: found } = await provider.read(id, state);
  const rest = schema.tables.filter((table) => table !== "roles");
  assert.deepEqual(props, { ...state, tables: rest });
  assert.deepEqual(found, { ...inputs, tables: rest });
  assert.ok(props);
  assert.equal(provider.diff(id, props, inputs).changes, true);

  assert.deepEqual(await provider.update(id, props, inputs), { outs: state });
  assert.deepEqual(await tablesThere(), allTables);
  assert.equal((await asManager("SELECT * FROM tenants")).length, 1);
});

test("a dropped database has no tables after a refresh", async () => {
  const { id, state } = await create();
  await asSuperuser("postgres", `DROP DATABASE ${inputs.database}`);
  const { props } = await provider.read(id, state);
  assert.deepEqual(props?.tables, []);
  assert.equal(
    await faultOf(provider.create(inputs)),
    `PostgreSQL at ${inputs.host}:${inputs.port} has no database ${inputs.database}; create it, or check pulsar:managerDatabase`,
  );
});

test("a rotated password is an update that checks the password", async () => {
  const { id, state } = await create();
  const refusal = `PostgreSQL at ${inputs.host}:${inputs.port} (database ${inputs.database}) refused the password of user ${user}, or there is no such user; check pulsar:managerDatabase and its passwords`;
  const news = { ...inputs, password: "another" };
  assert.equal(await faultOf(provider.update(id, state, news)), refusal);
  assert.equal(
    await faultOf(provider.read(id, { ...state, password: "another" })),
    `tables of Pulsar Manager: ${refusal}`,
  );

  const ddl = await watchDdl();
  await asSuperuser("postgres", `ALTER ROLE ${user} PASSWORD 'another'`);
  try {
    assert.deepEqual(await provider.update(id, state, news), { outs: { ...state, password: "another" } });
  } finally {
    await asSuperuser("postgres", `ALTER ROLE ${user} PASSWORD '${password}'`);
  }
  assert.deepEqual(await ddl(), []);
});

test("a server without TLS is refused if TLS is required", async () => {
  const plain = await startPlainServer();
  try {
    assert.equal(
      await faultOf(provider.create({ ...inputs, port: plain.port, tls: "require" })),
      `cannot reach PostgreSQL at ${inputs.host}:${plain.port} (database ${inputs.database}, user ${user}): The server does not support SSL connections; check the server, the network and pulsar:managerDatabase`,
    );
  } finally {
    plain.close();
  }
});

test("a failing statement is rolled back and reported with its line", async () => {
  inputs.sql = `${schema.sql}CREATE TABLE broken (\n  name NO_SUCH_TYPE\n);\n`;
  const line = schema.sql.split("\n").length + 1;
  assert.equal(
    await faultOf(provider.create(inputs)),
    `the schema of Pulsar Manager v0.2.0 failed, nothing was changed: type "no_such_type" does not exist (line ${line}); fix the cause, or use an empty database (pulsar:managerDatabase.name)`,
  );
  assert.deepEqual(await tablesThere(), []);
});

test("a connection that breaks is rolled back, and the next attempt succeeds", async () => {
  const sql = `${schema.sql}SELECT pg_terminate_backend(pg_backend_pid());`;
  await faultOf(provider.create({ ...inputs, sql }));
  assert.deepEqual(await tablesThere(), []);
  await create();
  assert.deepEqual(await tablesThere(), allTables);
});

test("statements that omit a named table are refused", async () => {
  inputs.tables = [...schema.tables, "audit"];
  assert.equal(
    await faultOf(provider.create(inputs)),
    "the tables of Pulsar Manager v0.2.0 cannot be used, nothing was changed: audit is missing; grant access to them, or use an empty database (pulsar:managerDatabase.name)",
  );
  assert.deepEqual(await tablesThere(), []);
});

test("tables of another owner without grants are reported with their owner", async () => {
  await asSuperuser(inputs.database, statementOf("users"));
  await asSuperuser(inputs.database, `${statementOf("tokens")} GRANT ALL ON tokens TO ${user}`);
  assert.equal(
    await faultOf(provider.create(inputs)),
    "the tables of Pulsar Manager v0.2.0 cannot be used, nothing was changed: " +
      "tokens is owned by postgres, which has not granted access to it and users is owned by postgres, which has not granted access to it; " +
      "grant access to them, or use an empty database (pulsar:managerDatabase.name)",
  );

  await asSuperuser(
    inputs.database,
    `GRANT ALL ON users TO ${user}; GRANT ALL ON ALL SEQUENCES IN SCHEMA public TO ${user}`,
  );
  await create();
});

test("tables of another version are refused, older or newer, and not changed", async () => {
  const other = managerSchema("v0.4.0");
  const others = { schemaVersion: other.version, sql: other.sql, tables: [...other.tables] };
  const { id, state } = await create();
  await asManager(`INSERT INTO tenants ${insertions.tenants ?? ""}`);
  const advice = "use an empty database (pulsar:managerDatabase.name), or see docs/operations/migrate-to-pulsar-4.md";
  assert.equal(
    await faultOf(provider.update(id, state, { ...inputs, ...others })),
    "the database has tables of a version other than Pulsar Manager v0.4.0, nothing was changed: " +
      `environments has no column bookie; ${advice}`,
  );
  assert.deepEqual(await tablesThere(), allTables);
  assert.equal((await asManager("SELECT * FROM tenants")).length, 1);

  await asSuperuser("postgres", `CREATE DATABASE ${inputs.database}_4 OWNER ${user}`);
  const database = { database: `${inputs.database}_4` };
  await provider.create({ ...inputs, ...others, ...database });
  assert.equal(
    await faultOf(provider.create({ ...inputs, ...database })),
    "the database has tables of a version other than Pulsar Manager v0.2.0, nothing was changed: " +
      `environments has a column bookie that requires a value; ${advice}`,
  );
});

test("a destroy keeps the tables and their rows", async () => {
  const { id, state } = await create();
  await asManager(`INSERT INTO tenants ${insertions.tenants ?? ""}`);
  await provider.remove(id, state);
  assert.deepEqual(await tablesThere(), allTables);
  assert.equal((await asManager("SELECT * FROM tenants")).length, 1);
});

test("a destroy with the option to drop the tables drops only these", async () => {
  const { id, state } = await create();
  await asManager("CREATE TABLE own (id int)");
  await provider.remove(id, { ...state, deleteTables: true });
  assert.deepEqual(await tablesThere(), ["own"]);

  // An interrupted destroy can be repeated.
  await provider.remove(id, { ...state, deleteTables: true });
  await asSuperuser("postgres", `DROP DATABASE ${inputs.database}`);
  await provider.remove(id, { ...state, deleteTables: true });
});

test("an object that depends on the tables prevents their removal and is reported", async () => {
  const { id, state } = await create();
  await asManager("CREATE VIEW report AS SELECT * FROM tenants");
  assert.equal(
    await faultOf(provider.remove(id, { ...state, deleteTables: true })),
    "tables of Pulsar Manager: PostgreSQL did not drop them: cannot drop desired object(s) because other objects depend on them " +
      "(view report depends on table tenants); fix the cause, or set pulsar:managerDatabase.deleteData to false",
  );
  assert.deepEqual(await tablesThere(), allTables);
});

for (const name of ["pulsar-manager", "PulsarMgr", "mgr@srv01", 'it\'s "odd" ${x} 100%/ü']) {
  test(`database and role may have any valid name: ${name}`, async () => {
    const quoted = `"${name.replaceAll('"', '""')}"`;
    await asSuperuser("postgres", `CREATE ROLE ${quoted} LOGIN PASSWORD '${password}'`);
    await asSuperuser("postgres", `CREATE DATABASE ${quoted} OWNER ${quoted}`);
    inputs = { ...inputs, database: name, user: name, deleteTables: true };
    const { id, outs } = await provider.create(inputs);
    assert.ok(outs);
    assert.deepEqual(await tablesThere(), allTables);
    const { props } = await provider.read(id, outs);
    assert.deepEqual([...(props?.tables ?? [])].sort(), allTables);
    await provider.remove(id, outs);
    assert.deepEqual(await tablesThere(), []);
  });
}
