import { spawn } from "node:child_process";
import { once } from "node:events";
import { chmod, mkdir, mkdtemp } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { markOf } from "./janitor.ts";

/** Everything that a running rehearsal has on the machine: one temporary directory, and processes that carry its mark. */
export interface Workspace {
  /** Absolute path of the temporary directory. */
  dir: string;
  /**
   * The environment for every child process: that of this process, the mark by which the janitor finds the child, and a temporary folder inside
   * `dir`. The Kubernetes plugin (4.34.2) leaves kubeconfig files with a client key in its temporary folder.
   */
  env: Record<string, string>;
  /** Aborted by the first SIGINT, SIGTERM or SIGHUP. The reason is an `Interrupted`. */
  signal: AbortSignal;
  /** Creates a folder that other users cannot read. @returns its absolute path */
  folder(name: string): Promise<string>;
  /** Ends every marked process and removes the directory. Resolves when both is done. */
  close(): Promise<void>;
}

/** The abort reason of `Workspace.signal`. */
export class Interrupted extends Error {
  /** The exit status that a shell reports for this signal: 128 plus the signal's number. */
  readonly exitCode: number;

  constructor(signal: keyof typeof endingSignals) {
    super(`interrupted by ${signal}`);
    this.name = "Interrupted";
    this.exitCode = 128 + endingSignals[signal];
  }
}

const endingSignals = { SIGHUP: 1, SIGINT: 2, SIGTERM: 15 } as const;
const signalNames = Object.keys(endingSignals) as (keyof typeof endingSignals)[];

/**
 * Opens a workspace. The janitor, a separate process, cleans up when its standard input ends. That happens on `close`, and also when this process
 * crashes or is killed. A second Ctrl-C ends this process at once; the janitor still cleans up.
 */
export async function openWorkspace(): Promise<Workspace> {
  const dir = await mkdtemp(join(tmpdir(), "pulsar-rehearsal-"));
  // For root, PostgreSQL runs as another user, who needs access to the folders below.
  if (process.getuid?.() === 0) await chmod(dir, 0o711);
  // A short name: the path of a Unix socket has at most 104 bytes on macOS and 108 on Linux.
  const temporary = join(dir, "tmp");
  await mkdir(temporary, { mode: 0o700 });

  const janitor = spawn(process.execPath, [join(import.meta.dirname, "janitor.ts"), dir], {
    cwd: "/",
    // In a separate session, because the terminal's Ctrl-C must not end it.
    detached: true,
    stdio: ["pipe", "ignore", "inherit"],
  });
  await once(janitor, "spawn");
  const gone = once(janitor, "exit");
  // An open workspace must not keep the program running.
  janitor.unref();
  (janitor.stdin as unknown as { unref(): void }).unref();

  const controller = new AbortController();
  const interrupt = (signal: keyof typeof endingSignals): void => {
    const reason = new Interrupted(signal);
    if (controller.signal.aborted) process.exit(reason.exitCode);
    controller.abort(reason);
  };
  for (const name of signalNames) process.on(name, interrupt);

  return {
    dir,
    env: { ...inherited(), ...markOf(dir), TMPDIR: temporary, TMP: temporary, TEMP: temporary },
    signal: controller.signal,
    async folder(name) {
      const path = join(dir, name);
      await mkdir(path, { recursive: true, mode: 0o700 });
      return path;
    },
    async close() {
      janitor.ref();
      janitor.stdin.end();
      await gone;
      for (const name of signalNames) process.off(name, interrupt);
    },
  };
}

function inherited(): Record<string, string> {
  return Object.fromEntries(
    Object.entries(process.env).filter((entry): entry is [string, string] => entry[1] !== undefined),
  );
}
