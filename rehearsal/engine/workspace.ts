import { spawn } from "node:child_process";
import { once } from "node:events";
import { chmod, mkdir, mkdtemp } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { markOf } from "./janitor.ts";

/** Everything a rehearsal leaves on the machine while it runs: one temporary directory, and processes that carry its mark. */
export interface Workspace {
  /** Absolute path of the temporary directory. */
  dir: string;
  /**
   * The environment to give to every child process: this process's own, the mark by which the janitor finds the child, and a temporary
   * folder inside `dir`. The Kubernetes plugin (4.34.2) leaves kubeconfig files with a client key in its temporary folder.
   */
  env: Record<string, string>;
  /** Aborted, with an `Interrupted` as its reason, by the first SIGINT, SIGTERM or SIGHUP. */
  signal: AbortSignal;
  /** Makes a folder that nobody else may look into and answers its absolute path. */
  folder(name: string): Promise<string>;
  /** Ends every marked process, removes the directory, and waits until both is done. */
  close(): Promise<void>;
}

/** The reason with which `Workspace.signal` is aborted. */
export class Interrupted extends Error {
  /** The status a shell gives to a program that this signal ended: 128 and the signal's number. */
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
 * Opens a workspace. Its cleaning is not done here but by the janitor, a process of its own that waits for the end of its standard
 * input: that comes with `close`, and just as well when this process crashes or is killed. So there is one way to clean up, and
 * it is gone exactly once. A second Ctrl-C leaves at once and the janitor to its work.
 */
export async function openWorkspace(): Promise<Workspace> {
  const dir = await mkdtemp(join(tmpdir(), "pulsar-rehearsal-"));
  // PostgreSQL refuses to run as root and gets another user then, who has to pass through to its own folder.
  if (process.getuid?.() === 0) await chmod(dir, 0o711);
  // A short name: the path of a Unix socket has at most 104 bytes on macOS and 108 on Linux.
  const temporary = join(dir, "tmp");
  await mkdir(temporary, { mode: 0o700 });

  const janitor = spawn(process.execPath, [join(import.meta.dirname, "janitor.ts"), dir], {
    cwd: "/",
    // A session of its own: the terminal's Ctrl-C is not for it.
    detached: true,
    stdio: ["pipe", "ignore", "inherit"],
  });
  await once(janitor, "spawn");
  const gone = once(janitor, "exit");
  // A workspace that was forgotten does not keep the program from ending.
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
