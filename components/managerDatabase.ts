import * as postgresql from "@pulumi/postgresql";
import * as pulumi from "@pulumi/pulumi";
import { readCaFile } from "../resources/kit/caFile.ts";
import { fault } from "../resources/kit/fault.ts";
import { leftoverHooks } from "../resources/postgres/managerLeftovers.ts";
import { ManagerNames } from "../resources/postgres/managerNames.ts";
import { ManagerTables } from "../resources/postgres/managerTables.ts";
import { connectLimitSeconds, type TlsMode } from "../resources/postgres/sqlSession.ts";
import { managerSchema } from "../model/managerSchemas/index.ts";

/** How the machine that runs Pulumi and the cluster both connect to the PostgreSQL server. */
export interface ManagerDatabaseConnection {
  /** Host name or address. After a change the server counts as the same one under another name; missing objects are created there. */
  host: pulumi.Input<string>;
  port: pulumi.Input<number>;
  /** How all connections are secured, including the manager's (JDBC). */
  tls: TlsMode;
  /**
   * Path of the CA's certificate in PEM, relative to the program, for `verify-full`; the PostgreSQL provider accepts only a file. The
   * manager does not read it: its image must trust the CA.
   * @default the CAs that each side already trusts
   */
  tlsCaFile?: string;
}

/** A role that may create roles and databases. */
export interface ManagerDatabaseAdmin {
  user: string;
  /** Secret. */
  password: pulumi.Input<string>;
  /** The database that it connects to. @default "postgres" */
  database?: string;
  /** Whether it is a superuser. Set to false on managed servers such as Amazon RDS, where it cannot read password hashes. @default true */
  superuser?: boolean;
}

export interface ManagerDatabaseArgs {
  connection: ManagerDatabaseConnection;
  /** Needed unless `create` is false. */
  admin?: ManagerDatabaseAdmin;
  /** Name of the manager's database. A change creates another one with empty tables and keeps the old one, unless `deleteData` is set. */
  database: string;
  /**
   * The role that the manager logs in as, and that owns everything in its database. A change creates another role and makes it the owner,
   * which needs a superuser as `admin`; the old role stays, unless `deleteData` is set.
   */
  role: string;
  /** The role's password. Secret. A change is applied to PostgreSQL first, then everywhere else. */
  rolePassword: pulumi.Input<string>;
  /** Image tag of Pulsar Manager, which determines the tables. */
  managerVersion: string;
  /**
   * Whether `admin` creates the role and the database. If false, they must exist, and only the tables are created. Changing it to false treats
   * role and database as a destroy does (see `deleteData`).
   * @default true
   */
  create?: boolean;
  /** Whether a destroy drops the database and the role or, without `create`, the tables. @default false: they stay, with all rows */
  deleteData?: boolean;
  /** Whether the engine refuses to delete or replace role, database and tables, including on `destroy`. @default false */
  protect?: boolean;
}

/**
 * Pulsar Manager's PostgreSQL database. The official provider creates role, database and grants; then the manager's role creates the tables.
 * The tables have no grants, because that role owns them: with provider 3.18, grants on tables show a permanent difference once a table
 * exists that they do not cover.
 *
 * @throws pulumi.RunError for an unknown manager version, a missing `admin`, or a CA file that cannot be read
 */
export class ManagerDatabase extends pulumi.ComponentResource {
  /** The address that the manager connects to. Contains no credentials; known at preview. */
  readonly jdbcUrl: pulumi.Output<string>;
  /** Exists when role, database, grants and tables exist. */
  readonly ready: pulumi.Resource;

  constructor(name: string, args: ManagerDatabaseArgs, opts?: pulumi.ComponentResourceOptions) {
    super("pulsar:components:ManagerDatabase", name, {}, opts);
    const { connection, database, role } = args;
    const deleteData = args.deleteData ?? false;
    const schema = managerSchema(args.managerVersion);

    const created = args.create === false ? undefined : this.createDatabase(name, args, deleteData);
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
        dependsOn: created?.last,
        // Dropping a database takes its tables with it.
        deletedWith: created?.database,
        // Without the rows the manager has no users and no environments, and nobody can log in.
        protect: args.protect,
      },
    );
    this.jdbcUrl = pulumi
      .all([connection.host, connection.port])
      .apply(([host, port]) => jdbcUrl({ host, port, tls: connection.tls }, database));
    this.registerOutputs({ jdbcUrl: this.jdbcUrl });
  }

  /** Registers what `admin` creates, in sequence. An interrupted `up` may leave parts on the server; the next one creates them again. */
  private createDatabase(
    name: string,
    args: ManagerDatabaseArgs,
    deleteData: boolean,
  ): { database: postgresql.Database; last: pulumi.Resource } {
    const { admin, connection } = args;
    if (!admin) {
      throw fault(
        `${name}: admin is not set, so role and database cannot be created; set it, or set create to false if they exist`,
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
    const hooks = leftoverHooks(name, pulumi.output(server), names);
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
    // A retained resource leaves the state and stays on the server: a destroy deletes data only if `deleteData` is set.
    const opts = { parent: this, provider, retainOnDelete: !deleteData };
    // A rename replaces the resource: the provider (3.18) renames in place, but the state keeps the old name as the id, and the next refresh
    // does not find it.
    const byName = { ...opts, dependsOn: names, replaceOnChanges: ["name"], protect: args.protect };

    const role = new postgresql.Role(
      `${name}-role`,
      {
        name: args.role,
        login: true,
        password: pulumi.secret(args.rolePassword),
        // The role is dropped after its database. If it owns anything else, PostgreSQL must refuse, rather than give these objects to `admin`
        // (REASSIGN OWNED) or drop them (DROP OWNED).
        skipReassignOwned: true,
      },
      { ...byName, hooks: { beforeCreate: [hooks.role] } },
    );
    const database = new postgresql.Database(
      `${name}-database`,
      // Tables must change their owner with the database, or the new owner could not use them.
      { name: args.database, owner: role.name, alterObjectOwnership: true },
      { ...byName, hooks: { beforeCreate: [hooks.database] } },
    );
    // Objects in the database are deleted only together with it: DROP SCHEMA fails while the schema has tables, and a REVOKE after a change of
    // role would affect only the old role.
    const inside = { ...opts, retainOnDelete: true };
    const schema = new postgresql.Schema(
      `${name}-schema`,
      // Every database has this schema, so the provider only changes its owner.
      { name: "public", database: database.name, owner: role.name, ifNotExists: true, dropCascade: false },
      inside,
    );
    // In sequence: concurrent grants fail with "tuple concurrently updated" (terraform-provider-postgresql#178, open).
    // Privileges are listed, because ALL is read back as a list and shows as a difference.
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
  // The address is part of a shell command in the manager's image, which would remove quotation marks.
  const name = encodeURIComponent(database).replaceAll("'", "%27");
  return `jdbc:postgresql://${host}:${server.port}/${name}${parameters[server.tls]}`;
}
