/**
 * Cleans up after a rehearsal: waits until standard input ends, ends every process that carries the mark of the directory named by
 * the first argument, and removes the directory. Runs as a process of its own (see `openWorkspace`).
 */
import { execFileSync } from "node:child_process";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { rm } from "node:fs/promises";
import { setTimeout } from "node:timers/promises";

const variable = "PULSAR_REHEARSAL_DIR";

/** The environment variable that marks a process as belonging to the rehearsal in `dir`; children inherit it. */
export function markOf(dir: string): Record<string, string> {
  return { [variable]: dir };
}

/** How long a process has to end by itself after SIGINT, in milliseconds. PostgreSQL gives its shared memory back in that time. */
const grace = 700;

/** The ids of all living processes that carry the mark of `dir`. */
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

/** The environment a process was started with; empty where the process has ended or belongs to somebody else. */
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
      // It ended between being listed and being signalled.
    }
  }
}

async function cleanUp(dir: string): Promise<void> {
  send("SIGINT", markedProcesses(dir));
  const deadline = Date.now() + grace;
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
