import * as pulumi from "@pulumi/pulumi";
import type * as provider from "./managerTablesProvider.ts";
import type { TlsMode } from "../../model/managerDatabase.ts";
import { storedProvider } from "../kit/storedProvider.ts";

export const managerTablesProvider = storedProvider<provider.ManagerTablesInputs, provider.ManagerTablesState>(
  "./resources/postgres/managerTablesProvider.ts",
);

export interface ManagerTablesArgs {
  /** Name or address of the PostgreSQL server. After a change, tables that are missing there are created. */
  host: pulumi.Input<string>;
  port: pulumi.Input<number>;
  /** The database. A change creates the tables in the new one and keeps those in the old one, unless `deleteTables`. */
  database: pulumi.Input<string>;
  /** The manager's own role. It creates and so owns the tables, and needs no grants on them. */
  user: pulumi.Input<string>;
  /** Its password; always a secret in the state. */
  password: pulumi.Input<string>;
  tls: pulumi.Input<TlsMode>;
  /** The CA's certificate in PEM, for `verify-full`. @default the CAs that Node trusts */
  tlsCa?: pulumi.Input<string>;
  /** Image tag of the Pulsar Manager that the tables are for. */
  schemaVersion: pulumi.Input<string>;
  /** Statements that create what is missing and keep what exists. They run again when they change or a table is missing. */
  sql: pulumi.Input<string>;
  /** Names of the tables that `sql` creates. */
  tables: pulumi.Input<string[]>;
  /** Whether a destroy drops the tables and their rows. @default false */
  deleteTables?: pulumi.Input<boolean>;
}

/** The tables of Pulsar Manager in an existing database, created by its own role. A refresh detects a missing table; the next `up` creates it. */
export class ManagerTables extends pulumi.dynamic.Resource {
  declare readonly database: pulumi.Output<string>;
  declare readonly schemaVersion: pulumi.Output<string>;
  /** Names of the tables that exist. */
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
