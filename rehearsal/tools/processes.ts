/** Child processes that can be ended together with everything they started. */
import { execFileSync, type ChildProcess } from "node:child_process";
import { existsSync, readdirSync, readFileSync } from "node:fs";

/**
 * Ends, with SIGKILL, a process that was started `detached`, and everything it started. A process group is not enough: Pulumi gives
 * each of its plugins a group of its own, but all of them stay in the session that the detached process leads.
 */
export function killSession(leader: number): void {
  // What is being started while the list is read is caught by the next round.
  for (let round = 0; round < 10; round++) {
    const pids = membersOf(leader);
    if (pids.length === 0) return;
    for (const pid of pids) {
      try {
        process.kill(pid, "SIGKILL");
      } catch {
        // It ended between being listed and being killed.
      }
    }
  }
}

/**
 * Waits for a process that was started `detached`, and ends what is left of its session once it has exited: it would count as running
 * for as long as somebody holds its output open. When `signal` is aborted, `stop` is called (default: end all of it at once). When
 * this process exits, all of it is ended too, because a terminal's Ctrl-C does not reach a session of its own.
 */
export async function endTogether<Result>(
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

/** The living processes of the session that `leader` leads, also after the leader's own end. */
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
  // "pid (command) state ppid pgrp session ...", where the command may itself hold spaces and parentheses.
  const [state, , , session] = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  return state !== "Z" && Number(session) === leader;
}

/** For systems whose ps does not tell sessions (macOS): the leader and its descendants, as long as they have not lost a parent. */
export function descendantsOf(leader: number, ps: string): number[] {
  const rows = ps
    .trim()
    .split("\n")
    .map((line) => line.trim().split(/\s+/).map(Number));
  const found = new Set(rows.some(([pid]) => pid === leader) ? [leader] : []);
  // A set that grows while it is walked: each round adds the children of one process.
  for (const parent of found) {
    for (const [pid, ppid] of rows) if (pid !== undefined && ppid === parent) found.add(pid);
  }
  return [...found];
}
