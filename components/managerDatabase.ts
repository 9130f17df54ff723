import * as postgresql from "@pulumi/postgresql";
import * as pulumi from "@pulumi/pulumi";
import { jdbcUrl, type ManagerDatabaseSettings } from "../model/managerDatabase.ts";
import { managerSchema } from "../model/managerSchemas/index.ts";
import { readCaFile } from "../resources/kit/caFile.ts";
import { fault } from "../resources/kit/fault.ts";
import { leftoverHooks } from "../resources/postgres/managerLeftovers.ts";
import { ManagerNames } from "../resources/postgres/managerNames.ts";
import { ManagerTables } from "../resources/postgres/managerTables.ts";
import { connectLimitSeconds } from "../resources/postgres/sqlSession.ts";

export interface ManagerDatabaseArgs extends Omit<ManagerDatabaseSettings, "admin"> {
  /** The password of `user`. Secret. A change is applied to PostgreSQL first, then everywhere else. */
  password: pulumi.Input<string>;
  /** Needed unless `create` is false. */
  admin?: ManagerDatabaseSettings["admin"] & { password: pulumi.Input<string> };
  /** Image tag of Pulsar Manager, which determines the tables. */
  managerVersion: string;
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
  readonly jdbcUrl: string;
  /** Exists when role, database, grants and tables exist. */
  readonly ready: pulumi.Resource;

  constructor(name: string, args: ManagerDatabaseArgs, opts?: pulumi.ComponentResourceOptions) {
    super("pulsar:components:ManagerDatabase", name, {}, opts);
    const schema = managerSchema(args.managerVersion);

    const created = args.create ? this.createDatabase(name, args) : undefined;
    this.ready = new ManagerTables(
      `${name}-tables`,
      {
        host: args.host,
        port: args.port,
        database: args.name,
        user: args.user,
        password: args.password,
        tls: args.tls,
        tlsCa: readCaFile("pulsar:managerDatabase.tlsCaFile", args.tlsCaFile),
        schemaVersion: schema.version,
        sql: schema.sql,
        tables: [...schema.tables],
        deleteTables: args.deleteData,
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
    this.jdbcUrl = jdbcUrl(args);
    this.registerOutputs({ jdbcUrl: this.jdbcUrl });
  }

  /** Registers what `admin` creates, in sequence. An interrupted `up` may leave parts on the server; the next one creates them again. */
  private createDatabase(
    name: string,
    args: ManagerDatabaseArgs,
  ): { database: postgresql.Database; last: pulumi.Resource } {
    const { admin, host, port, tls, tlsCaFile } = args;
    if (!admin) {
      throw fault(
        `${name}: admin is not set, so role and database cannot be created; set it, or set create to false if they exist`,
      );
    }
    const server = {
      host,
      port,
      database: admin.database,
      user: admin.user,
      password: pulumi.secret(admin.password),
      tls,
      tlsCa: readCaFile("pulsar:managerDatabase.tlsCaFile", tlsCaFile),
    };
    const names = new ManagerNames(
      `${name}-names`,
      { ...server, names: { role: args.user, database: args.name } },
      { parent: this },
    );
    const hooks = leftoverHooks(name, pulumi.output(server), names);
    const provider = new postgresql.Provider(
      `${name}-server`,
      {
        host,
        port,
        username: admin.user,
        password: server.password,
        database: server.database,
        superuser: admin.superuser,
        sslmode: tls,
        sslrootcert: tlsCaFile,
        connectTimeout: connectLimitSeconds,
      },
      { parent: this },
    );
    // A retained resource leaves the state and stays on the server: a destroy deletes data only if `deleteData` is set.
    const opts = { parent: this, provider, retainOnDelete: !args.deleteData };
    // A rename replaces the resource: the provider (3.18) renames in place, but the state keeps the old name as the id, and the next refresh
    // does not find it.
    const byName = { ...opts, dependsOn: names, replaceOnChanges: ["name"], protect: args.protect };

    const role = new postgresql.Role(
      `${name}-role`,
      {
        name: args.user,
        login: true,
        password: pulumi.secret(args.password),
        // The role is dropped after its database. If it owns anything else, PostgreSQL must refuse, rather than give these objects to `admin`
        // (REASSIGN OWNED) or drop them (DROP OWNED).
        skipReassignOwned: true,
      },
      { ...byName, hooks: { beforeCreate: [hooks.role] } },
    );
    const database = new postgresql.Database(
      `${name}-database`,
      // Tables must change their owner with the database, or the new owner could not use them.
      { name: args.name, owner: role.name, alterObjectOwnership: true },
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
