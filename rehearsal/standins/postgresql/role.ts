import { createHash } from "node:crypto";
import type { Attributes, Definition, Settings } from "./attributes.ts";
import type { Server, Session } from "./connection.ts";
import { asMember } from "./membership.ts";
import { literal, lockRole, name, step } from "./sql.ts";

export const attributes = {
  name: { kind: "string" },
  password: { kind: "string" },
  encryptedPassword: { kind: "boolean", default: true },
  validUntil: { kind: "string", default: "infinity" },
  connectionLimit: { kind: "number", default: -1 },
  superuser: { kind: "boolean", default: false },
  createDatabase: { kind: "boolean", default: false },
  createRole: { kind: "boolean", default: false },
  inherit: { kind: "boolean", default: true },
  login: { kind: "boolean", default: false },
  replication: { kind: "boolean", default: false },
  bypassRowLevelSecurity: { kind: "boolean", default: false },
  skipDropRole: { kind: "boolean", default: false },
  skipReassignOwned: { kind: "boolean", default: false },
} as const satisfies Attributes;

/** Outputs that are always secret. */
export const secretOutputs = ["password"];

type Role = Settings<typeof attributes>;

const flags = [
  ["superuser", "SUPERUSER"],
  ["createDatabase", "CREATEDB"],
  ["createRole", "CREATEROLE"],
  ["inherit", "INHERIT"],
  ["login", "LOGIN"],
  ["bypassRowLevelSecurity", "BYPASSRLS"],
  ["replication", "REPLICATION"],
] as const satisfies [keyof Role, string][];

/** `postgresql:index/role:Role`, without memberships and parameters of the role. */
export function role(server: Server): Definition<typeof attributes> {
  return {
    attributes,
    id: (wanted) => wanted.name,

    async create(wanted) {
      await server.transaction(server.settings.database, async (session) => {
        const create = `CREATE ROLE ${name(wanted.name)} WITH ${[
          ...passwordOptions(wanted),
          `VALID UNTIL ${literal(validUntil(wanted))}`,
          `CONNECTION LIMIT ${wanted.connectionLimit}`,
          ...flags.map(([key, word]) => (wanted[key] ? word : `NO${word}`)),
        ].join(" ")}`;
        await step(`error creating role ${wanted.name}`, session.rows(create));
      });
    },

    async read(id, state) {
      return server.session(async (session) => {
        const [found] = await session.rows(
          "SELECT *, coalesce(rolvaliduntil::text, 'infinity') AS valid_until FROM pg_roles WHERE rolname = $1",
          [id],
        );
        if (!found) return undefined;
        const login = found.rolcanlogin === true;
        return {
          name: String(found.rolname),
          connectionLimit: Number(found.rolconnlimit),
          createDatabase: found.rolcreatedb === true,
          createRole: found.rolcreaterole === true,
          // The server always stores a hash. As in the official plugin, `false` is therefore an update on every run.
          encryptedPassword: true,
          inherit: found.rolinherit === true,
          login,
          superuser: found.rolsuper === true,
          validUntil: String(found.valid_until),
          replication: found.rolreplication === true,
          bypassRowLevelSecurity: found.rolbypassrls === true,
          ...(state.password === ""
            ? {}
            : { password: await readPassword(server, session, id, state.password, login) }),
        };
      });
    },

    async update(old, wanted) {
      await server.transaction(server.settings.database, async (session) => {
        await lockRole(session, old.name);
        const alter = async (what: string, statement: string): Promise<void> => {
          await step(`error updating role ${what}`, session.rows(`ALTER ROLE ${name(wanted.name)} ${statement}`));
        };
        if (old.name !== wanted.name) {
          const rename = session.rows(`ALTER ROLE ${name(old.name)} RENAME TO ${name(wanted.name)}`);
          await step("error updating role NAME", rename);
        }
        const password = changedPassword(old, wanted);
        if (password !== "") await alter("password", `PASSWORD ${literal(password)}`);
        if (old.connectionLimit !== wanted.connectionLimit) {
          await alter("CONNECTION LIMIT", `CONNECTION LIMIT ${wanted.connectionLimit}`);
        }
        for (const [key, word] of flags) {
          if (old[key] !== wanted[key]) await alter(word, `WITH ${wanted[key] ? word : `NO${word}`}`);
        }
        if (old.validUntil !== wanted.validUntil && wanted.validUntil !== "") {
          await alter("VALID UNTIL", `VALID UNTIL ${literal(validUntil(wanted))}`);
        }
      });
    },

    async delete(state) {
      await server.transaction(server.settings.database, async (session) => {
        await lockRole(session, state.name);
        const quoted = name(state.name);
        if (!state.skipReassignOwned) {
          await asMember(session, [state.name], async () => {
            const reassign = session.rows(`REASSIGN OWNED BY ${quoted} TO ${name(server.user)}`);
            await step(`could not reassign owned by role ${state.name} to ${server.user}`, reassign);
            await step(`could not drop owned by role ${state.name}`, session.rows(`DROP OWNED BY ${quoted}`));
          });
        }
        if (!state.skipDropRole) {
          await step(`could not delete role ${state.name}`, session.rows(`DROP ROLE ${quoted}`));
        }
      });
    },
  };
}

function passwordOptions({ password, encryptedPassword }: Role): string[] {
  if (password === "") return [];
  if (password.toUpperCase() === "NULL") return ["PASSWORD NULL"];
  return [encryptedPassword ? "ENCRYPTED" : "UNENCRYPTED", "PASSWORD", literal(password)];
}

/** The password to set, or "". A rename clears an MD5 password, whose salt is the name. */
function changedPassword(old: Role, wanted: Role): string {
  return old.password === wanted.password && old.name === wanted.name ? "" : wanted.password;
}

function validUntil(wanted: Role): string {
  return wanted.validUntil === "" || wanted.validUntil.toLowerCase() === "infinity" ? "infinity" : wanted.validUntil;
}

/** The password of the state if the server's hash may belong to it, else the hash, which then shows as a change. */
async function readPassword(
  server: Server,
  session: Session,
  id: string,
  password: string,
  login: boolean,
): Promise<string> {
  if (!login || !server.settings.superuser) return password;
  const [me] = await session.rows("SELECT rolsuper FROM pg_roles WHERE rolname = CURRENT_USER");
  if (me?.rolsuper !== true) {
    throw new Error(
      `could not read role password from Postgres as connected user ${server.user} is not a SUPERUSER. You can set ` +
        "`superuser = false` in the provider configuration so it will not try to read the password from Postgres",
    );
  }
  const [shadow] = await session.rows("SELECT coalesce(passwd, '') AS hash FROM pg_shadow WHERE usename = $1", [id]);
  const hash = shadow ? String(shadow.hash) : "";
  const isHash = /^(md5|SCRAM-SHA-256)/;
  if (isHash.test(password)) return hash;
  // A SCRAM hash is not verified.
  if (hash.startsWith("SCRAM-SHA-256")) return password;
  return hash === `md5${createHash("md5").update(`${password}${id}`).digest("hex")}` ? password : hash;
}
