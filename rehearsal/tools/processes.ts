/** Ends child processes together with everything that they started. */
import { execFileSync, type ChildProcess } from "node:child_process";
import { existsSync, readdirSync, readFileSync } from "node:fs";

/**
 * Kills a process that was started `detached`, and everything that it started. A signal to its process group is not enough: Pulumi gives each
 * plugin a separate group, but all of them stay in the session of the detached process.
 */
export function killSession(leader: number): void {
  // A process that starts while the list is read is found in the next round.
  for (let round = 0; round < 10; round++) {
    const pids = membersOf(leader);
    if (pids.length === 0) return;
    for (const pid of pids) {
      try {
        process.kill(pid, "SIGKILL");
      } catch {
        // It has ended since it was listed.
      }
    }
  }
}

/**
 * Waits for a process that was started `detached`. After its exit, the rest of its session is killed, because a process that keeps its output open
 * would prolong the wait. When `signal` is aborted, `stop` is called (default: kills the session). When this process exits, the session is killed
 * too, because a terminal's Ctrl-C does not reach another session.
 */
export async function awaitSession<Result>(
  child: PromiseLike<Result> & { nodeChildProcess: ChildProcess },
  signal: AbortSignal | undefined,
  stop?: () => void,
): Promise<Result> {
  const kill = (): void => {
    const { pid } = child.nodeChildProcess;
    if (pid !== undefined) killSession(pid);
  };
  const abort = stop ?? kill;
  signal?.addEventListener("abort", abort, { once: true });
  process.once("exit", kill);
  child.nodeChildProcess.once("exit", kill);
  try {
    return await child;
  } finally {
    signal?.removeEventListener("abort", abort);
    process.off("exit", kill);
  }
}

/** The running processes of the session of `leader`, even after the leader has ended. */
export function membersOf(leader: number): number[] {
  if (existsSync("/proc/self/stat")) {
    return readdirSync("/proc")
      .filter((name) => /^\d+$/.test(name))
      .filter((pid) => isMember(pid, leader))
      .map(Number);
  }
  return descendantsOf(leader, execFileSync("ps", ["-A", "-o", "pid=,ppid="], { encoding: "utf8" }));
}

function isMember(pid: string, leader: number): boolean {
  let stat: string;
  try {
    stat = readFileSync(`/proc/${pid}/stat`, "utf8");
  } catch {
    return false;
  }
  // "pid (command) state ppid pgrp session ...". The command may contain spaces and parentheses.
  const [state, , , session] = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  return state !== "Z" && Number(session) === leader;
}

/** For systems whose ps does not show sessions (macOS): the leader and its descendants, except those whose parent has ended. */
export function descendantsOf(leader: number, ps: string): number[] {
  const rows = ps
    .trim()
    .split("\n")
    .map((line) => line.trim().split(/\s+/).map(Number));
  const found = new Set(rows.some(([pid]) => pid === leader) ? [leader] : []);
  // The set grows during the iteration: each step adds the children of one process.
  for (const parent of found) {
    for (const [pid, ppid] of rows) if (pid !== undefined && ppid === parent) found.add(pid);
  }
  return [...found];
}
