/** What every command of the rehearsal does with its end. */
import { Interrupted } from "./workspace.ts";

/** Faults that their message tells wholly. Whatever else is thrown is a fault of ours, and comes with its stack. */
const told = new Set(["RehearsalError", "EngineError", "ToolError"]);

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
