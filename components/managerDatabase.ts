import * as postgresql from "@pulumi/postgresql";
import * as pulumi from "@pulumi/pulumi";
import { readCaFile } from "../resources/kit/caFile.ts";
import { fault } from "../resources/kit/fault.ts";
import { leftoverHooks } from "../resources/postgres/managerLeftovers.ts";
import { ManagerNames } from "../resources/postgres/managerNames.ts";
import { ManagerTables } from "../resources/postgres/managerTables.ts";
import { connectLimitSeconds, type TlsMode } from "../resources/postgres/sqlSession.ts";
import { managerSchema } from "../model/managerSchemas/index.ts";

/** Where the PostgreSQL server is, seen from where Pulumi runs and from the cluster alike. */
export interface ManagerDatabaseConnection {
  /** Name or address. A change takes the server for the same one under another name; what is missing there is made. */
  host: pulumi.Input<string>;
  port: pulumi.Input<number>;
  /** How connections are secured, the manager's own (JDBC) among them. */
  tls: TlsMode;
  /**
   * Path, relative to the program, of the CA's certificate in PEM, for `verify-full`: the official provider takes a CA in no other
   * form. The manager's Java does not see this file; its image must trust the CA.
   * @default the CAs that each side trusts anyway
   */
  tlsCaFile?: string;
}

/** A role that may create roles and databases. */
export interface ManagerDatabaseAdmin {
  user: string;
  /** Secret. */
  password: pulumi.Input<string>;
  /** The database it connects to first. @default "postgres" */
  database?: string;
  /** Whether it is a superuser. It is not on Amazon RDS and its like, where password hashes cannot be read. @default true */
  superuser?: boolean;
}

export interface ManagerDatabaseArgs {
  connection: ManagerDatabaseConnection;
  /** Needed unless `create` is false. */
  admin?: ManagerDatabaseAdmin;
  /** Name of the manager's database. A change makes another one, with empty tables; the old one stays, unless `deleteData`. */
  database: string;
  /**
   * The role as which the manager logs in and which owns everything in its database. A change makes another one and hands all of it
   * over, which takes a superuser as `admin`; the old one stays, unless `deleteData`.
   */
  role: string;
  /** Its password. Secret. A change is made in PostgreSQL first, then everywhere it is used. */
  rolePassword: pulumi.Input<string>;
  /** Image tag of Pulsar Manager; decides which tables are made. */
  managerVersion: string;
  /**
   * Whether role and database are made here, by `admin`. False where a DBA has made them, or where an earlier stack left them behind
   * (see `deleteData`): then only the tables are made. Turning it off later lets go of role and database as a destroy does.
   * @default true
   */
  create?: boolean;
  /** Whether a destroy drops database and role, or, without `create`, the tables. @default false: they stay, with all rows */
  deleteData?: boolean;
  /** Whether the engine refuses to delete or replace role, database and tables, also on `destroy`. @default false */
  protect?: boolean;
}

/**
 * Pulsar Manager's PostgreSQL database: role, database, ownership and grants by the official provider, then the tables by the manager's
 * role itself. That role owns all of it, so nothing on the tables is granted: grants on tables show a difference in every preview as soon
 * as a table exists that they did not cover (provider 3.18).
 *
 * @throws pulumi.RunError for an unknown manager version, a missing `admin`, a CA file that cannot be read
 */
export class ManagerDatabase extends pulumi.ComponentResource {
  /** The address the manager connects to; holds no credentials and is known at preview. */
  readonly jdbcUrl: pulumi.Output<string>;
  /** Depend on it to have everything in place: role, database, grants and tables. */
  readonly ready: pulumi.Resource;

  constructor(name: string, args: ManagerDatabaseArgs, opts?: pulumi.ComponentResourceOptions) {
    super("pulsar:components:ManagerDatabase", name, {}, opts);
    const { connection, database, role } = args;
    const deleteData = args.deleteData ?? false;
    const schema = managerSchema(args.managerVersion);

    const owned = args.create === false ? undefined : this.own(name, args, deleteData);
    this.ready = new ManagerTables(
      `${name}-tables`,
      {
        host: connection.host,
        port: connection.port,
        database,
        user: role,
        password: args.rolePassword,
        tls: connection.tls,
        tlsCa: readCaFile("pulsar:managerDatabase.tlsCaFile", connection.tlsCaFile),
        schemaVersion: schema.version,
        sql: schema.sql,
        tables: [...schema.tables],
        deleteTables: deleteData,
      },
      {
        parent: this,
        dependsOn: owned?.last,
        // Dropping a database takes its tables with it.
        deletedWith: owned?.database,
        // Without its rows the manager knows neither its users nor its environments, and nobody can log in.
        protect: args.protect,
      },
    );
    this.jdbcUrl = pulumi
      .all([connection.host, connection.port])
      .apply(([host, port]) => jdbcUrl({ host, port, tls: connection.tls }, database));
    this.registerOutputs({ jdbcUrl: this.jdbcUrl });
  }

