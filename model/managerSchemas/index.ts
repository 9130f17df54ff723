import { readdirSync, readFileSync } from "node:fs";

/** The tables of one Pulsar Manager version. */
export interface ManagerSchema {
  /** Image tag of the manager, such as `v0.2.0`. */
  version: string;
  /** Statements that create what is missing and leave alone what exists. */
  sql: string;
  /** Names of all tables that the statements create, in their order. */
  tables: readonly string[];
}

const folder = new URL("./", import.meta.url);
const fileName = /^pulsar-manager-(v.+)\.sql$/;

/**
 * The image tags of Pulsar Manager whose tables are known: those of the files `pulsar-manager-<version>.sql`. A database created for one version does
 * not suit another: v0.4.0 needs one more column (environments.bookie).
 */
export const supportedManagerVersions: readonly string[] = readdirSync(folder)
  .flatMap((file) => fileName.exec(file)?.[1] ?? [])
  .sort();

/**
 * The schema of a Pulsar Manager version.
 * @throws Error when the version is not one of `supportedManagerVersions`
 */
export function managerSchema(version: string): ManagerSchema {
  if (!supportedManagerVersions.includes(version)) {
    const supported = supportedManagerVersions.join(", ");
    throw new Error(`no database schema for Pulsar Manager ${JSON.stringify(version)}; use one of ${supported}`);
  }
  const sql = readFileSync(new URL(`pulsar-manager-${version}.sql`, folder), "utf8");
  const tables = [...sql.matchAll(/^CREATE TABLE IF NOT EXISTS (\w+)/gm)].map(([, table = ""]) => table);
  return { version, sql, tables };
}
