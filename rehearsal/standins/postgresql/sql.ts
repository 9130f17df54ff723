import pg from "pg";
import type { Session } from "./connection.ts";

/** Quotes an identifier. */
export function name(value: string): string {
  return pg.escapeIdentifier(value);
}

/**
 * Quotes a string as the official plugin does. It doubles backslashes, which PostgreSQL 9.1 and later read as two, so a password with a backslash is
 * set to another value.
 */
export function literal(value: string): string {
  return `'${value.replaceAll("\\", "\\\\").replaceAll("'", "''")}'`;
}

/** Runs a step. An error of it gets `what` as a prefix. */
export async function step<T>(what: string, work: Promise<T>): Promise<T> {
  try {
    return await work;
  } catch (error) {
    throw new Error(`${what}: ${error instanceof Error ? error.message : String(error)}`, { cause: error });
  }
}

/** Locks this role and its members until the end of the transaction. */
export async function lockRole(session: Session, role: string): Promise<void> {
  await session.rows("SET statement_timeout = 0");
  await session.rows("SELECT pg_advisory_xact_lock(oid::bigint) FROM pg_roles WHERE rolname = $1", [role]);
  await session.rows(
    `SELECT pg_advisory_xact_lock(member::bigint)
     FROM pg_auth_members JOIN pg_roles ON roleid = pg_roles.oid WHERE rolname = $1`,
    [role],
  );
}

/** Locks this database until the end of the transaction. */
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

/** @throws Error if the database does not exist */
export async function databaseOwner(session: Session, database: string): Promise<string> {
  const [found] = await session.rows(
    "SELECT rolname FROM pg_database JOIN pg_roles ON datdba = pg_roles.oid WHERE datname = $1",
    [database],
  );
  if (!found) throw new Error(`could not find database '${database}' while looking for owner`);
  return String(found.rolname);
}
