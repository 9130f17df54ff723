import { setTimeout as wait } from "node:timers/promises";
import * as pulumi from "@pulumi/pulumi";
import type { Client, DatabaseError } from "pg";
import { fault } from "../kit/fault.ts";
import type { ManagerNames } from "./managerNames.ts";
import type { Names } from "./managerNamesProvider.ts";
import { codeOf, type SqlTarget, withSession } from "./sqlSession.ts";

/** How long a CREATE DATABASE that has lost its client is waited for, in milliseconds. */
const makingLimit = 60_000;
/** Milliseconds between two looks. */
const pause = 200;

/** Of what is found instead of room: the setting that gives it another name. */
const settingOf: Readonly<Record<keyof Names, string>> = {
  role: "pulsar:managerDatabase.user",
  database: "pulsar:managerDatabase.name",
};

/**
 * Makes room for role and database, right before the provider makes them: an `up` that was killed after PostgreSQL had made one, and before the
 * state said so, has left it behind, and the provider would fail with "already exists" for ever. It is dropped, to be made again as this
 * `up` says.
 *
 * It is such a leftover, and no other thing, where the name was free when the stack set out (`ManagerNames`), the provider does not know it,
 * and it is as a creation leaves it: a role that owns nothing, may do nothing and shares no membership; an empty database of that role.
 * Anything else stays as it is and ends the `up`, with the ways out.
 *
 * @param server as its administrator reaches it
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
        // Of a hook's fault the engine shows the stack.
        throw fault((error as Error).message);
      }
      await pulumi.log.warn(`dropped the ${what} "${wanted.name}", which an interrupted up had left behind`);
    });
  return { role: hook("role", clearRole), database: hook("database", clearDatabase) };
}

/** The value of an output, in a hook: what its resource depends on is there by then. */
function known<T>(output: pulumi.Output<T>): Promise<T> {
  return new Promise((resolve) => void output.apply(resolve));
}

/**
 * @param taken whether the name was not free when the stack set out
 * @returns whether there was a leftover, which has been dropped
 * @throws Error of one line that names the role, why it stays, and the ways out
 */
export async function clearRole(server: SqlTarget, { name }: { name: string }, taken: boolean): Promise<boolean> {
  return withSession(server, async (session) => {
    const { rows } = await session.query<{ kin: string[] }>(
      // Who made a role is its member: since PostgreSQL 16 by itself.
      `SELECT ARRAY(
         SELECT pg_get_userbyid(CASE roleid WHEN r.oid THEN member ELSE roleid END)::text FROM pg_auth_members
         WHERE r.oid IN (roleid, member) AND pg_get_userbyid(member) <> CURRENT_USER
       ) AS kin FROM pg_roles r WHERE rolname = $1`,
      [name],
    );
    const [found] = rows;
    if (found === undefined) return false;
    const refuse = (why: string) => refusal(server, "role", name, why);
    if (taken) throw refuse("was there before this stack set out to make it");
    if (found.kin.length > 0)
      throw refuse(`is not as an interrupted up leaves it (it shares membership with ${list(found.kin)})`);
    await drop(session, `ROLE ${session.escapeIdentifier(name)}`, refuse);
    return true;
  });
}

/**
 * @param wanted the database, and the role that is to own it
 * @param taken whether the name was not free when the stack set out
 * @returns whether there was a leftover, which has been dropped
 * @throws Error of one line that names the database, why it stays, and the ways out
 */
export async function clearDatabase(
  server: SqlTarget,
  { name, owner }: { name: string; owner: string },
  taken: boolean,
): Promise<boolean> {
  return withSession(server, async (session) => {
    const [database, role] = [session.escapeIdentifier(name), session.escapeIdentifier(owner)];
    const refuse = (why: string) => refusal(server, "database", name, why);
    if (!(await isMade(session, database))) throw refuse("is still being made");
    const { rows } = await session.query<{ owner: string }>(
      "SELECT pg_get_userbyid(datdba) AS owner FROM pg_database WHERE datname = $1",
      [name],
    );
    const [found] = rows;
    if (found === undefined) return false;
    if (taken) throw refuse("was there before this stack set out to make it");
    const left = "is not as an interrupted up leaves it";
    if (found.owner !== owner) throw refuse(`${left} (it belongs to ${found.owner})`);
    const held = await withSession({ ...server, database: name }, contents);
    if (held.length > 0) throw refuse(`${left} (it holds ${list(held)})`);
    // Who is no superuser drops only what is its own or a fellow member's. The provider's killed creation may have left this behind as well.
    await session.query(`GRANT ${role} TO CURRENT_USER`);
    try {
      await drop(session, `DATABASE ${database}`, refuse);
    } finally {
      await session.query(`REVOKE ${role} FROM CURRENT_USER`);
    }
    return true;
  });
}

/** Waits for a creation under way: PostgreSQL goes on with a CREATE DATABASE whose client is gone. @returns whether it has ended */
async function isMade(session: Client, database: string): Promise<boolean> {
  const statement = `CREATE DATABASE ${database} `;
  const deadline = performance.now() + makingLimit;
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

/** What somebody has made in the session's database; nothing in one that was just made from template0. */
async function contents(session: Client): Promise<string[]> {
  const catalogs = ["pg_class", "pg_proc", "pg_type", "pg_namespace", "pg_extension"];
  const selects = catalogs.map((name) => `SELECT '${name}'::regclass AS catalog, oid FROM ${name}`);
  // Large objects go by the name of the catalog that holds their data.
  selects.push("SELECT 'pg_largeobject'::regclass, oid FROM pg_largeobject_metadata");
  // Object numbers below FirstNormalObjectId (access/transam.h) are given by initdb alone.
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
    // 2BP01: something depends on it, 55006: somebody is using it; `detail` says who.
    const reason = ["2BP01", "55006"].includes(codeOf(error) ?? "") && detail ? `${message}: ${detail}` : message;
    throw refuse(`cannot be dropped to be made again (${reason.replaceAll("\n", ", ")})`);
  }
}

function refusal({ host, port }: SqlTarget, what: keyof Names, name: string, why: string): Error {
  return new Error(
    `${what} "${name}" exists already on PostgreSQL at ${host}:${port} and ${why}; drop it, set another name (${settingOf[what]}), ` +
      "or use role and database that are there (pulsar:managerDatabase.create false)",
  );
}

/** The first few, and how many more. */
function list(items: string[]): string {
  const shown = items.slice(0, 3).join(", ");
  return items.length > 3 ? `${shown} and ${items.length - 3} more` : shown;
}
