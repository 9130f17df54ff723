import { existsSync, readFileSync } from "node:fs";
import type { ConnectionOptions } from "node:tls";
import pg from "pg";
import type { Props } from "../protocol/values.ts";

const sslModes = ["disable", "allow", "prefer", "require", "verify-ca", "verify-full"];

/** The connection settings of the provider. */
export interface Settings {
  host: string;
  port: number;
  username: string;
  password: string;
  /** The role of the connected user, if the server maps user names. */
  databaseUsername: string;
  database: string;
  /** Whether the connected user may read the password hashes. */
  superuser: boolean;
  /** As in libpq, except that "" means "require". */
  sslmode: string;
  /** Path of a file of certificates. */
  sslrootcert: string;
  /** Seconds. 0: no limit. */
  connectTimeout: number;
  /** 0: no limit. */
  maxConnections: number;
}

/**
 * The provider's configuration, with defaults from libpq's environment variables as in the official plugin.
 * @throws Error for ways to authenticate that the stand-in does not implement
 */
export function settingsFrom(config: Props, env: NodeJS.ProcessEnv = process.env): Settings {
  const text = (key: string, fallback = ""): string => {
    const value = config[key];
    return typeof value === "string" && value !== "" ? value : fallback;
  };
  const json = (key: string, fallback: unknown): unknown => {
    const value = config[key] ?? fallback;
    return typeof value === "string" ? (JSON.parse(value) as unknown) : value;
  };
  const scheme = text("scheme", "postgres");
  const other = ["awsRdsIamAuth", "azureIdentityAuth", "clientcert"].find((key) => json(key, false) !== false);
  if (scheme !== "postgres" || other) {
    throw new Error(
      `the postgresql stand-in connects with scheme postgres and a password, not with ${other ?? scheme}`,
    );
  }
  return {
    host: text("host", env.PGHOST || "localhost"),
    port: Number(json("port", env.PGPORT || 5432)),
    username: text("username", env.PGUSER || "postgres"),
    password: text("password", env.PGPASSWORD),
    databaseUsername: text("databaseUsername"),
    database: text("database", env.PGDATABASE || "postgres"),
    superuser: json("superuser", env.PGSUPERUSER || true) === true,
    sslmode: text("sslmode", text("sslMode", env.PGSSLMODE)),
    sslrootcert: text("sslrootcert"),
    connectTimeout: Number(json("connectTimeout", env.PGCONNECT_TIMEOUT || 180)),
    maxConnections: Number(json("maxConnections", 20)),
  };
}

/** A connection in use. Errors of the server have the messages of the official plugin's driver. */
export interface Session {
  rows(query: string, values?: unknown[]): Promise<Props[]>;
}

/** The server. It connects on the first statement. */
export class Server {
  readonly settings: Settings;
  readonly #pools = new Map<string, pg.Pool>();

  constructor(settings: Settings) {
    this.settings = settings;
  }

  /** The role that runs SQL statements. */
  get user(): string {
    return this.settings.databaseUsername || this.settings.username;
  }

  /** Statements in the provider's database, each in its own transaction. */
  async session<T>(use: (session: Session) => Promise<T>): Promise<T> {
    return this.#connected(this.settings.database, use);
  }

