/**
 * A user without superuser must be a member of a role to change the ownership of its objects. The official plugin grants the membership for the
 * time of the statement. In PostgreSQL 16 and later, a membership without the SET option does not count.
 */
import type { Session } from "./connection.ts";
import { name, roleExists, step } from "./sql.ts";

async function isSuperuser(session: Session, role: string): Promise<boolean> {
  const [found] = await session.rows("SELECT rolsuper FROM pg_roles WHERE rolname = $1", [role]);
  if (!found) throw new Error(`could not check if role ${role} is superuser: sql: no rows in result set`);
  return found.rolsuper === true;
}

async function isMember(session: Session, role: string, member: string): Promise<boolean> {
  const [setOption] = await session.rows(
    "SELECT 1 FROM information_schema.columns WHERE table_name = 'pg_auth_members' AND column_name = 'set_option'",
  );
  const found = await session.rows(
    `SELECT 1 FROM pg_auth_members
     WHERE pg_get_userbyid(roleid) = $1 AND pg_get_userbyid(member) = $2 ${setOption ? "AND set_option" : ""}`,
    [role, member],
  );
  return found.length > 0;
}

/** @returns whether the membership has changed */
export async function join(session: Session, role: string, member: string): Promise<boolean> {
  if (member === role || (await isMember(session, role, member))) return false;
  const grant = session.rows(`GRANT ${name(role)} TO ${name(member)}`);
  await step(`error granting role ${role} to ${member}`, grant);
  return true;
}

/** @returns whether the membership has changed */
export async function leave(session: Session, role: string, member: string): Promise<boolean> {
  if (member === role || !(await isMember(session, role, member))) return false;
  const revoke = session.rows(`REVOKE ${name(role)} FROM ${name(member)}`);
  await step(`error revoking role ${role} from ${member}`, revoke);
  return true;
}

/** Runs `work` as a member of the roles. Memberships of the roles in the user are removed meanwhile, because memberships cannot be circular. */
export async function asMember(session: Session, roles: readonly string[], work: () => Promise<void>): Promise<void> {
  const [me] = await session.rows("SELECT CURRENT_USER AS name");
  const user = String(me?.name);
  const joined: string[] = [];
  const removed: string[] = [];
  if (roles.length > 0 && !(await isSuperuser(session, user))) {
    for (const role of roles) {
      // Only superusers can join a superuser. If the membership is needed, the statement fails.
      if (await isSuperuser(session, role)) continue;
      if (await leave(session, user, role)) removed.push(role);
      if (await join(session, role, user)) joined.push(role);
    }
  }
  await work();
  for (const role of joined) await leave(session, role, user);
  for (const role of removed) if (await roleExists(session, role)) await join(session, user, role);
}
