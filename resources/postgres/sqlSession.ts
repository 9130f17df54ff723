import type { Client } from "pg";
import type { TlsMode } from "../../model/managerDatabase.ts";
import { firstLine } from "../kit/fault.ts";

/** A database, and the login for it. */
export interface SqlTarget {
  host: string;
  port: number;
  database: string;
  user: string;
  /** Secret. */
  password: string;
  tls: TlsMode;
  /** The CA's certificate in PEM, for `verify-full`. @default the CAs that Node trusts */
  tlsCa?: string;
}

/** Limit for connecting, in seconds, so that a host that never answers does not block an `up`. */
export const connectLimitSeconds = 10;

/**
 * Connects, hands the session to `use`, and disconnects.
 * @param limitSeconds how long connecting may take, TLS and login included
 * @throws Error of one line if the connection fails; `code` is PostgreSQL's SQLSTATE or the system's error code, where there is one
 */
export async function withSession<T>(
  target: SqlTarget,
  use: (session: Client) => Promise<T>,
  limitSeconds = connectLimitSeconds,
): Promise<T> {
  // Imported on demand: a preview loads this file but does not connect.
  const { Client } = await import("pg");
  const session = new Client({
    host: target.host,
    port: target.port,
    database: target.database,
    user: target.user,
    password: target.password,
    ssl: tlsOptions(target),
    connectionTimeoutMillis: limitSeconds * 1000,
  });
  // A broken connection fails the running query; without a listener, the event would also end the process.
  session.on("error", () => undefined);
  try {
    await session.connect();
  } catch (error) {
    throw Object.assign(new Error(connectFault(target, error)), { code: codeOf(error) });
  }
  try {
    return await use(session);
  } finally {
    await session.end();
  }
}

/** Runs `work` in one transaction. */
export async function inTransaction(session: Client, work: () => Promise<void>): Promise<void> {
  await session.query("BEGIN");
  try {
    await work();
    await session.query("COMMIT");
  } catch (error) {
    // If the connection broke, the server has rolled back already; the first error is the one to report.
    await session.query("ROLLBACK").catch(() => undefined);
    throw error;
  }
}

/** The options of Node's TLS for `target.tls`. */
export function tlsOptions({
  tls,
  tlsCa,
}: Pick<SqlTarget, "tls" | "tlsCa">): false | { rejectUnauthorized: boolean; ca?: string } {
  if (tls === "disable") return false;
  if (tls === "require") return { rejectUnauthorized: false };
  return { rejectUnauthorized: true, ...(tlsCa === undefined ? {} : { ca: tlsCa }) };
}

/** SQLSTATE of the server, or error code of the system. */
export function codeOf(error: unknown): string | undefined {
  return error instanceof Error && "code" in error && typeof error.code === "string" ? error.code : undefined;
}

/** One line that says why there is no connection, without the password. */
export function connectFault(target: SqlTarget, error: unknown): string {
  const server = `PostgreSQL at ${target.host}:${target.port}`;
  const code = codeOf(error);
  if (code === "28P01") {
    return `${server} (database ${target.database}) refused the password of user ${target.user}, or there is no such user; check pulsar:managerDatabase and its passwords`;
  }
  if (code === "3D000")
    return `${server} has no database ${target.database}; create it, or check pulsar:managerDatabase`;
  return (
    `cannot reach ${server} (database ${target.database}, user ${target.user}): ${reasonOf(error, code)}; ` +
    "check the server, the network and pulsar:managerDatabase"
  );
}

function reasonOf(error: unknown, code: string | undefined): string {
  const reasons: Readonly<Record<string, string>> = {
    ECONNREFUSED: "connection refused",
    ECONNRESET: "connection reset",
    ENOTFOUND: "no such host",
    EAI_AGAIN: "the host name cannot be looked up at the moment",
    EHOSTUNREACH: "no route to the host",
    ENETUNREACH: "no route to the network",
    ETIMEDOUT: "no answer",
  };
  const known = code === undefined ? undefined : reasons[code];
  if (known !== undefined) return known;
  const message = firstLine(error);
  return message === "timeout expired" ? "no answer in time" : message;
}
