import { setTimeout as wait } from "node:timers/promises";
import * as pulumi from "@pulumi/pulumi";
import type { Client, DatabaseError } from "pg";
import { fault } from "../kit/fault.ts";
import type { ManagerNames } from "./managerNames.ts";
import type { Names } from "./managerNamesProvider.ts";
import { codeOf, type SqlTarget, withSession } from "./sqlSession.ts";

/** How long to wait for a CREATE DATABASE whose client is gone, in milliseconds. */
const creationLimit = 60_000;
/** Milliseconds between two queries. */
const pause = 200;

/** The setting that names the role or database. */
const settingOf: Readonly<Record<keyof Names, string>> = {
  role: "pulsar:managerDatabase.user",
  database: "pulsar:managerDatabase.name",
};

/**
 * Drops a leftover role or database right before the provider creates it. An `up` that was killed after PostgreSQL had created one, but before
 * the state recorded it, leaves it behind, and every later `up` would fail with "already exists".
 *
 * It is a leftover only if the name was free when the stack first used it (`ManagerNames`), it is not in the state, and it is unchanged since its
 * creation: a role that owns nothing and shares no membership, or an empty database of that role. Anything else is kept and ends the `up`.
 *
 * @param server the server, with the administrator's login
 */
export function leftoverHooks(
  name: string,
  server: pulumi.Output<SqlTarget>,
  names: ManagerNames,
): Record<keyof Names, pulumi.ResourceHook> {
  const hook = (what: keyof Names, clear: typeof clearRole | typeof clearDatabase) =>
    new pulumi.ResourceHook(`${name}-make-room-for-${what}`, async ({ newInputs }) => {
      const [target, taken] = await known(pulumi.all([server, names.taken]));
      const wanted = newInputs as { name: string; owner: string };
      try {
        if (!(await clear(target, wanted, taken.includes(what)))) return;
      } catch (error) {
        // The engine prints the stack of a hook's error.
        throw fault((error as Error).message);
      }
      await pulumi.log.warn(`dropped the ${what} "${wanted.name}", which an interrupted up had left behind`);
    });
  return { role: hook("role", clearRole), database: hook("database", clearDatabase) };
}

/** The value of an output. In a hook it is known, because the hook's resource depends on it. */
function known<T>(output: pulumi.Output<T>): Promise<T> {
  return new Promise((resolve) => void output.apply(resolve));
}

/**
 * @param taken whether the name was taken when the stack first used it
 * @returns whether a leftover was dropped
 * @throws Error of one line: the role, why it is kept, and what to do
 */
export async function clearRole(server: SqlTarget, { name }: { name: string }, taken: boolean): Promise<boolean> {
  return withSession(server, async (session) => {
    const { rows } = await session.query<{ members: string[] }>(
      // Since PostgreSQL 16, the creator of a role becomes its member.
      `SELECT ARRAY(
         SELECT pg_get_userbyid(CASE roleid WHEN r.oid THEN member ELSE roleid END)::text FROM pg_auth_members
         WHERE r.oid IN (roleid, member) AND pg_get_userbyid(member) <> CURRENT_USER
       ) AS members FROM pg_roles r WHERE rolname = $1`,
      [name],
    );
    const [found] = rows;
    if (found === undefined) return false;
    const refuse = (why: string) => refusal(server, "role", name, why);
    if (taken) throw refuse("existed before this stack first tried to create it");
    if (found.members.length > 0)
      throw refuse(`is not what an interrupted up leaves behind (it shares membership with ${list(found.members)})`);
    await drop(session, `ROLE ${session.escapeIdentifier(name)}`, refuse);
    return true;
  });
}

/**
 * @param wanted the database, and the role that will own it
 * @param taken whether the name was taken when the stack first used it
 * @returns whether a leftover was dropped
 * @throws Error of one line: the database, why it is kept, and what to do
 */
