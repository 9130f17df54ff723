import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { execa } from "execa";
import { waitFor } from "../cluster/waiting.ts";
import type { Workspace } from "../engine/workspace.ts";

/** The packages of Java's modules that Pulsar's programs access (bin/pulsar of Pulsar 4.0). Java 17 denies this by default. */
export const moduleAccess = [
  "java.base/java.lang",
  "java.base/java.nio",
  "java.base/java.util.zip",
  "java.base/jdk.internal.misc",
  "java.base/sun.net",
  "java.management/sun.management",
  "jdk.management/com.sun.management.internal",
].map((opened) => `--add-opens=${opened}=ALL-UNNAMED`);

/** For programs that run for a minute: too short for the second compiler and a parallel garbage collector to pay off. */
export const shortLived = ["-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC"];

/** The limit for the start of a program, in milliseconds. Pulsar takes ten seconds on an idle machine. */
export const startLimit = 120_000;

/** A program that runs. */
export type Running = PromiseLike<unknown> & { kill(signal: "SIGKILL" | "SIGTERM"): boolean };

/**
 * Starts a program that runs until it is stopped. Its output is in `<name>.log`.
 *
 * @param name of the program, in messages
 * @param heap limit of the heap, and of the memory outside it
 * @param dir folder of the log
 * @returns `ready` waits until `answers` has a value. It throws an Error with the last lines of the log if the program ends, or does not answer.
 */
export function startJava(
  workspace: Workspace,
  {
    name,
    title = name,
    heap,
    args,
    dir,
    cwd = dir,
  }: {
    name: string;
    title?: string;
    heap: string;
    args: string[];
    dir: string;
    cwd?: string;
  },
): { process: Running; ready: (answers: () => Promise<true | undefined>) => Promise<void> } {
  const log = join(dir, `${name}.log`);
  const process = execa("java", [`-Xmx${heap}`, `-XX:MaxDirectMemorySize=${heap}`, ...args], {
    env: workspace.env,
    extendEnv: false,
    cwd,
    stdin: "ignore",
    stdout: { file: log },
    stderr: { file: log },
    detached: true,
    reject: false,
  });
  return {
    process,
    async ready(answers) {
      const waiting = { what: `the start of ${title}`, limit: startLimit, signal: workspace.signal };
      try {
        await Promise.race([
          waitFor(answers, waiting),
          process.then(() => {
            throw new Error(`${title} ended`);
          }),
        ]);
      } catch (cause) {
        workspace.signal.throwIfAborted();
        const lines = (await readFile(log, "utf8")).trimEnd().split("\n").slice(-25);
        throw new Error(`${title} did not start:\n${lines.join("\n")}`, { cause });
      }
    },
  };
}
