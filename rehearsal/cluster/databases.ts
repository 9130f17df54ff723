import type { Client } from "pg";
import type { Postgres } from "./postgres.ts";
import { compareNames } from "../report/sorting.ts";

/** Runs `work` with a connection to the superuser's database. */
export async function withClient<T>(postgres: Postgres, work: (client: Client) => Promise<T>): Promise<T> {
  const { Client } = await import("pg");
  const { host, port, user, password } = postgres;
  const client = new Client({ host, port, user, password, database: "postgres" });
  await client.connect();
  try {
    return await work(client);
  } finally {
    await client.end();
  }
}

/** Everything a `destroy` could drop too much of: databases and roles, sorted. */
export async function listDatabases(postgres: Postgres): Promise<string[]> {
  return withClient(postgres, async (client) => {
    const { rows } = await client.query<{ what: string }>(
      `SELECT 'database ' || datname AS what FROM pg_database UNION ALL SELECT 'role ' || rolname FROM pg_roles`,
    );
    return rows.map(({ what }) => what).sort(compareNames);
  });
}

/**
 * What `destroy` left or dropped against the stack's word.
 *
 * @param at what there was before the first `up`, before `destroy` and after it
 * @param deleteData whether the stack says that `destroy` drops its role and database; otherwise nothing may go
 */
export function judgeDatabases(
  at: Record<"before" | "deployed" | "after", readonly string[]>,
  deleteData: boolean,
): { leftovers: string[]; trespasses: string[] } {
  const gone = at.deployed.filter((what) => !at.after.includes(what));
  return {
    leftovers: deleteData ? at.after.filter((what) => !at.before.includes(what)) : [],
    trespasses: deleteData ? gone.filter((what) => at.before.includes(what)) : gone,
  };
}