  /** A transaction. It is rolled back if `use` throws. */
  async transaction<T>(database: string, use: (session: Session) => Promise<T>): Promise<T> {
    return this.#connected(database, async (session) => {
      await session.rows("BEGIN");
      try {
        const result = await use(session);
        await session.rows("COMMIT");
        return result;
      } catch (error) {
        // A broken connection is rolled back by the server.
        await session.rows("ROLLBACK").catch(() => undefined);
        throw error;
      }
    });
  }

  async #connected<T>(database: string, use: (session: Session) => Promise<T>): Promise<T> {
    const client = await this.#connect(database);
    // The next statement reports a broken connection. Without a listener, the event would end the plugin.
    const ignore = (): void => undefined;
    client.on("error", ignore);
    try {
      return await use({
        rows: async (query, values = []) =>
          client.query<Props>(query, values).then(
            (result) => result.rows,
            (error: unknown) => {
              throw new Error(reasonOf(error));
            },
          ),
      });
    } finally {
      client.off("error", ignore);
      client.release();
    }
  }

  async #connect(database: string): Promise<pg.PoolClient> {
    const { host, port, password } = this.settings;
    try {
      return await this.#pool(database).connect();
    } catch (error) {
      const reason = connectReason(error, host, port);
      const safe = password === "" ? reason : reason.replaceAll(password, "XXXX");
      // The official plugin names the host only. No cause, because it could contain the password.
      // oxlint-disable-next-line preserve-caught-error
      throw new Error(`error connecting to PostgreSQL server ${host}:${port} (scheme: postgres): ${safe}`);
    }
  }

  #pool(database: string): pg.Pool {
    const existing = this.#pools.get(database);
    if (existing) return existing;
    const { host, port, username, password, connectTimeout, maxConnections } = this.settings;
    const pool = new pg.Pool({
      host,
      port,
      user: username,
      password,
      database,
      ssl: tlsOptions(this.settings),
      connectionTimeoutMillis: connectTimeout * 1000,
      max: maxConnections === 0 ? Number.MAX_SAFE_INTEGER : maxConnections,
      // Connections are not kept open: an open one prevents the drop of its database.
      maxUses: 1,
      application_name: "Pulumi postgresql stand-in",
    });
    this.#pools.set(database, pool);
    return pool;
  }
}

function tlsOptions({ sslmode, sslrootcert }: Settings): ConnectionOptions | false {
  if (sslmode !== "" && !sslModes.includes(sslmode)) {
    throw new Error(
      `pq: wrong value for "sslmode": "${sslmode}" is not supported; supported values are ${sslModes.join(", ")}`,
    );
  }
  // With "allow", Go's driver starts without TLS. "prefer" falls back to that, which pg does not implement.
  if (["disable", "allow", "prefer"].includes(sslmode)) return false;
  const weak = sslmode === "" || sslmode === "require";
  // As in libpq, a root certificate changes "require" to "verify-ca". A missing file is ignored then.
  const ca = sslrootcert === "" || (weak && !existsSync(sslrootcert)) ? undefined : readFileSync(sslrootcert);
  return {
    ...(ca ? { ca } : {}),
    rejectUnauthorized: !weak || ca !== undefined,
    ...(sslmode === "verify-full" ? {} : { checkServerIdentity: () => undefined }),
  };
}

function reasonOf(error: unknown): string {
  if (error instanceof pg.DatabaseError) return `pq: ${error.message} (${error.code ?? "XX000"})`;
  return error instanceof Error ? error.message : String(error);
}

const networkReasons: Readonly<Record<string, string>> = {
  ECONNREFUSED: "connect: connection refused",
  ECONNRESET: "read: connection reset by peer",
  EHOSTUNREACH: "connect: no route to host",
  ENETUNREACH: "connect: network is unreachable",
  ETIMEDOUT: "i/o timeout",
};

/** Why a connection failed, with the messages of Go's network library and lib/pq. */
export function connectReason(error: unknown, host: string, port: number): string {
  if (error instanceof AggregateError) return connectReason(error.errors.at(-1), host, port);
  if (!(error instanceof Error) || error instanceof pg.DatabaseError) return reasonOf(error);
  const { code = "", address = host } = error as NodeJS.ErrnoException & { address?: string };
  if (code === "ENOTFOUND" || code === "EAI_AGAIN") return `dial tcp: lookup ${host}: no such host`;
  const reason = networkReasons[code];
  if (reason) return `dial tcp ${address}:${port}: ${reason}`;
  if (/server does not support SSL/.test(error.message)) return "pq: SSL is not enabled on the server";
  if (/timeout|timed out/i.test(error.message)) return `dial tcp ${host}:${port}: i/o timeout`;
  return error.message;
}
