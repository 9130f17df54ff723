import type { Attributes, Definition, Settings } from "./attributes.ts";
import type { Server, Session } from "./connection.ts";
import { asMember } from "./membership.ts";
import { databaseExists, databaseOwner, lockDatabase, lockRole, name, roleExists, schemaExists, step } from "./sql.ts";

export const attributes = {
  role: { kind: "string", replaces: true },
  database: { kind: "string", replaces: true },
  schema: { kind: "string", replaces: true },
  objectType: { kind: "string", replaces: true },
  objects: { kind: "set", replaces: true },
  columns: { kind: "set", replaces: true },
  privileges: { kind: "set" },
  withGrantOption: { kind: "boolean", replaces: true, default: false },
} as const satisfies Attributes;

type Grant = Settings<typeof attributes>;

/** The privileges of each object type, and the query for its access control lists. */
const objectTypes: Readonly<Record<string, { privileges: string[]; acl: string }>> = {
  database: {
    privileges: ["CREATE", "CONNECT", "TEMPORARY"],
    acl: "SELECT datname AS object, datacl AS acl FROM pg_database WHERE datname = $1",
  },
  schema: {
    privileges: ["CREATE", "USAGE"],
    acl: "SELECT nspname AS object, nspacl AS acl FROM pg_namespace WHERE nspname = $1",
  },
  table: {
    privileges: ["SELECT", "INSERT", "UPDATE", "DELETE", "TRUNCATE", "REFERENCES", "TRIGGER"],
    acl: relations("r"),
  },
  sequence: { privileges: ["USAGE", "SELECT", "UPDATE"], acl: relations("S") },
  function: { privileges: ["EXECUTE"], acl: routines() },
  procedure: { privileges: ["EXECUTE"], acl: routines() },
  routine: { privileges: ["EXECUTE"], acl: routines() },
};

function relations(kind: string): string {
  return `SELECT relname AS object, relacl AS acl FROM pg_class JOIN pg_namespace n ON n.oid = relnamespace
    WHERE nspname = $1 AND relkind = '${kind}'`;
}

function routines(): string {
  return `SELECT proname AS object, proacl AS acl FROM pg_proc JOIN pg_namespace n ON n.oid = pronamespace
    WHERE nspname = $1`;
}

