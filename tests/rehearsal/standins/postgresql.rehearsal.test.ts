import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import pg from "pg";
import { type Postgres, startPostgres } from "../../../rehearsal/cluster/postgres.ts";
import { postgresql as make } from "../../../rehearsal/standins/postgresql/provider.ts";
import type { DiffResult, Props, ResourceHandler } from "../../../rehearsal/standins/protocol.ts";
import { openWorkspace, type Workspace } from "../../../rehearsal/engine/workspace.ts";
import { startPlainServer } from "../../support/plainServer.ts";
import { callOf } from "./call.ts";

const kinds = {
  role: "postgresql:index/role:Role",
  database: "postgresql:index/database:Database",
  schema: "postgresql:index/schema:Schema",
  grant: "postgresql:index/grant:Grant",
} as const;

let workspace: Workspace;
let server: Postgres;
const postgresql = make();

function handler(kind: keyof typeof kinds): ResourceHandler {
  return postgresql.handler(kinds[kind]) ?? assert.fail(kind);
}

const call = callOf("");

/** A resource with the state that the engine has. */
interface Kept {
  kind: keyof typeof kinds;
  id: string;
  inputs: Props;
  outputs: Props;
}

async function checked(kind: Kept["kind"], news: Props, olds?: Props): Promise<Props> {
  const result = await handler(kind).check?.(news, olds, call);
  const { inputs, failures } = result ?? assert.fail();
  assert.deepEqual(failures, []);
  return inputs;
}

async function create(kind: Kept["kind"], news: Props): Promise<Kept> {
  const inputs = await checked(kind, news);
  return { kind, inputs, ...(await handler(kind).create(inputs, false, call)) };
}

async function diff({ kind, id, inputs, outputs }: Kept, news: Props = inputs): Promise<DiffResult> {
  const result = await handler(kind).diff?.(id, inputs, outputs, await checked(kind, news, inputs), call);
  return result ?? assert.fail();
}

async function update(kept: Kept, news: Props): Promise<Kept> {
  const inputs = await checked(kept.kind, news, kept.inputs);
  const { outputs } = await handler(kept.kind).update(kept.id, kept.inputs, kept.outputs, inputs, false, call);
  return { ...kept, inputs, outputs };
}

async function refresh(kept: Kept): Promise<Kept | undefined> {
  const found = await handler(kept.kind).read(kept.id, kept.inputs, kept.outputs, call);
  return found && { ...kept, ...found };
}

async function remove({ kind, id, inputs, outputs }: Kept): Promise<void> {
  await handler(kind).delete(id, inputs, outputs, call);
}

/** Checks that a second `up` and a `refresh` find no changes. */
async function assertSettled(kept: Kept): Promise<void> {
  assert.deepEqual((await diff(kept)).changedKeys, []);
  assert.deepEqual(await refresh(kept), kept);
}

/** Queries the server directly. */
async function ask(query: string, login: Partial<pg.ClientConfig> = {}): Promise<Props[]> {
  const client = new pg.Client({ ...server, database: "postgres", ...login });
  await client.connect();
  try {
    return (await client.query<Props>(query)).rows;
  } finally {
    await client.end();
  }
}

async function configure(config: Props = {}): Promise<void> {
  const { host, port, user, password } = server;
  await postgresql.configure({ host, port: String(port), username: user, password, sslmode: "disable", ...config });
}

