import { readdirSync, readFileSync } from "node:fs";
import { basename } from "node:path";

/** Peak resident memory in MiB. */
export interface Memory {
  /** The process of the stack's program. */
  program: number;
  /** The pulumi command. */
  engine: number;
  /** The sum over the plugins that ran at the same time, including the language host and Helm. */
  plugins: number;
}

/** A process as /proc shows it. */
export interface ProcessView {
  pid: number;
  parent: number;
  /** Its arguments, the command first. */
  command: string[];
  /** Its peak resident memory so far, in KiB. */
  peak: number;
}

/** The memory of the pulumi commands that `root` has started, and of their descendants among `all`. */
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

/** Milliseconds between two measurements. The kernel keeps the peak of each process, so only a peak just before its end is missed. */
const interval = 250;

/** Measures the peak memory of this process's engines until it is stopped. Returns undefined on systems without /proc (macOS). */
export function watchMemory(): { stop(): Memory | undefined } {
  let peak: Memory | undefined;
  const measure = () => {
    const all = processes();
    if (all.length === 0) return;
    const now = memoryOf(all, process.pid);
    peak = {
      program: Math.max(peak?.program ?? 0, now.program),
      engine: Math.max(peak?.engine ?? 0, now.engine),
      plugins: Math.max(peak?.plugins ?? 0, now.plugins),
    };
  };
  measure();
  const timer = setInterval(measure, interval);
  return {
    stop() {
      clearInterval(timer);
      return peak;
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
      // It has ended since it was listed.
      return [];
    }
  });
}
