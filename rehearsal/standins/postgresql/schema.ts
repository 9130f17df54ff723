import type { Attributes, Definition, Settings } from "./attributes.ts";
import type { Server, Session } from "./connection.ts";
import { asMember } from "./membership.ts";
import { databaseExists, databaseOwner, name, schemaExists, step } from "./sql.ts";

export const attributes = {
  name: { kind: "string" },
  database: { kind: "string", computed: true, replaces: true },
  owner: { kind: "string", computed: true },
  ifNotExists: { kind: "boolean", default: true },
  dropCascade: { kind: "boolean", default: false },
} as const satisfies Attributes;

type Schema = Settings<typeof attributes>;

/** `postgresql:index/schema:Schema`, without its deprecated `policies`. */
export function schema(server: Server): Definition<typeof attributes> {
  const databaseOf = (settings: Schema): string => settings.database || server.settings.database;

  return {
    attributes,
    id: (wanted) => `${databaseOf(wanted)}.${wanted.name}`,

    async create(wanted) {
      const database = databaseOf(wanted);
      await server.transaction(database, async (session) => {
        const owner = await databaseOwner(session, database);
        const roles = wanted.owner === "" || wanted.owner === owner ? [owner] : [owner, wanted.owner];
        await asMember(session, roles, () => createOrAdopt(session, wanted));
      });
    },

    async read(id, state) {
      const [importedDatabase = "", importedName = ""] = state.name === "" ? id.split(".") : [];
      const schemaName = state.name || importedName;
      const database = importedDatabase || databaseOf(state);
      if (!(await server.session((session) => databaseExists(session, database)))) return undefined;
      return server.transaction(database, async (session) => {
        const [found] = await session.rows(
          "SELECT nspname, pg_get_userbyid(nspowner) AS owner FROM pg_namespace WHERE nspname = $1",
          [schemaName],
        );
        return found && { name: String(found.nspname), database, owner: String(found.owner) };
      });
    },

    async update(old, wanted) {
      await server.transaction(databaseOf(wanted), async (session) => {
        if (old.name !== wanted.name) {
          const rename = session.rows(`ALTER SCHEMA ${name(old.name)} RENAME TO ${name(wanted.name)}`);
          await step("error updating schema NAME", rename);
        }
        if (old.owner !== wanted.owner) await setOwner(session, wanted);
      });
    },

    async delete(state) {
      await server.transaction(databaseOf(state), async (session) => {
        if (!(await schemaExists(session, state.name))) return;
        const drop = `DROP SCHEMA ${name(state.name)} ${state.dropCascade ? "CASCADE" : "RESTRICT"}`;
        await asMember(session, [state.owner], async () => {
          await step("error deleting schema", session.rows(drop));
        });
      });
    },
  };
}

/** As in the official plugin, an existing schema is adopted for any value of `ifNotExists`. */
async function createOrAdopt(session: Session, wanted: Schema): Promise<void> {
  if (await schemaExists(session, wanted.name)) {
    if (wanted.owner !== "") await setOwner(session, wanted);
    return;
  }
  const create = [
    `CREATE SCHEMA ${wanted.ifNotExists ? "IF NOT EXISTS " : ""}${name(wanted.name)}`,
    ...(wanted.owner === "" ? [] : [`AUTHORIZATION ${name(wanted.owner)}`]),
  ].join(" ");
  await step(`error creating schema ${wanted.name}`, session.rows(create));
}

async function setOwner(session: Session, wanted: Schema): Promise<void> {
  const alter = session.rows(`ALTER SCHEMA ${name(wanted.name)} OWNER TO ${name(wanted.owner)}`);
  await step("error updating schema OWNER", alter);
}