describe("the postgresql stand-in on a real server", () => {
  before(async () => {
    workspace = await openWorkspace();
    server = await startPostgres({ workspace });
    await configure();
  });

  after(async () => {
    await workspace.close();
  });

  test("a role is created, refreshed, changed, renamed and dropped", async () => {
    const first = await create("role", { name: "alice", login: true, password: "one", connectionLimit: 5 });
    await assertSettled(first);
    const [user] = await ask("SELECT current_user", { user: "alice", password: "one" });
    assert.deepEqual(user, { current_user: "alice" });
    await assert.rejects(create("role", { name: "alice" }), {
      message: 'error creating role alice: pq: role "alice" already exists (42710)',
    });

    const changed = { name: "alice", login: true, password: "two", createDatabase: true };
    assert.deepEqual((await diff(first, changed)).changedKeys, ["password", "connectionLimit", "createDatabase"]);
    const second = await update(first, changed);
    await assertSettled(second);
    await assert.rejects(ask("SELECT 1", { user: "alice", password: "one" }), /password authentication failed/);

    const renamed = await update(second, { ...changed, name: "alicia" });
    assert.equal(renamed.outputs.name, "alicia");
    // Quirk: Pulumi keeps the first ID, and the official plugin finds a role by its ID.
    assert.equal(await refresh(renamed), undefined);
    await remove(renamed);
    assert.deepEqual(await ask("SELECT 1 FROM pg_roles WHERE rolname LIKE 'alic%'"), []);
  });

  test("manual changes of a role are detected and corrected", async () => {
    const kept = await create("role", { name: "bob" });
    await assertSettled(kept);
    await ask("ALTER ROLE bob CREATEROLE");
    const drifted = (await refresh(kept)) ?? assert.fail();
    assert.deepEqual((await diff(drifted, kept.inputs)).changedKeys, ["createRole"]);
    const repaired = await update(drifted, { name: "bob" });
    await assertSettled(repaired);
    await ask("DROP ROLE bob");
    assert.equal(await refresh(repaired), undefined);
  });

  test("objects of a role are dropped with it by default", async () => {
    const owner = await create("role", { name: "owner", skipReassignOwned: true });
    await ask("CREATE TABLE owned (a int); ALTER TABLE owned OWNER TO owner");
    await assert.rejects(remove(owner), /could not delete role owner: pq: role "owner" cannot be dropped .* \(2BP01\)/);
    const other = await update(owner, { name: "owner" });
    await remove(other);
    assert.deepEqual(await ask("SELECT tableowner FROM pg_tables WHERE tablename = 'owned'"), [
      { tableowner: "postgres" },
    ]);
    const kept = await create("role", { name: "keep", skipDropRole: true });
    await remove(kept);
    assert.equal((await ask("SELECT 1 FROM pg_roles WHERE rolname = 'keep'")).length, 1);
  });

  test("a database is created, refreshed, changed and dropped despite connections", async () => {
    const owner = await create("role", { name: "db_owner" });
    const first = await create("database", { name: "shop", owner: "db_owner" });
    await assertSettled(first);
    const { encoding, template, tablespaceName, allowConnections, isTemplate } = first.outputs;
    assert.deepEqual(
      { encoding, template, tablespaceName, allowConnections, isTemplate },
      {
        encoding: "UTF8",
        template: "template0",
        tablespaceName: "pg_default",
        allowConnections: true,
        isTemplate: false,
      },
    );
    await assert.rejects(create("database", { name: "shop" }), {
      message: 'error creating database "shop": pq: database "shop" already exists (42P04)',
    });
    const second = await update(first, {
      name: "shop",
      owner: "postgres",
      connectionLimit: 3,
      alterObjectOwnership: true,
    });
    await assertSettled(second);
    assert.equal(second.outputs.owner, "postgres");

    const guest = new pg.Client({ ...server, database: "shop" });
    guest.on("error", () => undefined);
    const ended = new Promise<void>((resolve) => guest.once("end", resolve));
    await guest.connect();
    await remove(second);
    await ended;
    assert.equal(await refresh(second), undefined);
    await remove(owner);
  });

  test("a schema is adopted or created, and dropped only if it is empty", async () => {
    const database = await create("database", { name: "rooms" });
    const role = await create("role", { name: "keeper" });
    // Quirk: an existing schema is adopted even with ifNotExists false.
    const adopted = await create("schema", { name: "public", database: "rooms", owner: "keeper", ifNotExists: false });
    assert.equal(adopted.id, "rooms.public");
    await assertSettled(adopted);
    const made = await create("schema", { database: "rooms" });
    await assertSettled(made);
    assert.match(String(made.outputs.name), /^thing-[0-9a-f]{7}$/);

    await ask("CREATE TABLE public.t (a int)", { database: "rooms" });
    await assert.rejects(remove(adopted), /error deleting schema: pq: cannot drop schema public because .* \(2BP01\)/);
    const cascading = await update(adopted, { name: "public", database: "rooms", owner: "keeper", dropCascade: true });
    await remove(cascading);
    assert.equal(await refresh(cascading), undefined);
    // Dropping a missing schema is not an error.
    await remove(cascading);
    await remove(made);
    await remove(database);
    await remove(role);
  });

  test("grants are created, refreshed after drift, and revoked", async () => {
    const database = await create("database", { name: "vault" });
    const role = await create("role", { name: "reader" });
    const on = { database: "vault", role: "reader" };
    const grants = [
      await create("grant", { ...on, objectType: "database", privileges: ["ALL"] }),
      await create("grant", { ...on, objectType: "schema", schema: "public", privileges: ["USAGE", "CREATE"] }),
      await create("grant", { ...on, objectType: "database", role: "public", privileges: ["CONNECT"] }),
    ];
    assert.deepEqual(
      grants.map(({ id }) => id),
      ["reader_vault_database", "reader_vault_public_schema", "public_vault_database"],
    );
    for (const grant of grants) await assertSettled(grant);

    const schema = grants[1] ?? assert.fail();
    await ask("REVOKE CREATE ON SCHEMA public FROM reader", { database: "vault" });
    const drifted = (await refresh(schema)) ?? assert.fail();
    assert.deepEqual(drifted.outputs.privileges, ["USAGE"]);
    const repaired = await update(drifted, schema.inputs);
    await assertSettled(repaired);
    const fewer = await update(repaired, { ...schema.inputs, privileges: ["USAGE"] });
    await assertSettled(fewer);
    const privileges = `SELECT has_schema_privilege('reader', 'public', 'CREATE') AS create`;
    assert.deepEqual(await ask(privileges, { database: "vault" }), [{ create: false }]);
    const replaced = await diff(fewer, { ...fewer.inputs, withGrantOption: true });
    assert.deepEqual([replaced.replaces, replaced.deleteBeforeReplace], [["withGrantOption"], true]);

    for (const grant of grants.toReversed()) await remove(grant);
    await remove(database);
    assert.equal(await refresh(schema), undefined);
    await remove(role);
  });

  test("invalid grants are refused", async () => {
    const on = { database: "postgres", role: "postgres" };
    const refused: [Props, RegExp][] = [
      [
        { objectType: "database", privileges: ["SELECT"] },
        /SELECT is not an allowed privilege for object type database/,
      ],
      [{ objectType: "schema", privileges: ["USAGE"] }, /parameter 'schema' is mandatory/],
      [{ objectType: "table", schema: "public", privileges: ["SELECT"] }, /does not grant on table, only on database/],
      [{ objectType: "schema", schema: "nowhere", privileges: [] }, /could not find schema 'nowhere'/],
    ];
    for (const [news, reason] of refused) await assert.rejects(create("grant", { ...on, ...news }), reason);
  });

  test("a failing statement is rolled back", async () => {
    const whole = await create("role", { name: "whole" });
    await assert.rejects(update(whole, { name: "half", validUntil: "someday" }), /error updating role VALID UNTIL/);
    assert.deepEqual(await ask("SELECT rolname FROM pg_roles WHERE rolname IN ('whole', 'half')"), [
      { rolname: "whole" },
    ]);
    await remove(whole);
  });

  test("an admin who is not a superuser joins the owners for the duration of an operation", async () => {
    const password = "not-secret";
    await ask(`CREATE ROLE admin LOGIN CREATEDB CREATEROLE PASSWORD '${password}'`);
    await configure({ username: "admin", password });
    const login = { name: "app", login: true, password: "app" };
    await assert.rejects(
      create("role", login),
      /connected user admin is not a SUPERUSER. You can set `superuser = false`/,
    );
    await ask("DROP ROLE app");

    await configure({ username: "admin", password, superuser: "false" });
    const role = await create("role", login);
    const database = await create("database", { name: "app", owner: "app" });
    const schema = await create("schema", { name: "app", database: "app", owner: "app" });
    const grant = await create("grant", { role: "public", database: "app", objectType: "schema", schema: "app", privileges: ["USAGE"] }); // prettier-ignore
    for (const kept of [role, database, schema, grant]) await assertSettled(kept);
    const usable = await ask(
      `SELECT 1 FROM pg_auth_members
       WHERE pg_get_userbyid(roleid) = 'app' AND pg_get_userbyid(member) = 'admin' AND set_option`,
    );
    assert.deepEqual(usable, []);
    for (const kept of [grant, schema, database, role]) await remove(kept);
    await configure();
    await ask("DROP ROLE admin");
  });

  test("a failed connection is one line with the server, without the password", async () => {
    const { host, port } = server;
    const at = `error connecting to PostgreSQL server ${host}:${port} (scheme: postgres): `;
    const plain = await startPlainServer();
    const reasons: [Props, string][] = [
      [{ password: "wrong-one" }, `${at}pq: password authentication failed for user "postgres" (28P01)`],
      [{ database: "none" }, `${at}pq: database "none" does not exist (3D000)`],
      [
        { port: String(plain.port), sslmode: undefined },
        `error connecting to PostgreSQL server ${host}:${plain.port} (scheme: postgres): pq: SSL is not enabled on the server`,
      ],
      [
        { port: "1" },
        `error connecting to PostgreSQL server ${host}:1 (scheme: postgres): dial tcp ${host}:1: connect: connection refused`,
      ],
      [
        { sslmode: "sometimes" },
        `${at}pq: wrong value for "sslmode": "sometimes" is not supported; supported values are disable, allow, prefer, require, verify-ca, verify-full`,
      ],
    ];
    for (const [config, message] of reasons) {
      await configure(config);
      await assert.rejects(create("role", { name: "never" }), { message });
    }
    plain.close();
    await configure();
  });
});
