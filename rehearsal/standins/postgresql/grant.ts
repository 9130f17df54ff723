import type { Attributes, Definition, Settings } from "./attributes.ts";
import type { Server, Session } from "./connection.ts";
import { asMember } from "./membership.ts";
import { databaseExists, databaseOwner, lockDatabase, lockRole, name, roleExists, schemaExists, step } from "./sql.ts";

export const attributes = {
  role: { kind: "string", replaces: true },
  database: { kind: "string", replaces: true },
  schema: { kind: "string", replaces: true },
  objectType: { kind: "string", replaces: true },
  privileges: { kind: "set" },
  withGrantOption: { kind: "boolean", replaces: true, default: false },
} as const satisfies Attributes;

type Grant = Settings<typeof attributes>;

/** The privileges of each object type, and the query for its access control list. */
const objectTypes: Readonly<Record<string, { privileges: string[]; acl: string }>> = {
  database: {
    privileges: ["CREATE", "CONNECT", "TEMPORARY"],
    acl: "SELECT datacl AS acl FROM pg_database WHERE datname = $1",
  },
  schema: {
    privileges: ["CREATE", "USAGE"],
    acl: "SELECT nspacl AS acl FROM pg_namespace WHERE nspname = $1",
  },
};

/** `postgresql:index/grant:Grant`, on databases and schemas. */
export function grant(server: Server): Definition<typeof attributes> {
  const change = async (wanted: Grant, statements: string[]): Promise<void> => {
    await server.transaction(wanted.database, async (session) => {
      // Other grants on the same schema can still fail with "tuple concurrently updated" (terraform-provider-postgresql#178, open).
      await lockRole(session, wanted.role);
      if (wanted.objectType === "database") await lockDatabase(session, wanted.database);
      await asMember(session, await ownersOf(session, wanted), async () => {
        for (const statement of statements) await session.rows(statement);
      });
    });
  };

  return {
    attributes,
    deleteBeforeReplace: true,

    id({ role, database, schema, objectType }) {
      const within = objectType === "database" ? [] : [schema];
      return [role, database, ...within, objectType].join("_");
    },

    async create(wanted) {
      validate(wanted);
      await change(wanted, [revokeStatement(wanted), ...grantStatements(wanted)]);
    },

    async read(_id, state) {
      if (!(await server.session((session) => databaseExists(session, state.database)))) return undefined;
      return server.transaction(state.database, async (session) => {
        if (state.role !== "public" && !(await roleExists(session, state.role))) return undefined;
        const schemaMatters = state.objectType !== "database" && state.schema !== "";
        if (schemaMatters && !(await schemaExists(session, state.schema))) return undefined;
        return { privileges: await readPrivileges(session, state) };
      });
    },

    async update(old, wanted) {
      validate(wanted);
      await change(wanted, [revokeStatement(old), ...grantStatements(wanted)]);
    },

    async delete(state) {
      await step("could not execute revoke query", change(state, [revokeStatement(state)]));
    },
  };
}

/** @throws Error for invalid settings. As in the official plugin, in `up` only */
function validate({ objectType, schema, privileges }: Grant): void {
  const type = objectTypes[objectType];
  if (!type) {
    throw new Error(
      `the postgresql stand-in does not grant on ${objectType}, only on ${Object.keys(objectTypes).join(", ")}`,
    );
  }
  if (schema === "" && objectType !== "database") {
    throw new Error("parameter 'schema' is mandatory for postgresql_grant resource");
  }
  const wrong = privileges.find((privilege) => privilege !== "ALL" && !type.privileges.includes(privilege));
  if (wrong) throw new Error(`${wrong} is not an allowed privilege for object type ${objectType}`);
}

function target({ objectType, database, schema }: Grant): string {
  return objectType === "database" ? `DATABASE ${name(database)}` : `SCHEMA ${name(schema)}`;
}

/** Before a grant, all privileges are revoked in the same transaction. */
function revokeStatement(settings: Grant): string {
  return `REVOKE ALL PRIVILEGES ON ${target(settings)} FROM ${name(settings.role)}`;
}

function grantStatements(wanted: Grant): string[] {
  if (wanted.privileges.length === 0) return [];
  const option = wanted.withGrantOption ? " WITH GRANT OPTION" : "";
  return [`GRANT ${wanted.privileges.join(",")} ON ${target(wanted)} TO ${name(wanted.role)}${option}`];
}

/** The privileges on the server. "ALL" in the state stays if the role has all of them. */
async function readPrivileges(session: Session, state: Grant): Promise<string[]> {
  const type = objectTypes[state.objectType];
  if (!type) return state.privileges;
  const [found] = await session.rows(
    `SELECT ARRAY(
       SELECT privilege_type::text FROM aclexplode(acl)
       WHERE grantee = coalesce((SELECT oid FROM pg_roles WHERE rolname = $2), 0)
     ) AS privileges FROM (${type.acl}) object`,
    [state.objectType === "database" ? state.database : state.schema, state.role],
  );
  const granted = (found?.privileges ?? []) as string[];
  const equals = (wanted: string[]): boolean => granted.toSorted().join() === wanted.toSorted().join();
  const settled = equals(state.privileges) || (state.privileges.includes("ALL") && equals(type.privileges));
  return settled ? state.privileges : granted;
}

/** The owners of the schema. In PostgreSQL 15 and later, pg_database_owner is the owner of the database. */
async function ownersOf(session: Session, { objectType, database, schema }: Grant): Promise<string[]> {
  if (objectType === "database") return [];
  const [found] = await session.rows("SELECT pg_get_userbyid(nspowner) AS owner FROM pg_namespace WHERE nspname = $1", [
    schema,
  ]);
  if (!found) throw new Error(`could not find schema '${schema}' while looking for owner`);
  const owner = String(found.owner);
  return [owner === "pg_database_owner" ? await databaseOwner(session, database) : owner];
}
