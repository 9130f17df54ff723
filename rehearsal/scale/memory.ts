import { readdirSync, readFileSync } from "node:fs";
import { basename } from "node:path";

/** The most memory that was resident, in MiB. */
export interface Memory {
  /** The process of the stack's program. */
  program: number;
  /** The pulumi command. */
  engine: number;
  /** The plugins and what they have started (the language host, Helm), together: the peaks of those that lived at the same time. */
  plugins: number;
}

/** A process as /proc has it. */
export interface ProcessView {
  pid: number;
  parent: number;
  /** Its arguments, the command first. */
  command: string[];
  /** The most it has had resident so far, in KiB. */
  peak: number;
}

/** What the engine's processes among `all` take; an engine is a pulumi command that `root` has started. */
export function memoryOf(all: readonly ProcessView[], root: number): Memory {
  const engines = all.filter(({ parent, command: [file = ""] }) => parent === root && basename(file) === "pulumi");
  const below = descendants(all, engines);
  const isProgram = ({ command }: ProcessView) => command.some((word) => word.includes("@pulumi/pulumi/cmd/run"));
  const sum = (processes: readonly ProcessView[]) => processes.reduce((total, { peak }) => total + peak, 0) / 1024;
  return {
    program: sum(below.filter(isProgram)),
    engine: sum(engines),
    plugins: sum(below.filter((one) => !isProgram(one))),
  };
}

function descendants(all: readonly ProcessView[], of: readonly ProcessView[]): ProcessView[] {
  const children = all.filter(({ parent }) => of.some(({ pid }) => pid === parent));
  return children.length === 0 ? [] : [...children, ...descendants(all, children)];
}

/** Milliseconds between two looks. The kernel keeps each process's peak, so only what comes in the last moment of its life is missed. */
const pace = 250;

/** Watches what this process's engines take until it is stopped, and then answers the most of it; nothing where there is no /proc (macOS). */
export function watchMemory(): { stop(): Memory | undefined } {
  let most: Memory | undefined;
  const look = () => {
    const all = processes();
    if (all.length === 0) return;
    const now = memoryOf(all, process.pid);
    most = {
      program: Math.max(most?.program ?? 0, now.program),
      engine: Math.max(most?.engine ?? 0, now.engine),
      plugins: Math.max(most?.plugins ?? 0, now.plugins),
    };
  };
  look();
  const timer = setInterval(look, pace);
  return {
    stop() {
      clearInterval(timer);
      return most;
    },
  };
}

function processes(): ProcessView[] {
  let pids: string[];
  try {
    pids = readdirSync("/proc").filter((name) => /^\d+$/.test(name));
  } catch {
    return [];
  }
  return pids.flatMap((pid) => {
    try {
      const status = readFileSync(`/proc/${pid}/status`, "utf8");
      const field = (name: string) => Number(new RegExp(`^${name}:\\s+(\\d+)`, "m").exec(status)?.[1] ?? 0);
      const command = readFileSync(`/proc/${pid}/cmdline`, "utf8").split("\0");
      return [{ pid: Number(pid), parent: field("PPid"), command, peak: field("VmHWM") }];
    } catch {
      // It ended between being listed and being looked at.
      return [];
    }
  });
}
