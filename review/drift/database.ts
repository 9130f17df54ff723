/** The tables of Pulsar Manager. */
import { findColumnFaults, usableTables } from "../../resources/postgres/managerTablesSql.ts";
import { codeOf, withSession } from "../../resources/postgres/sqlSession.ts";
import type { Finding } from "./compare.ts";
import type { StackState } from "./state.ts";

/** How long PostgreSQL may take to accept a connection, in seconds. */
const limit = 5;

/**
 * Tables that are missing, or of another version.
 *
 * @param password of the manager's role
 * @throws Error of one line if the database cannot be queried
 */
export async function compareTables(tables: NonNullable<StackState["tables"]>, password: string): Promise<Finding[]> {
  const missing = (name: string): Finding => ({ path: [`.${name}`], installed: "exists", live: undefined });
  try {
    return await withSession(
      { ...tables, password },
      async (session) => {
        await session.query("SET SESSION CHARACTERISTICS AS TRANSACTION READ ONLY");
        const usable = await usableTables(session, tables.tables);
        const absent = tables.tables.filter((name) => !usable.includes(name));
        const faults = (await findColumnFaults(session, tables.sql)).filter(
          (fault) => !absent.some((name) => fault.startsWith(`${name} `)),
        );
        return [
          ...absent.map(missing),
          ...faults.map((fault) => ({
            path: [".columns"],
            installed: `those of ${tables.schemaVersion}`,
            live: fault,
          })),
        ];
      },
      limit,
    );
  } catch (error) {
    // The database does not exist.
    if (codeOf(error) === "3D000") return tables.tables.map(missing);
    throw error;
  }
}