  /** Registers what `admin` makes, one after the other. What an interrupted `up` has left of it is made again. */
  private own(
    name: string,
    args: ManagerDatabaseArgs,
    deleteData: boolean,
  ): { database: postgresql.Database; last: pulumi.Resource } {
    const { admin, connection } = args;
    if (!admin) {
      throw fault(
        `${name}: role and database are to be made, but admin is not set; set it, or create: false where they exist`,
      );
    }
    const server = {
      host: connection.host,
      port: connection.port,
      database: admin.database ?? "postgres",
      user: admin.user,
      password: pulumi.secret(admin.password),
      tls: connection.tls,
      tlsCa: readCaFile("pulsar:managerDatabase.tlsCaFile", connection.tlsCaFile),
    };
    const names = new ManagerNames(
      `${name}-names`,
      { ...server, names: { role: args.role, database: args.database } },
      { parent: this },
    );
    const makeRoom = leftoverHooks(name, pulumi.output(server), names);
    const provider = new postgresql.Provider(
      `${name}-server`,
      {
        host: connection.host,
        port: connection.port,
        username: admin.user,
        password: server.password,
        database: server.database,
        superuser: admin.superuser ?? true,
        sslmode: connection.tls,
        sslrootcert: connection.tlsCaFile,
        connectTimeout: connectLimitSeconds,
      },
      { parent: this },
    );
    // Retained, a resource leaves the state and stays on the server: a destroy takes no data along that nobody asked it to.
    const opts = { parent: this, provider, retainOnDelete: !deleteData };
    // Protected as the tables are that live in them. The provider (3.18) renames in place, but the state keeps the old name as the id: the next refresh takes the resource for gone.
    const byName = { ...opts, dependsOn: names, replaceOnChanges: ["name"], protect: args.protect };

    const role = new postgresql.Role(
      `${name}-role`,
      {
        name: args.role,
        login: true,
        password: pulumi.secret(args.rolePassword),
        // It is dropped after its database and owns nothing else then. If it does, PostgreSQL refuses, which is better than handing
        // those things over to `admin` (REASSIGN OWNED) or dropping them (DROP OWNED).
        skipReassignOwned: true,
      },
      { ...byName, hooks: { beforeCreate: [makeRoom.role] } },
    );
    const database = new postgresql.Database(
      `${name}-database`,
      // When the owner changes, the tables have to follow, or the new one could not use them.
      { name: args.database, owner: role.name, alterObjectOwnership: true },
      { ...byName, hooks: { beforeCreate: [makeRoom.database] } },
    );
    // What stands inside the database stays or goes with it and is never deleted on its own: DROP SCHEMA fails while tables stand in
    // the schema, and a REVOKE when the role has changed would be about a role that nobody uses any more.
    const inside = { ...opts, retainOnDelete: true };
    const schema = new postgresql.Schema(
      `${name}-schema`,
      // Every database has this schema, so its owner is changed. `database` makes the provider connect there: a schema belongs to one.
      { name: "public", database: database.name, owner: role.name, ifNotExists: true, dropCascade: false },
      inside,
    );
    // One after the other: at the same time they meet "tuple concurrently updated" (terraform-provider-postgresql#178, open).
    // Listed, because ALL is read back as a list and shows as a difference.
    const onDatabase = new postgresql.Grant(
      `${name}-grant-database`,
      {
        role: role.name,
        database: database.name,
        objectType: "database",
        privileges: ["CONNECT", "CREATE", "TEMPORARY"],
      },
      { ...inside, dependsOn: schema },
    );
    const onSchema = new postgresql.Grant(
      `${name}-grant-schema`,
      {
        role: role.name,
        database: database.name,
        schema: schema.name,
        objectType: "schema",
        privileges: ["CREATE", "USAGE"],
      },
      { ...inside, dependsOn: onDatabase },
    );
    return { database, last: onSchema };
  }
}

/**
 * The URL of `database` for PostgreSQL's JDBC driver. `verify-full` uses the CAs that Java trusts, because by default the driver reads a file in its
 * home directory.
 */
export function jdbcUrl(server: { host: string; port: number; tls: TlsMode }, database: string): string {
  const host = server.host.includes(":") ? `[${server.host}]` : server.host;
  const parameters = {
    disable: "",
    require: "?sslmode=require",
    "verify-full": "?sslmode=verify-full&sslfactory=org.postgresql.ssl.DefaultJavaSSLFactory",
  };
  // The address is part of a command line in the manager's image; quotation marks would be taken out of it.
  const name = encodeURIComponent(database).replaceAll("'", "%27");
  return `jdbc:postgresql://${host}:${server.port}/${name}${parameters[server.tls]}`;
}
