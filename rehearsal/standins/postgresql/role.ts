import { createHash } from "node:crypto";
import type { Attributes, Definition, Settings } from "./attributes.ts";
import type { Server, Session } from "./connection.ts";
import { asMember } from "./membership.ts";
import { literal, lockRole, name, step } from "./sql.ts";

export const attributes = {
  name: { kind: "string" },
  password: { kind: "string" },
  passwordWo: { kind: "string", writeOnly: true },
  passwordWoVersion: { kind: "string" },
  encrypted: { kind: "string" },
  encryptedPassword: { kind: "boolean", default: true },
  roles: { kind: "set" },
  searchPaths: { kind: "list" },
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
  statementTimeout: { kind: "number" },
  idleInTransactionSessionTimeout: { kind: "number" },
  assumeRole: { kind: "string" },
} as const satisfies Attributes;

/** Outputs that are always secret. */
export const secretOutputs = ["password", "passwordWo"];

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

/** `postgresql:index/role:Role` */
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
        await setMemberships(session, wanted);
        await setParameters(session, undefined, wanted);
      });
    },

    async read(id, state) {
      return server.session(async (session) => {
        const [found] = await session.rows(
          `SELECT *, coalesce(rolvaliduntil::text, 'infinity') AS valid_until, ARRAY(
             SELECT pg_get_userbyid(roleid)::text FROM pg_auth_members WHERE member = pg_roles.oid
           ) AS roles FROM pg_roles WHERE rolname = $1`,
          [id],
        );
        if (!found) return undefined;
        const login = found.rolcanlogin === true;
        const parameters = parametersOf((found.rolconfig ?? []) as string[]);
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
          roles: found.roles as string[],
          ...parameters,
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
        await setMemberships(session, wanted);
        await setParameters(session, old, wanted);
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

function passwordOptions({ password, passwordWo, encryptedPassword }: Role): string[] {
  const given = password || passwordWo;
  if (given === "") return [];
  if (given.toUpperCase() === "NULL") return ["PASSWORD NULL"];
  return [encryptedPassword ? "ENCRYPTED" : "UNENCRYPTED", "PASSWORD", literal(given)];
}

/** The password to set, or "". A rename clears an MD5 password, whose salt is the name. */
function changedPassword(old: Role, wanted: Role): string {
  if (wanted.passwordWo !== "") return old.passwordWoVersion === wanted.passwordWoVersion ? "" : wanted.passwordWo;
  return old.password === wanted.password && old.name === wanted.name ? "" : wanted.password;
}

function validUntil(wanted: Role): string {
  return wanted.validUntil === "" || wanted.validUntil.toLowerCase() === "infinity" ? "infinity" : wanted.validUntil;
}

/** Revokes all memberships and grants the wanted ones. */
async function setMemberships(session: Session, wanted: Role): Promise<void> {
  const member = name(wanted.name);
  const joined = await session.rows(
    `SELECT pg_get_userbyid(roleid) AS role FROM pg_auth_members JOIN pg_roles ON member = pg_roles.oid
     WHERE rolname = $1`,
    [wanted.name],
  );
  for (const role of joined.map((row) => String(row.role))) {
    await step(
      `could not revoke role ${role} from ${wanted.name}`,
      session.rows(`REVOKE ${name(role)} FROM ${member}`),
    );
  }
  for (const role of wanted.roles) {
    await step(`could not grant role ${role} to ${wanted.name}`, session.rows(`GRANT ${name(role)} TO ${member}`));
  }
}

async function setParameters(session: Session, old: Role | undefined, wanted: Role): Promise<void> {
  const alter = async (parameter: string, statement: string): Promise<void> => {
    const set = session.rows(`ALTER ROLE ${name(wanted.name)} ${statement}`);
    await step(`could not set ${parameter} for ${wanted.name}`, set);
  };
  if (wanted.searchPaths.some((path) => path.includes(", "))) {
    throw new Error(`search_path cannot contain ', ': ${wanted.searchPaths.join(" ")}`);
  }
  await alter("search_path", `SET search_path TO ${wanted.searchPaths.map(name).join(", ") || "DEFAULT"}`);

  const timeouts = [
    ["statement_timeout", old?.statementTimeout ?? 0, wanted.statementTimeout],
    [
      "idle_in_transaction_session_timeout",
      old?.idleInTransactionSessionTimeout ?? 0,
      wanted.idleInTransactionSessionTimeout,
    ],
  ] as const;
  for (const [parameter, before, after] of timeouts) {
    if (before !== after) await alter(parameter, after === 0 ? `RESET ${parameter}` : `SET ${parameter} TO ${after}`);
  }
  if ((old?.assumeRole ?? "") !== wanted.assumeRole) {
    await alter("role", wanted.assumeRole === "" ? "RESET ROLE" : `SET ROLE TO ${name(wanted.assumeRole)}`);
  }
}

type Parameters = Pick<Role, "searchPaths" | "statementTimeout" | "idleInTransactionSessionTimeout" | "assumeRole">;

/** @param config - `rolconfig`: a list of `parameter=value` */
function parametersOf(config: readonly string[]): Parameters {
  const values = new Map(
    config.map((entry) => [entry.slice(0, entry.indexOf("=")), entry.slice(entry.indexOf("=") + 1)]),
  );
  const searchPath = values.get("search_path");
  return {
    searchPaths: searchPath === undefined ? [] : searchPath.split(", ").map((path) => path.replace(/^"+|"+$/g, "")),
    statementTimeout: Number(values.get("statement_timeout") ?? 0),
    idleInTransactionSessionTimeout: Number(values.get("idle_in_transaction_session_timeout") ?? 0),
    assumeRole: values.get("role") ?? "",
  };
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
