import * as pulumi from "@pulumi/pulumi";
import { applySchema, dropTables, usableTables } from "./managerTablesSql.ts";
import { codeOf, type SqlTarget, type TlsMode, withSession } from "./sqlSession.ts";

/** What the provider gets: where the database is, and which tables belong there. */
export interface ManagerTablesInputs extends SqlTarget {
  /** Image tag of the Pulsar Manager that the tables are for. */
  schemaVersion: string;
  /** Statements that make what is missing and leave alone what exists. */
  sql: string;
  /** Names of the tables that `sql` makes. */
  tables: string[];
  /** Whether a destroy drops the tables. */
  deleteTables: boolean;
}

/** What is kept in the state: the inputs last applied, but `tables` are those that were found to be there. */
export interface ManagerTablesState extends ManagerTablesInputs {
  /** SHA-256, in hex, of the statements last run. */
  sha256: string;
}

async function sha256(text: string): Promise<string> {
  const { createHash } = await import("node:crypto");
  return createHash("sha256").update(text).digest("hex");
}

/** The tables that are there; none in a database that does not exist. */
async function findTables(state: ManagerTablesState): Promise<string[]> {
  try {
    return await withSession(state, (session) => usableTables(session, state.tables));
  } catch (error) {
    if (codeOf(error) === "3D000") return [];
    throw error;
  }
}

/**
 * Makes the database hold what `wanted` says. Where the statements have been run before and every table is there, nothing is run: so it is
 * when only the password changed, or the server got another name.
 */
async function ensure(wanted: ManagerTablesInputs, applied?: string): Promise<ManagerTablesState> {
  const hash = await sha256(wanted.sql);
  await withSession(wanted, async (session) => {
    const found = hash === applied ? await usableTables(session, wanted.tables) : [];
    if (found.length === wanted.tables.length) return;
    await applySchema(session, { version: wanted.schemaVersion, sql: wanted.sql, tables: wanted.tables });
  });
  return { ...wanted, sha256: hash };
}

/** What the engine sends at preview in place of a value that is not known yet. */
const unknown: unknown = pulumi.runtime.unknownValue;

/** Everything that is wrong with the inputs. Never shows a value, for one of them is a password. */
export function faultsOf(inputs: ManagerTablesInputs): pulumi.dynamic.CheckFailure[] {
  const rules: readonly [keyof ManagerTablesInputs, boolean, string][] = [
    ["host", /^[^\s/@]+$/.test(inputs.host), "must be a host name or an IP address"],
    ["port", Number.isInteger(inputs.port) && inputs.port >= 1 && inputs.port <= 65535, "must be a port, 1 to 65535"],
    ["database", inputs.database !== "", "must not be empty"],
    ["user", inputs.user !== "", "must not be empty"],
    ["password", inputs.password !== "", "must not be empty"],
    ["tls", ["disable", "require", "verify-full"].includes(inputs.tls), "must be disable, require or verify-full"],
    ["tlsCa", inputs.tlsCa === undefined || inputs.tls === "verify-full", "is used with tls verify-full only"],
    ["sql", inputs.sql.trim() !== "", "must not be empty"],
    ["tables", inputs.tables.length > 0, "must name at least one table"],
  ];
  return rules
    .filter(([property, holds]) => inputs[property] !== unknown && !holds)
    .map(([property, , reason]) => ({ property, reason }));
}

/**
 * Decides without connecting. Another database is a replacement: its tables are made first, and those of the old one are left alone
 * unless `deleteTables`. A server that changed its name or port may still be the same one: an update, which looks first.
 */
export function diffOf(state: ManagerTablesState, wanted: ManagerTablesInputs): pulumi.dynamic.DiffResult {
  const changed = (key: keyof ManagerTablesInputs): boolean =>
    JSON.stringify(state[key]) !== JSON.stringify(wanted[key]);
  const keys: readonly (keyof ManagerTablesInputs)[] = [
    "host",
    "port",
    "database",
    "user",
    "password",
    "tls",
    "tlsCa",
    "schemaVersion",
    "sql",
    "tables",
    "deleteTables",
  ];
  return { changes: keys.some(changed), replaces: changed("database") ? ["database"] : [] };
}