export async function clearDatabase(
  server: SqlTarget,
  { name, owner }: { name: string; owner: string },
  taken: boolean,
): Promise<boolean> {
  return withSession(server, async (session) => {
    const [database, role] = [session.escapeIdentifier(name), session.escapeIdentifier(owner)];
    const refuse = (why: string) => refusal(server, "database", name, why);
    if (!(await isCreated(session, database))) throw refuse("is still being created");
    const { rows } = await session.query<{ owner: string }>(
      "SELECT pg_get_userbyid(datdba) AS owner FROM pg_database WHERE datname = $1",
      [name],
    );
    const [found] = rows;
    if (found === undefined) return false;
    if (taken) throw refuse("existed before this stack first tried to create it");
    const left = "is not what an interrupted up leaves behind";
    if (found.owner !== owner) throw refuse(`${left} (it is owned by ${found.owner})`);
    const held = await withSession({ ...server, database: name }, contents);
    if (held.length > 0) throw refuse(`${left} (it contains ${list(held)})`);
    // Without superuser rights, only a member of the owning role can drop the database. A killed creation may also have left this grant.
    await session.query(`GRANT ${role} TO CURRENT_USER`);
    try {
      await drop(session, `DATABASE ${database}`, refuse);
    } finally {
      await session.query(`REVOKE ${role} FROM CURRENT_USER`);
    }
    return true;
  });
}

/** Waits for a running creation: PostgreSQL continues a CREATE DATABASE whose client is gone. @returns whether it has ended in time */
async function isCreated(session: Client, database: string): Promise<boolean> {
  const statement = `CREATE DATABASE ${database} `;
  const deadline = performance.now() + creationLimit;
  for (;;) {
    const { rows } = await session.query(
      "SELECT FROM pg_stat_activity WHERE state = 'active' AND pid <> pg_backend_pid() AND left(query, length($1)) = $1",
      [statement],
    );
    if (rows.length === 0) return true;
    if (performance.now() > deadline) return false;
    await wait(pause);
  }
}

/** The objects that were created in the session's database; none in one that was just created from template0. */
async function contents(session: Client): Promise<string[]> {
  const catalogs = ["pg_class", "pg_proc", "pg_type", "pg_namespace", "pg_extension"];
  const selects = catalogs.map((name) => `SELECT '${name}'::regclass AS catalog, oid FROM ${name}`);
  // pg_describe_object expects large objects under the catalog that holds their data.
  selects.push("SELECT 'pg_largeobject'::regclass, oid FROM pg_largeobject_metadata");
  // Only initdb assigns object ids below FirstNormalObjectId (access/transam.h).
  const { rows } = await session.query<{ what: string }>(
    `SELECT pg_describe_object(catalog, oid, 0) AS what FROM (${selects.join(" UNION ALL ")}) AS objects
     WHERE oid >= 16384 ORDER BY oid`,
  );
  return rows.map(({ what }) => what);
}

async function drop(session: Client, what: string, refuse: (why: string) => Error): Promise<void> {
  try {
    await session.query(`DROP ${what}`);
  } catch (error) {
    const { message, detail } = error as DatabaseError;
    // 2BP01: something depends on it, 55006: somebody is using it; `detail` names it.
    const reason = ["2BP01", "55006"].includes(codeOf(error) ?? "") && detail ? `${message}: ${detail}` : message;
    throw refuse(`cannot be dropped and created again (${reason.replaceAll("\n", ", ")})`);
  }
}

function refusal({ host, port }: SqlTarget, what: keyof Names, name: string, why: string): Error {
  return new Error(
    `${what} "${name}" already exists on PostgreSQL at ${host}:${port} and ${why}; drop it, set another name (${settingOf[what]}), ` +
      "or use the existing role and database (pulsar:managerDatabase.create: false)",
  );
}

/** The first few, and how many more. */
function list(items: string[]): string {
  const shown = items.slice(0, 3).join(", ");
  return items.length > 3 ? `${shown} and ${items.length - 3} more` : shown;
}
