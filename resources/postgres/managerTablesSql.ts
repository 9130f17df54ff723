import type { Client, DatabaseError } from "pg";
import type { ManagerSchema } from "../../model/managerSchemas/index.ts";
import { firstLine } from "../kit/fault.ts";
import { codeOf, inTransaction } from "./sqlSession.ts";

/** One table as the session's user sees it. */
interface TableState {
  name: string;
  /** The role that owns it; null when the table does not exist. */
  owner: string | null;
  /** Whether the session's user may read and write it and use its sequences. */
  usable: boolean;
}

/** A column in the database. */
interface Column {
  table: string;
  name: string;
  /** Whether every row must give it a value: NOT NULL, and neither default nor identity. */
  needed: boolean;
}

/** Resolves names as the manager does: along the search path of its own user. */
const inspection = `
  SELECT wanted.name,
         pg_get_userbyid(t.relowner) AS owner,
         COALESCE(
           has_table_privilege(t.oid, 'SELECT') AND has_table_privilege(t.oid, 'INSERT')
           AND has_table_privilege(t.oid, 'UPDATE') AND has_table_privilege(t.oid, 'DELETE')
           AND NOT EXISTS (
             SELECT FROM pg_depend d JOIN pg_class s ON s.oid = d.objid
             WHERE d.classid = 'pg_class'::regclass AND d.refclassid = 'pg_class'::regclass AND d.refobjid = t.oid
               -- CASE, because the planner may reorder conditions and the function fails for anything but a sequence.
               AND CASE WHEN s.relkind = 'S' THEN NOT has_sequence_privilege(s.oid, 'USAGE') END),
           FALSE) AS usable
  FROM unnest($1::text[]) WITH ORDINALITY AS wanted (name, position)
  LEFT JOIN pg_class t ON t.oid = to_regclass(quote_ident(wanted.name)) AND t.relkind IN ('r', 'p')
  ORDER BY wanted.position`;

async function inspect(session: Client, tables: readonly string[]): Promise<TableState[]> {
  return (await session.query<TableState>(inspection, [tables])).rows;
}

/** Those of `tables` that exist and that the session's user can use. */
export async function usableTables(session: Client, tables: readonly string[]): Promise<string[]> {
  return (await inspect(session, tables)).filter((table) => table.usable).map((table) => table.name);
}

const columnInspection = `
  SELECT wanted.name AS table, c.attname AS name,
         c.attnotnull AND NOT c.atthasdef AND c.attidentity = '' AS needed
  FROM unnest($1::text[]) AS wanted (name)
  JOIN pg_attribute c ON c.attrelid = to_regclass(quote_ident(wanted.name)) AND c.attnum > 0 AND NOT c.attisdropped
  ORDER BY wanted.name, c.attnum`;

/** What to do about tables that do not fit. */
const another = "use an empty database (pulsar:managerDatabase.name)";

/** The columns of the tables in a schema file, which has one column per line. */
export function columnsIn(sql: string): { table: string; name: string }[] {
  return [...sql.matchAll(/^CREATE TABLE IF NOT EXISTS (\w+) \(\n(.*?)^\);/gms)].flatMap(([, table = "", body = ""]) =>
    [...body.matchAll(/^ {2}([a-z_]+) /gm)].map(([, name = ""]) => ({ table, name })),
  );
}

/** Signs that tables are of another version: a column is missing, or one that the manager does not know requires a value. */
export function columnFaults(wanted: readonly { table: string; name: string }[], found: readonly Column[]): string[] {
  const has = (columns: readonly { table: string; name: string }[], { table, name }: { table: string; name: string }) =>
    columns.some((column) => column.table === table && column.name === name);
  return [
    ...wanted.filter((column) => !has(found, column)).map(({ table, name }) => `${table} has no column ${name}`),
    ...found
      .filter((column) => column.needed && !has(wanted, column))
      .map(({ table, name }) => `${table} has a column ${name} that requires a value`),
  ];
}

/** The signs of another version in the existing tables of a schema file. */
export async function findColumnFaults(session: Client, sql: string): Promise<string[]> {
  const wanted = columnsIn(sql);
  const tables = [...new Set(wanted.map(({ table }) => table))];
  return columnFaults(wanted, (await session.query<Column>(columnInspection, [tables])).rows);
}

/**
 * Runs the schema's statements in one transaction, then checks that the session's user can use every table, and that existing tables are of this
 * version, which `CREATE TABLE IF NOT EXISTS` does not check.
 * @throws Error of one line that names the statement's line or the tables; the database is unchanged
 */
export async function applySchema(session: Client, schema: ManagerSchema): Promise<void> {
  await inTransaction(session, async () => {
    try {
      await session.query(schema.sql);
    } catch (error) {
      throw new Error(
        `the schema of Pulsar Manager ${schema.version} failed, nothing was changed: ${sqlFault(error, schema.sql)}; fix the cause, or ${another}`,
        { cause: error },
      );
    }
    const faults = (await inspect(session, schema.tables))
      .filter((table) => !table.usable)
      .map(({ name, owner }) =>
        owner === null ? `${name} is missing` : `${name} is owned by ${owner}, which has not granted access to it`,
      );
    if (faults.length > 0) {
      throw new Error(
        `the tables of Pulsar Manager ${schema.version} cannot be used, nothing was changed: ${faults.join(" and ")}; ` +
          `grant access to them, or ${another}`,
      );
    }
    const mismatches = await findColumnFaults(session, schema.sql);
    if (mismatches.length > 0) {
      throw new Error(
        `the database has tables of a version other than Pulsar Manager ${schema.version}, nothing was changed: ${mismatches.join(" and ")}; ` +
          `${another}, or see docs/operations/migrate-to-pulsar-4.md`,
      );
    }
  });
}

/**
 * Drops the tables and their rows.
 * @throws Error of one line, with nothing dropped, when something else in the database depends on one of them
 */
export async function dropTables(session: Client, tables: readonly string[]): Promise<void> {
  const names = tables.map((table) => session.escapeIdentifier(table)).join(", ");
  try {
    await session.query(`DROP TABLE IF EXISTS ${names}`);
  } catch (error) {
    // 2BP01: something depends on them, and only `detail` says what. Other details may show a row's values.
    const detail = codeOf(error) === "2BP01" ? ` (${firstLine((error as DatabaseError).detail)})` : "";
    throw new Error(
      `PostgreSQL did not drop them: ${firstLine(error)}${detail}; fix the cause, or set pulsar:managerDatabase.deleteData to false`,
      { cause: error },
    );
  }
}

/** The first line of the server's message, with the line of `sql` that it refers to. */
function sqlFault(error: unknown, sql: string): string {
  const { position } = error as DatabaseError;
  const line = position === undefined ? "" : ` (line ${sql.slice(0, Number(position)).split("\n").length})`;
  return `${firstLine(error)}${line}`;
}