/** `postgresql:index/grant:Grant`, without columns and foreign data. */
export function grant(server: Server): Definition<typeof attributes> {
  const change = async (wanted: Grant, statements: string[]): Promise<void> => {
    await server.transaction(wanted.database, async (session) => {
      // Other grants on the same schema or tables can still fail with "tuple concurrently updated" (terraform-provider-postgresql#178, open).
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

    id({ role, database, schema, objectType, objects, columns }) {
      const within = objectType === "database" ? [] : [schema];
      return [role, database, ...within, objectType, ...objects.toSorted(), ...columns.toSorted()].join("_");
    },

    async create(wanted) {
      await validate(server, wanted);
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
      await validate(server, wanted);
      await change(wanted, [revokeStatement(old), ...grantStatements(wanted)]);
    },

    async delete(state) {
      await step("could not execute revoke query", change(state, [revokeStatement(state)]));
    },
  };
}

async function allowedPrivileges(session: Session, objectType: string): Promise<string[]> {
  const privileges = objectTypes[objectType]?.privileges ?? [];
  if (objectType !== "table") return privileges;
  const [version] = await session.rows("SELECT current_setting('server_version_num')::int AS number");
  return Number(version?.number) >= 170_000 ? [...privileges, "MAINTAIN"] : privileges;
}

/** @throws Error for invalid settings. As in the official plugin, in `up` only */
async function validate(server: Server, wanted: Grant): Promise<void> {
  const { objectType, objects, columns, schema } = wanted;
  if (!(objectType in objectTypes)) {
    throw new Error(
      `the postgresql stand-in does not grant on ${objectType}, only on ${Object.keys(objectTypes).join(", ")}`,
    );
  }
  if (schema === "" && objectType !== "database") {
    throw new Error("parameter 'schema' is mandatory for postgresql_grant resource");
  }
  if (objects.length > 0 && (objectType === "database" || objectType === "schema")) {
    throw new Error("cannot specify `objects` when `object_type` is `database` or `schema`");
  }
  if (columns.length > 0) throw new Error("cannot specify `columns` when `object_type` is not `column`");
  const allowed = await server.session((session) => allowedPrivileges(session, objectType));
  const wrong = wanted.privileges.find((privilege) => privilege !== "ALL" && !allowed.includes(privilege));
  if (wrong) throw new Error(`${wrong} is not an allowed privilege for object type ${objectType}`);
}

function target({ objectType, database, schema, objects }: Grant): string {
  if (objectType === "database") return `DATABASE ${name(database)}`;
  if (objectType === "schema") return `SCHEMA ${name(schema)}`;
  const kind = objectType.toUpperCase();
  if (objects.length === 0) return `ALL ${kind}S IN SCHEMA ${name(schema)}`;
  // The name of a function may include argument types: `f(text, int)`.
  const quoted = objects.map((object) => {
    const [bare = "", ...types] = object.split("(");
    return `${name(schema)}.${name(bare)}${types.map((rest) => `(${rest}`).join("")}`;
  });
  return `${kind} ${quoted.join(",")}`;
}

/** Before a grant, all privileges are revoked in the same transaction. On named objects only the granted ones, to keep column grants. */
function revokeStatement(settings: Grant): string {
  const named = settings.objects.length > 0 && settings.privileges.length > 0;
  const what = named ? settings.privileges.join(",") : "ALL PRIVILEGES";
  return `REVOKE ${what} ON ${target(settings)} FROM ${name(settings.role)}`;
}

function grantStatements(wanted: Grant): string[] {
  if (wanted.privileges.length === 0) return [];
  const option = wanted.withGrantOption ? " WITH GRANT OPTION" : "";
  return [`GRANT ${wanted.privileges.join(",")} ON ${target(wanted)} TO ${name(wanted.role)}${option}`];
}

/** The privileges of the state if every object has them. Otherwise those of the first object that differs, so that the next run fixes it. */
async function readPrivileges(session: Session, state: Grant): Promise<string[]> {
  const type = objectTypes[state.objectType];
  if (!type) return state.privileges;
  const allowed = await allowedPrivileges(session, state.objectType);
  const objects = await session.rows(
    `SELECT object, ARRAY(
       SELECT privilege_type::text FROM aclexplode(acl)
       WHERE grantee = coalesce((SELECT oid FROM pg_roles WHERE rolname = $2), 0)
     ) AS privileges FROM (${type.acl}) objects`,
    [state.objectType === "database" ? state.database : state.schema, state.role],
  );
  const equals = (granted: string[], wanted: string[]): boolean =>
    granted.toSorted().join() === wanted.toSorted().join();
  const differing = objects
    .filter(({ object }) => state.objects.length === 0 || state.objects.includes(String(object)))
    .map(({ privileges }) => privileges as string[])
    .find((granted) => {
      if (equals(granted, state.privileges)) return false;
      return !(state.privileges.includes("ALL") && equals(granted, allowed));
    });
  return differing ?? state.privileges;
}

/** The owners of the objects. In PostgreSQL 15 and later, pg_database_owner is the owner of the database. */
async function ownersOf(session: Session, { objectType, database, schema }: Grant): Promise<string[]> {
  if (objectType === "database") return [];
  const tables = "SELECT DISTINCT tableowner AS owner FROM pg_tables WHERE schemaname = $1";
  const own = "SELECT pg_get_userbyid(nspowner) AS owner FROM pg_namespace WHERE nspname = $1";
  const [schemaOwner] = await session.rows(own, [schema]);
  if (!schemaOwner) throw new Error(`could not find schema '${schema}' while looking for owner`);
  const tableOwners = objectType === "schema" ? [] : await session.rows(tables, [schema]);
  const owners = [...new Set([...tableOwners, schemaOwner].map(({ owner }) => String(owner)))];
  const owner = await databaseOwner(session, database);
  return owners.map((one) => (one === "pg_database_owner" ? owner : one));
}
