import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { killSession } from "../tools/processes.ts";

const host = join(import.meta.dirname, "../standins/host.ts");

/** The stand-ins for plugins, in one process for all commands of a stack, because each command would start them again. */
export class StandIns {
  readonly #names: readonly string[];
  readonly #options: { cwd: string; env: Readonly<Record<string, string>> };
  #started: { process: ChildProcess; environment: Promise<Record<string, string>> } | undefined;

  /** @param names - packages such as `tls` @param options - for the process */
  constructor(names: readonly string[], options: { cwd: string; env: Readonly<Record<string, string>> }) {
    this.#names = names;
    this.#options = options;
  }

  /** The variables with which the engine finds them. Starts them if they do not run. */
  environment(): Promise<Record<string, string>> {
    if (this.#names.length === 0) return Promise.resolve({});
    const started = this.#started;
    // Another process may have ended them with a signal.
    const runs = started?.process.exitCode === null && started.process.signalCode === null;
    return (this.#started = runs ? started : this.#start()).environment;
  }

  /** Kills them, and what they have started, as an engine that is killed with its plugins. */
  kill(): void {
    const pid = this.#started?.process.pid;
    this.#started = undefined;
    if (pid !== undefined) killSession(pid);
  }

  #start() {
    const child = spawn(process.execPath, [host, ...this.#names], {
      ...this.#options,
      detached: true,
      stdio: ["ignore", "pipe", "inherit"],
    });
    // It must not keep this process running. The workspace ends it.
    child.unref();
    const lines = createInterface(child.stdout);
    const environment = Promise.race([once(lines, "line"), once(lines, "close")]).then(([line]) => {
      if (line === undefined) throw new Error(`the stand-ins for ${this.#names.join(", ")} do not start`);
      (child.stdout as unknown as { unref(): void }).unref();
      return JSON.parse(String(line)) as Record<string, string>;
    });
    return { process: child, environment };
  }
}
