import { existsSync, readFileSync } from "node:fs";
import type { ConnectionOptions } from "node:tls";
import pg from "pg";
import { isObject, type Props } from "../protocol/values.ts";

const sslModes = ["disable", "allow", "prefer", "require", "verify-ca", "verify-full"];

/** Where and as whom the provider connects. */
export interface Settings {
  host: string;
  port: number;
  username: string;
  password: string;
  /** The role that the connected user is in the database, where the server maps names. */
  databaseUsername: string;
  database: string;
  /** Whether the connected user may read the password hashes. */
  superuser: boolean;
  /** As libpq's, but "" means "require". */
  sslmode: string;
  /** Path of a file of certificates. */
  sslrootcert: string;
  clientcert: { cert: string; key: string; sslinline: boolean } | undefined;
  /** Seconds; 0 waits for ever. */
  connectTimeout: number;
  /** 0: no limit. */
  maxConnections: number;
}

/**
 * The provider's configuration, completed from libpq's environment variables as the official plugin does it.
 * @throws for a cloud's own authentication, which the stand-in does not have.
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
  const cloud = ["awsRdsIamAuth", "azureIdentityAuth"].find((key) => json(key, false) === true);
  if (scheme !== "postgres" || cloud) {
    throw new Error(
      `the postgresql stand-in connects with scheme postgres and a password, not with ${cloud ?? scheme}`,
    );
  }
  const clientcert = json("clientcert", null);
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
    clientcert: isObject(clientcert)
      ? { cert: String(clientcert.cert), key: String(clientcert.key), sslinline: clientcert.sslinline === true }
      : undefined,
    connectTimeout: Number(json("connectTimeout", env.PGCONNECT_TIMEOUT || 180)),
    maxConnections: Number(json("maxConnections", 20)),
  };
}

/** One connection while it is in use. What the server refuses is thrown in the words of the official plugin's driver. */
export interface Session {
  rows(query: string, values?: unknown[]): Promise<Props[]>;
}

/** The server; it is connected to when something is asked of it, never before. */
export class Server {
  readonly settings: Settings;
  readonly #pools = new Map<string, pg.Pool>();

  constructor(settings: Settings) {
    this.settings = settings;
  }

  /** The role as which SQL runs. */
  get user(): string {
    return this.settings.databaseUsername || this.settings.username;
  }

  /** Statements on the provider's own database, each its own transaction. */
  async session<T>(use: (session: Session) => Promise<T>): Promise<T> {
    return this.#connected(this.settings.database, use);
  }

  /** One transaction: what `use` did is undone when it throws. */
  async transaction<T>(database: string, use: (session: Session) => Promise<T>): Promise<T> {
    return this.#connected(database, async (session) => {
      await session.rows("BEGIN");
      try {
        const result = await use(session);
        await session.rows("COMMIT");
        return result;
      } catch (error) {
        // A connection that broke has rolled back by itself.
        await session.rows("ROLLBACK").catch(() => undefined);
        throw error;
      }
    });
  }

  async #connected<T>(database: string, use: (session: Session) => Promise<T>): Promise<T> {
    const client = await this.#connect(database);
    // A connection that breaks says so to whoever asks next; without a listener it would end the plugin.
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
      // The official plugin names the host alone. No cause: it could hold what was just taken out.
      // eslint-disable-next-line preserve-caught-error
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
      // No connection is kept: it would keep its database from being dropped.
      maxUses: 1,
      application_name: "Pulumi postgresql stand-in",
    });
    this.#pools.set(database, pool);
    return pool;
  }
}

function tlsOptions({ sslmode, sslrootcert, clientcert }: Settings): ConnectionOptions | false {
  if (sslmode !== "" && !sslModes.includes(sslmode)) {
    throw new Error(
      `pq: wrong value for "sslmode": "${sslmode}" is not supported; supported values are ${sslModes.join(", ")}`,
    );
  }
  // Go's driver begins without TLS for "allow"; "prefer" falls back to that, which pg cannot do by itself.
  if (["disable", "allow", "prefer"].includes(sslmode)) return false;
  const weak = sslmode === "" || sslmode === "require";
  // As in libpq, a root certificate turns "require" into "verify-ca"; one that is missing is then ignored.
  const ca = sslrootcert === "" || (weak && !existsSync(sslrootcert)) ? undefined : readFileSync(sslrootcert);
  const pem = (value: string): Buffer | string => (clientcert?.sslinline ? value : readFileSync(value));
  return {
    ...(ca ? { ca } : {}),
    ...(clientcert ? { cert: pem(clientcert.cert), key: pem(clientcert.key) } : {}),
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

/** Why no connection came about, as Go's network library and lib/pq say it. */
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
