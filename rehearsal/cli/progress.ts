/** Takes a line about what a step is doing at the moment. */
export type Tell = (line: string) => void;

/** A step of the rehearsal, as its user sees it. */
export interface Step<T> {
  title: string;
  work: (tell: Tell) => Promise<T>;
  /** Whether what it tells is worth a line of its own where there is no terminal. @default false */
  talkative?: boolean;
}

/** Runs steps at the same time, shows how they get on, and answers their results. The first failure is the whole's. */
export type Progress = <T extends unknown[]>(...steps: { [K in keyof T]: Step<T[K]> }) => Promise<T>;

/** Shows nothing. For tests. */
export const silent: Progress = async <T extends unknown[]>(...steps: { [K in keyof T]: Step<T[K]> }) =>
  (await Promise.all(steps.map(({ work }) => work(() => undefined)))) as T;

/** On a terminal a list with running times and each step's last line, else one line a step once it is done. */
export function progressOn(out: NodeJS.WriteStream): Progress {
  return out.isTTY ? live : lines((line) => out.write(`${line}\n`));
}

function lines(print: (line: string) => unknown): Progress {
  return async <T extends unknown[]>(...steps: { [K in keyof T]: Step<T[K]> }) =>
    (await Promise.all(
      steps.map(async ({ title, work, talkative = false }) => {
        const started = performance.now();
        const result = await work(talkative ? (line) => print(`  ${line}`) : () => undefined);
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
    // Ctrl-C is the workspace's business: Listr's own handler would end the program before it is cleaned up. Whoever called tells the
    // error.
    {
      concurrent: true,
      registerSignalListeners: false,
      rendererOptions: { timer: PRESET_TIMER, showErrorMessage: false },
    },
  ).run();
  return results as T;
};
