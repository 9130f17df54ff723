import { readFileSync } from "node:fs";
import { fault } from "../fault.ts";

/** The tables of one Pulsar Manager version. */
export interface ManagerSchema {
  /** Image tag of the manager, such as `v0.2.0`. */
  version: string;
  /** Statements that make what is missing and leave alone what exists. */
  sql: string;
  /** Names of all tables the statements make, in their order. */
  tables: readonly string[];
}

/**
 * The tables by manager version; `pulsar-manager-<version>.sql` makes them. A database made for one does not suit the other: v0.4.0 asks for a
 * column more (environments.bookie).
 */
const tablesByVersion: Readonly<Record<string, readonly string[]>> = {
  "v0.2.0": [
    "environments",
    "topics_stats",
    "publishers_stats",
    "replications_stats",
    "subscriptions_stats",
    "consumers_stats",
    "tokens",
    "users",
    "roles",
    "tenants",
    "namespaces",
    "role_binding",
  ],
  "v0.4.0": [
    "environments",
    "topics_stats",
    "publishers_stats",
    "replications_stats",
    "subscriptions_stats",
    "consumers_stats",
    "tokens",
    "users",
    "tenants",
    "namespaces",
  ],
};

/** The image tags of Pulsar Manager whose tables are known. */
export const supportedManagerVersions: readonly string[] = Object.keys(tablesByVersion);

/**
 * The schema of a Pulsar Manager version.
 * @throws pulumi.RunError when the version is not one of `supportedManagerVersions`
 */
export function managerSchema(version: string): ManagerSchema {
  const tables = Object.hasOwn(tablesByVersion, version) ? tablesByVersion[version] : undefined;
  if (!tables) {
    throw fault(
      `no database schema for Pulsar Manager ${JSON.stringify(version)}; supported: ${supportedManagerVersions.join(", ")}`,
    );
  }
  const sql = readFileSync(new URL(`pulsar-manager-${version}.sql`, import.meta.url), "utf8");
  return { version, sql, tables };
}
