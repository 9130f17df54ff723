import * as pulumi from "@pulumi/pulumi";
import type * as provider from "./managerTablesProvider.ts";
import type { TlsMode } from "./sqlSession.ts";
import { storedProvider } from "../kit/storedProvider.ts";

export const managerTablesProvider = storedProvider<provider.ManagerTablesInputs, provider.ManagerTablesState>(
  "./resources/postgres/managerTablesProvider.ts",
);

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
