import type { Attributes, Definition, Settings } from "./attributes.ts";
import type { Server, Session } from "./connection.ts";
import { join, leave } from "./membership.ts";
import { databaseOwner, lockRole, name, step } from "./sql.ts";

export const attributes = {
  name: { kind: "string" },
  owner: { kind: "string", computed: true },
  template: { kind: "string", computed: "only" },
  encoding: { kind: "string", computed: "only" },
  lcCollate: { kind: "string", computed: "only" },
  lcCtype: { kind: "string", computed: "only" },
  tablespaceName: { kind: "string", computed: "only" },
  connectionLimit: { kind: "number", default: -1 },
  allowConnections: { kind: "boolean", default: true },
  isTemplate: { kind: "boolean", computed: "only" },
  alterObjectOwnership: { kind: "boolean", default: false },
} as const satisfies Attributes;

type Database = Settings<typeof attributes>;

/** `postgresql:index/database:Database`, with the default template, encoding, locale and tablespace. */
export function database(server: Server): Definition<typeof attributes> {
  return {
    attributes,
    id: (wanted) => wanted.name,

    async create(wanted) {
      await asOwner(server, wanted.owner, async (session) => {
        const create = [
          `CREATE DATABASE ${name(wanted.name)} OWNER ${name(wanted.owner || server.user)}`,
          "TEMPLATE template0 ENCODING 'UTF8'",
          `ALLOW_CONNECTIONS ${wanted.allowConnections} CONNECTION LIMIT ${wanted.connectionLimit}`,
          "IS_TEMPLATE false",
        ].join(" ");
        await step(`error creating database "${wanted.name}"`, session.rows(create));
      });
    },

    async read(id) {
      return server.session(async (session) => {
        const [found] = await session.rows(
          `SELECT d.*, pg_get_userbyid(d.datdba) AS owner, pg_encoding_to_char(d.encoding) AS encoding_name, ts.spcname
           FROM pg_database d JOIN pg_tablespace ts ON d.dattablespace = ts.oid WHERE d.datname = $1`,
          [id],
        );
        if (!found) return undefined;
        return {
          name: String(found.datname),
          owner: String(found.owner),
          encoding: String(found.encoding_name),
          lcCollate: String(found.datcollate),
          lcCtype: String(found.datctype),
          tablespaceName: String(found.spcname),
          connectionLimit: Number(found.datconnlimit),
          // The server does not store the template.
          template: "template0",
          allowConnections: found.datallowconn === true,
          isTemplate: found.datistemplate === true,
        };
      });
    },

    async update(old, wanted) {
      const alter = async (session: Session, what: string, statement: string): Promise<void> => {
        await step(`error updating database ${what}`, session.rows(`ALTER DATABASE ${statement}`));
      };
      const quoted = name(wanted.name);
      if (old.name !== wanted.name) {
        await server.session((session) => alter(session, "name", `${name(old.name)} RENAME TO ${quoted}`));
      }
      const newOwner = old.owner !== wanted.owner && wanted.owner !== "";
      if ((newOwner || old.alterObjectOwnership !== wanted.alterObjectOwnership) && wanted.alterObjectOwnership) {
        await reassign(server, wanted);
      }
      if (newOwner) {
        await asOwner(server, wanted.owner, (session) =>
          alter(session, "OWNER", `${quoted} OWNER TO ${name(wanted.owner)}`),
        );
      }
      await server.session(async (session) => {
        if (old.connectionLimit !== wanted.connectionLimit) {
          await alter(session, "CONNECTION LIMIT", `${quoted} CONNECTION LIMIT = ${wanted.connectionLimit}`);
        }
        if (old.allowConnections !== wanted.allowConnections) {
          await alter(session, "ALLOW_CONNECTIONS", `${quoted} ALLOW_CONNECTIONS ${wanted.allowConnections}`);
        }
      });
    },

    async delete(state) {
      const quoted = name(state.name);
      await asOwner(server, state.owner, async (session) => {
        const block = session.rows(`ALTER DATABASE ${quoted} ALLOW_CONNECTIONS false`);
        await step("error blocking connections to database", block);
        const terminate = session.rows(
          "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = $1 AND pid <> pg_backend_pid()",
          [state.name],
        );
        await step("error terminating database connections", terminate);
        await step("error dropping database", session.rows(`DROP DATABASE ${quoted} WITH ( FORCE )`));
      });
    },
  };
}

/**
 * Runs `work` while the connected user is a member of the owner, under a lock. Not in a transaction, because databases cannot be created or dropped
 * in one.
 */
async function asOwner(server: Server, owner: string, work: (session: Session) => Promise<void>): Promise<void> {
  if (owner === "") {
    await server.session(work);
    return;
  }
  await server.transaction(server.settings.database, async (lock) => {
    await lockRole(lock, server.user);
    await server.session(async (session) => {
      const joined = await join(session, owner, server.user);
      try {
        await work(session);
      } finally {
        if (joined) await leave(session, owner, server.user);
      }
    });
  });
}

/** Reassigns the objects of the present owner in the database to the new owner. */
async function reassign(server: Server, wanted: Database): Promise<void> {
  await server.transaction(wanted.name, async (session) => {
    await lockRole(session, server.user);
    const owner = await databaseOwner(session, wanted.name);
    if (owner === wanted.owner) return;
    const joined = await join(session, owner, server.user);
    const all = session.rows(`REASSIGN OWNED BY ${name(owner)} TO ${name(wanted.owner)}`);
    await step(`error reassigning objects owned by '${owner}'`, all);
    if (joined) await leave(session, owner, server.user);
  });
}
