/** Argument parsing and exit status of all commands. */
import { parseArgs, type ParseArgsConfig } from "node:util";
import { RehearsalError } from "../engine/fault.ts";
import { Interrupted } from "../engine/workspace.ts";

/** Parses the command line. @throws RehearsalError for unknown options */
export function options<const T extends ParseArgsConfig>(config: T): ReturnType<typeof parseArgs<T>>["values"] {
  try {
    return parseArgs(config).values;
  } catch (cause) {
    throw new RehearsalError(`${(cause as Error).message} (--help lists the options)`, { cause });
  }
}

/** Errors to report by their message alone. Any other error is a bug and keeps its stack trace. */
const expected = new Set(["RehearsalError", "EngineError"]);

/**
 * Runs a command and sets its exit status: the result of `main`, 2 for an error that the user can fix, the signal's for an interruption.
 *
 * @param exitCodes exit status of the command's own errors, by error name
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
      fault instanceof Interrupted
        ? fault.exitCode
        : (exitCodes[fault.name] ?? (expected.has(fault.name) ? 2 : undefined));
    if (exitCode === undefined) throw fault;
    console.error(fault.message);
    process.exitCode = exitCode;
  }
}
