/** Argument parsing and exit status of all commands. */
import { access, constants, mkdir, stat } from "node:fs/promises";
import { dirname } from "node:path";
import { inspect, parseArgs, type ParseArgsConfig } from "node:util";
import { RehearsalError } from "../engine/fault.ts";
import { redactor } from "../engine/redact.ts";
import { Interrupted } from "../engine/workspace.ts";

type Options = NonNullable<ParseArgsConfig["options"]>;
type Values<T extends Options> = ReturnType<typeof parseArgs<{ options: T }>>["values"];

/**
 * Runs a command with the values of its options, or prints `usage` for --help.
 *
 * @param exitCodes as of `run`
 */
export async function command<const T extends Options>(
  { usage, options, exitCodes }: { usage: string; options: T; exitCodes?: Readonly<Record<string, number>> },
  work: (values: Values<T>) => Promise<number>,
): Promise<void> {
  await run(async () => {
    const all = { ...options, help: { type: "boolean" } } as const;
    const values = valuesIn({ options: all }) as Values<T> & { help?: boolean };
    if (!values.help) return work(values);
    console.log(usage);
    return 0;
  }, exitCodes);
}

/** Parses the command line. @throws RehearsalError with every unknown option, missing or empty value, and argument that is no option */
export function valuesIn<const T extends ParseArgsConfig>(config: T): ReturnType<typeof parseArgs<T>>["values"] {
  const { tokens } = parseArgs({ args: config.args, options: config.options, strict: false, tokens: true });
  const faults = tokens.flatMap((token) => {
    if (token.kind === "positional") {
      return [`"${token.value}": is not an option; in an npm command, write options after " -- " (--help lists them)`];
    }
    if (token.kind === "option-terminator") return [];
    const { name, rawName, value, inlineValue } = token;
    const type = Object.entries(config.options ?? {}).find(([key]) => key === name)?.[1].type;
    if (type === undefined) return [`${rawName}: is not an option; --help lists the options`];
    if (type === "boolean") return value === undefined ? [] : [`${rawName}: takes no value; remove "${value}"`];
    if (!value?.trim()) return [`${rawName}: the value is missing; --help describes it`];
    if (inlineValue || !value.startsWith("-")) return [];
    return [`${rawName}: the value is missing before ${value}; write ${rawName}=${value} if that is the value`];
  });
  if (faults.length > 0) throw new RehearsalError(faults.join("\n"));
  return parseArgs(config).values;
}

/**
 * Creates the folder of a file. Called before the work whose result the file gets.
 *
 * @throws RehearsalError if the file cannot be written
 */
export async function requireWritable(option: string, file: string): Promise<void> {
  try {
    await mkdir(dirname(file), { recursive: true });
    const exists = await stat(file).catch(() => undefined);
    await access(exists?.isFile() ? file : dirname(file), constants.W_OK);
    if (exists?.isDirectory()) throw new Error("it is a folder");
  } catch (cause) {
    throw new RehearsalError(`${option}: cannot write ${file}: ${(cause as Error).message}; use another file`, {
      cause,
    });
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
    const exitCode =
      fault instanceof Interrupted
        ? fault.exitCode
        : fault instanceof Error
          ? (exitCodes[fault.name] ?? (expected.has(fault.name) ? 2 : undefined))
          : undefined;
    // Both may quote another program, such as Pulumi or git.
    console.error(redactor([])(exitCode !== undefined ? (fault as Error).message : inspect(fault)));
    if (exitCode === undefined) process.exit(1);
    process.exitCode = exitCode;
  }
}
