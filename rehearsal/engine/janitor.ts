/**
 * Cleans up after a rehearsal: waits for the end of standard input, ends every process that carries the mark of the directory in the first
 * argument, and removes the directory. Runs as a separate process (see `openWorkspace`).
 */
import { execFileSync } from "node:child_process";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { rm } from "node:fs/promises";
import { setTimeout } from "node:timers/promises";

const variable = "PULSAR_REHEARSAL_DIR";

/** The environment variable that marks the processes of the rehearsal in `dir`. Child processes inherit it. */
export function markOf(dir: string): Record<string, string> {
  return { [variable]: dir };
}

/** Milliseconds between SIGINT and SIGKILL. PostgreSQL releases its shared memory in that time. */
const gracePeriod = 700;

/** The ids of all running processes that carry the mark of `dir`. */
export function markedProcesses(dir: string): number[] {
  const mark = `${variable}=${dir}`;
  if (existsSync("/proc/self/environ")) {
    return readdirSync("/proc")
      .filter((name) => /^\d+$/.test(name))
      .filter((pid) => environmentOf(pid).includes(mark))
      .map(Number);
  }
  // macOS has no /proc; its ps shows the environment behind the command.
  return execFileSync("ps", ["axeww", "-o", "pid=,command="], { encoding: "utf8", maxBuffer: 1 << 28 })
    .split("\n")
    .filter((line) => line.split(" ").includes(mark))
    .map((line) => Number.parseInt(line, 10));
}

/** The environment that a process was started with. Empty if the process has ended or belongs to another user. */
function environmentOf(pid: string): string[] {
  try {
    return readFileSync(`/proc/${pid}/environ`, "utf8").split("\0");
  } catch {
    return [];
  }
}

function send(signal: NodeJS.Signals, pids: number[]): void {
  for (const pid of pids) {
    try {
      process.kill(pid, signal);
    } catch {
      // It has ended since it was listed.
    }
  }
}

async function cleanUp(dir: string): Promise<void> {
  send("SIGINT", markedProcesses(dir));
  const deadline = Date.now() + gracePeriod;
  while (markedProcesses(dir).length > 0) {
    if (Date.now() > deadline) send("SIGKILL", markedProcesses(dir));
    await setTimeout(25);
  }
  await rm(dir, { recursive: true, force: true, maxRetries: 3 });
}

if (import.meta.main) {
  const [dir] = process.argv.slice(2);
  if (dir === undefined) throw new Error("usage: janitor.ts DIRECTORY");
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) process.on(signal, () => undefined);
  process.stdin.resume();
  process.stdin.on("close", () => void cleanUp(dir));
}
