import type { Client } from "pg";
import { chartLine, type ChartVersion } from "../../model/charts/lines.ts";
import type { Postgres } from "./postgres.ts";
import { compareNames } from "./observe.ts";

/** Runs `work` with a connection to the superuser's database. */
export async function withClient<T>(postgres: Postgres, work: (client: Client) => Promise<T>): Promise<T> {
  const { Client } = await import("pg");
  const { host, port, user, password } = postgres;
  const client = new Client({ host, port, user, password, database: "postgres", connectionTimeoutMillis: 5_000 });
  await client.connect();
  try {
    return await work(client);
  } finally {
    await client.end();
  }
}

/** All databases and roles, sorted: what a `destroy` could drop by mistake. */
export async function listDatabases(postgres: Postgres): Promise<string[]> {
  return withClient(postgres, async (client) => {
    const { rows } = await client.query<{ what: string }>(
      `SELECT 'database ' || datname AS what FROM pg_database UNION ALL SELECT 'role ' || rolname FROM pg_roles`,
    );
    return rows.map(({ what }) => what).sort(compareNames);
  });
}

/**
 * The databases and roles that `destroy` should have dropped and did not, and those that it dropped and should have kept.
 *
 * @param at the databases and roles before the first `up`, before `destroy` and after it
 * @param deleteData whether `destroy` is to drop the stack's role and database. Otherwise it may drop nothing
 */
export function checkDatabases(
  at: Record<"before" | "deployed" | "after", readonly string[]>,
  deleteData: boolean,
): { leftovers: string[]; foreignChanges: string[] } {
  const dropped = at.deployed.filter((what) => !at.after.includes(what));
  return {
    leftovers: deleteData ? at.after.filter((what) => !at.before.includes(what)) : [],
    foreignChanges: deleteData ? dropped.filter((what) => at.before.includes(what)) : dropped,
  };
}

/** The key with the password of the manager's role in its Secret. */
export function passwordKey(chart: string): string {
  const marked = chartLine(chart as ChartVersion).managerSecret({
    database: { user: "user", password: "password" },
    login: { user: "", password: "" },
  });
  return Object.keys(marked).find((key) => marked[key] === "password") ?? "";
}
