import type { dynamic } from "@pulumi/pulumi";
import { diffOn } from "../kit/diff.ts";
import { recordOnly } from "../kit/record.ts";
import { type SqlTarget, withSession } from "./sqlSession.ts";

const id = "names";

/** Names of what the stack will create in PostgreSQL. */
export interface Names {
  role: string;
  database: string;
}

/** Inputs: the server, with the administrator's login, and the names. */
export interface ManagerNamesInputs extends SqlTarget {
  names: Names;
}

/** Outputs in the state: the inputs last applied, and the names that were taken. */
export interface ManagerNamesState extends ManagerNamesInputs {
  /** The names that existed when this stack first used them on this server. */
  taken: (keyof Names)[];
}

/** Does not connect. */
export function diff(_id: string, olds: ManagerNamesState, news: ManagerNamesInputs): dynamic.DiffResult {
  return diffOn(olds, news, ["host", "port", "database", "user", "password", "tls", "tlsCa", "names"]);
}

export async function create(inputs: ManagerNamesInputs): Promise<dynamic.CreateResult<ManagerNamesState>> {
  return { id, outs: { ...inputs, taken: await findTaken(inputs) } };
}

/** Queries again only for other names or another server: what the stack itself has created since does not count as taken. */
export async function update(
  _id: string,
  olds: ManagerNamesState,
  news: ManagerNamesInputs,
): Promise<dynamic.UpdateResult<ManagerNamesState>> {
  const { changes } = diffOn(olds, news, ["host", "port", "names"]);
  return { outs: { ...news, taken: changes ? await findTaken(news) : olds.taken } };
}

export const { read, remove } = recordOnly<ManagerNamesState>(id);

async function findTaken(inputs: ManagerNamesInputs): Promise<(keyof Names)[]> {
  const { role, database } = inputs.names;
  return withSession(inputs, async (session) => {
    const { rows } = await session.query<{ what: keyof Names }>(
      `SELECT 'role' AS what FROM pg_roles WHERE rolname = $1
       UNION ALL SELECT 'database' FROM pg_database WHERE datname = $2`,
      [role, database],
    );
    return rows.map(({ what }) => what);
  });
}
