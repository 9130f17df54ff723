/** What every command of the rehearsal does with its arguments and its end. */
import { parseArgs, type ParseArgsConfig } from "node:util";
import { RehearsalError } from "../engine/fault.ts";
import { Interrupted } from "../engine/workspace.ts";

/** The options of the command line. @throws RehearsalError for what there is not */
export function options<const T extends ParseArgsConfig>(config: T): ReturnType<typeof parseArgs<T>>["values"] {
  try {
    return parseArgs(config).values;
  } catch (cause) {
    throw new RehearsalError(`${(cause as Error).message} (--help shows what there is)`, { cause });
  }
}

/** Faults that their message tells wholly. Whatever else is thrown is a fault of ours, and comes with its stack. */
const told = new Set(["RehearsalError", "EngineError"]);

/**
 * Runs a command to its exit status: what `main` answers, 2 for a fault that the user can mend, that of the signal for an interruption.
 *
 * @param exitCodes of faults of the command's own, by name
 */
export async function run(
  main: () => Promise<number>,
  exitCodes: Readonly<Record<string, number>> = {},
): Promise<void> {
  try {
    process.exitCode = await main();
  } catch (fault) {
    if (!(fault instanceof Error)) throw fault;
    const exitCode =
      fault instanceof Interrupted ? fault.exitCode : (exitCodes[fault.name] ?? (told.has(fault.name) ? 2 : undefined));
    if (exitCode === undefined) throw fault;
    console.error(fault.message);
    process.exitCode = exitCode;
  }
}