/** The dynamic provider (@pulumi/pulumi 3.270) prints a fault of read and delete as `${fault}: ${fault.stack}`; the message is enough. */
async function withoutStack<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    const { message } = error as Error;
    throw Object.assign(new Error(message, { cause: error }), { stack: message, toString: () => "ManagerTables" });
  }
}

/** What the engine calls; all of it can be called without Pulumi. Packages are imported inside: it is stored as text and run elsewhere. */
export const managerTablesProvider: Required<
  Omit<pulumi.dynamic.ResourceProvider<ManagerTablesInputs, ManagerTablesState>, "configure">
> = {
  check: async (_olds, news) => ({ inputs: news, failures: faultsOf(news) }),
  diff: async (_id, olds, news) => diffOf(olds, news),
  create: async (inputs) => ({ id: inputs.database, outs: await ensure(inputs) }),
  update: async (_id, olds, news) => ({ outs: await ensure(news, olds.sha256) }),
  read: (id, props) =>
    withoutStack(async () => {
      if (props === undefined) throw new Error(`the tables of database ${id} cannot be imported`);
      const live = { ...props, tables: await findTables(props) };
      // As inputs too, so that the next preview shows what is missing.
      const inputs = Object.fromEntries(Object.entries(live).filter(([key]) => key !== "sha256"));
      return { id, props: live, inputs: inputs as unknown as ManagerTablesState };
    }),
  delete: (_id, props) =>
    withoutStack(async () => {
      if (!props.deleteTables) return;
      try {
        await withSession(props, (session) => dropTables(session, props.tables));
      } catch (error) {
        // The tables went with their database.
        if (codeOf(error) !== "3D000") throw error;
      }
    }),
};

export interface ManagerTablesArgs {
  /** Name or address of the PostgreSQL server. A change looks whether the tables are there too, and makes them where not. */
  host: pulumi.Input<string>;
  port: pulumi.Input<number>;
  /** The database. A change makes the tables in the new one; those of the old one stay, unless `deleteTables`. */
  database: pulumi.Input<string>;
  /** The manager's own role: it makes the tables and so owns them, and nothing on them has to be granted. */
  user: pulumi.Input<string>;
  /** Its password; a secret in the state whether or not it is given as one. */
  password: pulumi.Input<string>;
  tls: pulumi.Input<TlsMode>;
  /** The CA's certificate in PEM, for `verify-full`. @default the CAs that Node trusts */
  tlsCa?: pulumi.Input<string>;
  /** Image tag of the Pulsar Manager that the tables are for. */
  schemaVersion: pulumi.Input<string>;
  /** Statements that make what is missing and leave alone what exists. They are run again when they change or a table is missing. */
  sql: pulumi.Input<string>;
  /** Names of the tables that `sql` makes. */
  tables: pulumi.Input<string[]>;
  /** Whether a destroy drops the tables and their rows. @default false */
  deleteTables?: pulumi.Input<boolean>;
}

/** The tables of Pulsar Manager in a database that exists, made by its own role. A refresh notices a table that is gone, the next `up` brings it back. */
export class ManagerTables extends pulumi.dynamic.Resource {
  declare readonly database: pulumi.Output<string>;
  declare readonly schemaVersion: pulumi.Output<string>;
  /** Names of the tables that are there. */
  declare readonly tables: pulumi.Output<string[]>;
  /** SHA-256, in hex, of the statements last run. */
  declare readonly sha256: pulumi.Output<string>;

  constructor(name: string, args: ManagerTablesArgs, opts?: pulumi.CustomResourceOptions) {
    super(
      managerTablesProvider,
      name,
      {
        ...args,
        password: pulumi.secret(args.password),
        deleteTables: args.deleteTables ?? false,
        sha256: undefined,
      },
      pulumi.mergeOptions(opts, { additionalSecretOutputs: ["password"] }),
      "pulsar",
      "ManagerTables",
    );
  }
}
