import pg from "pg";
import type { Session } from "./connection.ts";

/** Quotes a name. */
export function name(value: string): string {
  return pg.escapeIdentifier(value);
}

/**
 * Quotes a string as the official plugin does: it doubles backslashes, which PostgreSQL 9.1 and later then take as two. So a
 * password with a backslash is not the one that was asked for.
 */
export function literal(value: string): string {
  return `'${value.replaceAll("\\", "\\\\").replaceAll("'", "''")}'`;
}

/** Runs a step, and says before the server's reason what was being done. */
export async function step<T>(what: string, work: Promise<T>): Promise<T> {
  try {
    return await work;
  } catch (error) {
    throw new Error(`${what}: ${error instanceof Error ? error.message : String(error)}`, { cause: error });
  }
}

/** Holds off others who work on this role or its members until the transaction ends. */
export async function lockRole(session: Session, role: string): Promise<void> {
  await session.rows("SET statement_timeout = 0");
  await session.rows("SELECT pg_advisory_xact_lock(oid::bigint) FROM pg_roles WHERE rolname = $1", [role]);
  await session.rows(
    `SELECT pg_advisory_xact_lock(member::bigint)
     FROM pg_auth_members JOIN pg_roles ON roleid = pg_roles.oid WHERE rolname = $1`,
    [role],
  );
}

/** Holds off others who work on this database until the transaction ends. */
export async function lockDatabase(session: Session, database: string): Promise<void> {
  await session.rows("SET statement_timeout = 0");
  await session.rows("SELECT pg_advisory_xact_lock(oid::bigint) FROM pg_database WHERE datname = $1", [database]);
}

export async function databaseExists(session: Session, database: string): Promise<boolean> {
  return (await session.rows("SELECT 1 FROM pg_database WHERE datname = $1", [database])).length > 0;
}

export async function roleExists(session: Session, role: string): Promise<boolean> {
  return (await session.rows("SELECT 1 FROM pg_roles WHERE rolname = $1", [role])).length > 0;
}

export async function schemaExists(session: Session, schema: string): Promise<boolean> {
  return (await session.rows("SELECT 1 FROM pg_namespace WHERE nspname = $1", [schema])).length > 0;
}

/** @throws when there is no such database. */
export async function databaseOwner(session: Session, database: string): Promise<string> {
  const [found] = await session.rows(
    "SELECT rolname FROM pg_database JOIN pg_roles ON datdba = pg_roles.oid WHERE datname = $1",
    [database],
  );
  if (!found) throw new Error(`could not find database '${database}' while looking for owner`);
  return String(found.rolname);
}
