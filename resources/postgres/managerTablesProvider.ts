import { createHash } from "node:crypto";
import type { dynamic } from "@pulumi/pulumi";
import { diffOn } from "../kit/diff.ts";
import { withTitle } from "../kit/withTitle.ts";
import { applySchema, dropTables, usableTables } from "./managerTablesSql.ts";
import { codeOf, type SqlTarget, withSession } from "./sqlSession.ts";

const title = "tables of Pulsar Manager";

/**
 * Inputs: the database, with the login of the manager's own role, and the tables that it must have. This role creates and so owns the tables, and needs no
 * grants on them.
 */
export interface ManagerTablesInputs extends SqlTarget {
  /** Image tag of the Pulsar Manager that the tables are for. */
  schemaVersion: string;
  /** Statements that create what is missing and keep what exists. They run again when they change or a table is missing. */
  sql: string;
  /** Names of the tables that `sql` creates. */
  tables: string[];
  /** Whether a destroy drops the tables and their rows. */
  deleteTables: boolean;
}

/** Outputs in the state: the inputs last applied; `tables` are those that exist. */
export interface ManagerTablesState extends ManagerTablesInputs {
  /** SHA-256, in hex, of the statements last run. */
  sha256: string;
}

/**
 * Does not connect. Another database is a replacement: its tables are created first, and those of the old one are kept unless `deleteTables`.
 * Another host or port may be the same server, so it is an update, which creates only what is missing.
 */
export function diff(_id: string, olds: ManagerTablesState, news: ManagerTablesInputs): dynamic.DiffResult {
  const server = ["host", "port", "user", "password", "tls", "tlsCa"] as const;
  return diffOn(olds, news, [...server, "schemaVersion", "sql", "tables", "deleteTables"], ["database"]);
}

export async function create(inputs: ManagerTablesInputs): Promise<dynamic.CreateResult<ManagerTablesState>> {
  return { id: inputs.database, outs: await ensure(inputs) };
}

export async function update(
  _id: string,
  olds: ManagerTablesState,
  news: ManagerTablesInputs,
): Promise<dynamic.UpdateResult<ManagerTablesState>> {
  return { outs: await ensure(news, olds.sha256) };
}

/** The tables that still exist: the next `up` creates what is missing. */
export function read(id: string, props: ManagerTablesState): Promise<dynamic.ReadResult<ManagerTablesState>> {
  return withTitle(title, async () => {
    const live = { ...props, tables: await findTables(props) };
    // As inputs too, so that the next preview shows what is missing.
    const inputs = Object.fromEntries(Object.entries(live).filter(([key]) => key !== "sha256"));
    return { id, props: live, inputs: inputs as unknown as ManagerTablesState };
  });
}

/** Keeps the tables, without connecting, unless `deleteTables`. */
export function remove(_id: string, props: ManagerTablesState): Promise<void> {
  return withTitle(title, async () => {
    if (!props.deleteTables) return;
    try {
      await withSession(props, (session) => dropTables(session, props.tables));
    } catch (error) {
      // Without the database there are no tables.
      if (codeOf(error) !== "3D000") throw error;
    }
  });
}

/** The tables that exist; none in a database that does not exist. */
async function findTables(state: ManagerTablesState): Promise<string[]> {
  try {
    return await withSession(state, (session) => usableTables(session, state.tables));
  } catch (error) {
    if (codeOf(error) === "3D000") return [];
    throw error;
  }
}

/**
 * Creates the tables. Runs nothing if these statements have run before and every table exists, for example when only the password or the
 * server's name changed.
 */
async function ensure(wanted: ManagerTablesInputs, applied?: string): Promise<ManagerTablesState> {
  const sha256 = createHash("sha256").update(wanted.sql).digest("hex");
  await withSession(wanted, async (session) => {
    const found = sha256 === applied ? await usableTables(session, wanted.tables) : [];
    if (found.length === wanted.tables.length) return;
    await applySchema(session, { version: wanted.schemaVersion, sql: wanted.sql, tables: wanted.tables });
  });
  return { ...wanted, sha256 };
}
