/** Receives a line about the present activity of a step. */
export type Log = (line: string) => void;

/** A step that is shown to the user. */
export interface Step<T> {
  title: string;
  work: (log: Log) => Promise<T>;
  /** Whether the lines that it logs are also printed without a terminal. @default false */
  verbose?: boolean;
}

/** Runs steps in parallel, shows their progress, and returns their results. Rejects with the first error. */
export type Progress = <T extends unknown[]>(...steps: { [K in keyof T]: Step<T[K]> }) => Promise<T>;

/** Shows nothing. For tests. */
export const silent: Progress = async <T extends unknown[]>(...steps: { [K in keyof T]: Step<T[K]> }) =>
  (await Promise.all(steps.map(({ work }) => work(() => undefined)))) as T;

/** On a terminal, shows a list with timers and the last line of each step; otherwise prints one line for each finished step. */
export function progressOn(out: NodeJS.WriteStream): Progress {
  return out.isTTY ? live : linesOn(out);
}

/** Prints one line for each finished step. Other lines may be printed meanwhile. */
export function linesOn(out: NodeJS.WriteStream): Progress {
  const print = (line: string) => out.write(`${line}\n`);
  return async <T extends unknown[]>(...steps: { [K in keyof T]: Step<T[K]> }) =>
    (await Promise.all(
      steps.map(async ({ title, work, verbose = false }) => {
        const started = performance.now();
        const result = await work(verbose ? (line) => print(`  ${line}`) : () => undefined);
        print(`${title} (${((performance.now() - started) / 1000).toFixed(1)} s)`);
        return result;
      }),
    )) as T;
}

const live: Progress = async <T extends unknown[]>(...steps: { [K in keyof T]: Step<T[K]> }) => {
  const { Listr, PRESET_TIMER } = await import("listr2");
  const results: unknown[] = [];
  await new Listr(
    steps.map(({ title, work }, i) => ({
      title,
      task: async (_: unknown, task: { output: string | undefined }) => {
        results[i] = await work((line) => {
          if (line.trim() !== "") task.output = line.trim();
        });
      },
    })),
    // Listr's signal handler would end the program before the workspace is cleaned up. The caller reports errors.
    {
      concurrent: true,
      registerSignalListeners: false,
      rendererOptions: { timer: PRESET_TIMER, showErrorMessage: false },
    },
  ).run();
  return results as T;
};
