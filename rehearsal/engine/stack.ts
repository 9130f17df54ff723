/** Drives the pulumi CLI as a user would: as a child process in the project's folder, on a stack of its own. */
import { randomBytes } from "node:crypto";
import { appendFile, copyFile, mkdir, readFile, rm } from "node:fs/promises";
import { basename, delimiter, join } from "node:path";
import { pathToFileURL } from "node:url";
import type { EngineEvent } from "@pulumi/pulumi/automation/index.js";
import { execa } from "execa";
import type { ConfigValues } from "./stackConfig.ts";
import { endTogether, killSession } from "../tools/processes.ts";

/** How long pulumi may take to stop by itself after SIGINT before it is killed, in milliseconds. */
const grace = 20_000;

export interface EngineOptions {
  /** Absolute path of the pulumi CLI. */
  pulumi: string;
  /** Absolute path of the folder with Pulumi.yaml. Nothing in it is written to. */
  projectDir: string;
  /** Absolute path of the folder with the committed stack files. @default the folder with Pulumi.yaml */
  stackFiles?: string;
  /** Absolute path of an existing temporary folder of this engine's own: it takes the state, PULUMI_HOME and the stack's configuration. */
  workDir: string;
  /** Folders that go first on PATH, above all those of the plugins. */
  path: string[];
  /** Added to this process's environment, whose PULUMI_* variables are not passed on. */
  env?: Record<string, string>;
  /**
   * When it is aborted, the running operation is asked to stop as Ctrl-C does (and after twenty seconds made to); once it has
   * ended, its promise rejects with the signal's reason.
   */
  signal?: AbortSignal;
}

/** Configuration by key in Pulumi's own path notation: `pulsar:database.host`, `pulsar:nodes[0]`. */
export interface StackConfig {
  plain?: Record<string, string>;
  secret?: Record<string, string>;
}

export interface Diagnostic {
  severity: "info" | "info#err" | "warning" | "error";
  /** The resource it is about; absent where it is about the whole run. */
  urn?: string;
  message: string;
}

/** Number of resources by what happened to them: `create`, `update`, `delete`, `replace`, `same`, and so on. */
export type Changes = Partial<Record<string, number>>;

/** How an operation ended. That it failed is told here and not thrown. */
export interface Outcome {
  ok: boolean;
  /** Absent where the CLI was killed. */
  exitCode?: number;
  changes: Changes;
  diagnostics: Diagnostic[];
  seconds: number;
  /** All that the CLI printed, both streams, without colours. */
  text: string;
}

export interface OperationOptions {
  /** Takes what the CLI prints, line by line, while it does. */
  onLine?: (line: string) => void;
}

/** With `expectNoChanges` an operation that changes something, or would, is not ok. */
export interface ChangeOptions extends OperationOptions {
  expectNoChanges?: boolean;
}

/** The CLI could not do what does not depend on the program: make a stack, set its configuration, read its state. */
export class EngineError extends Error {
  override name = "EngineError";
}

/**
 * A stack whose state lies under the temporary folder, with a passphrase that exists in memory only. Its configuration starts as that of the
 * committed `Pulumi.<stack>.yaml`, without the secrets in it: only the stack's owner can decrypt them.
 */
export class Stack {
  readonly name: string;
  /** Absolute path of the stack's own configuration. */
  readonly configFile: string;
  readonly #options: EngineOptions;
  readonly #env: Record<string, string>;
  readonly #running = new Set<number>();
  #operations = 0;
  #written: ConfigValues = { plain: {}, encrypted: [] };

  /**
   * Makes the stack.
   * @throws EngineError with one line that names the stack file, where pulumi cannot read it
   */
  static async create(options: EngineOptions, name: string, config: StackConfig = {}): Promise<Stack> {
    const { projectDir, workDir, stackFiles = projectDir } = options;
    const stack = new Stack(options, name);
    await Promise.all([
      mkdir(join(workDir, "state"), { mode: 0o700 }),
      mkdir(join(workDir, "home"), { mode: 0o700 }),
      // `pulumi stack init` writes into the stack file beside Pulumi.yaml, whatever --config-file says: so it gets a folder of its own.
      copyFile(join(projectDir, "Pulumi.yaml"), join(workDir, "Pulumi.yaml")),
    ]);
    await stack.#must(["stack", "init", "--no-select"], { cwd: workDir });
    const committed = await stack.#read(join(stackFiles, `Pulumi.${name}.yaml`));
    await appendFile(stack.configFile, `config: ${JSON.stringify(committed.plain)}\n`);
    stack.#written = committed;
    if (Object.keys({ ...config.plain, ...config.secret }).length === 0) return stack;
    await stack.configure(config);
    const { plain, encrypted } = await stack.#read(stack.configFile);
    stack.#written = { plain, encrypted: [...new Set([...committed.encrypted, ...encrypted])] };
    return stack;
  }

  private constructor(options: EngineOptions, name: string) {
    this.#options = options;
    this.name = name;
    this.configFile = join(options.workDir, `Pulumi.${name}.yaml`);
    this.#env = environment(options, process.env);
  }

  /** What the committed stack file says, with the configuration laid over it that the stack was made with. */
  get written(): ConfigValues {
    return this.#written;
  }

  /** Reads a stack file. Pulumi decrypts nothing for it and so needs no passphrase. */
  async #read(file: string): Promise<ConfigValues> {
    const args = ["config", "--json", "--config-file", file];
    const { failed, stdout, stderr, shortMessage } = await this.#run(args, { cwd: this.#options.workDir });
    if (failed) {
      const reason = /^error: ([^]+)$/m.exec(stderr)?.[1] ?? shortMessage ?? "";
      throw new EngineError(`${basename(file)}: ${reason.trim().replaceAll(/\s*\n\s*/g, " ")}`);
    }
    const read = Object.entries(JSON.parse(stdout) as Record<string, ReadValue>);
    return {
      plain: Object.fromEntries(
        read.flatMap(([key, { secret, value, objectValue = value }]) => (secret ? [] : [[key, objectValue]])),
      ),
      encrypted: read.flatMap(([key, { secret }]) => (secret ? [key] : [])),
    };
  }

  /** Sets, or changes, configuration. Secret values go through standard input: command lines can be read by anybody. */
  async configure({ plain = {}, secret = {} }: StackConfig): Promise<void> {
    const cwd = this.#options.workDir;
    const pairs = Object.entries(plain).flatMap(([key, value]) => ["--plaintext", `${key}=${value}`]);
    if (pairs.length > 0) await this.#must(["config", "set-all", "--path", ...pairs], { cwd });
    for (const [key, input] of Object.entries(secret)) {
      await this.#must(["config", "set", "--path", "--secret", "--raw", key], { cwd, input });
    }
  }

  /** With `diff` it tells each property that would change. */
  preview(options: ChangeOptions & { diff?: boolean } = {}): Promise<Outcome> {
    return this.#operate(["preview", ...(options.diff === true ? ["--diff"] : []), ...flags(options)], options);
  }

  up(options: ChangeOptions = {}): Promise<Outcome> {
    return this.#operate(["up", "--yes", "--skip-preview", ...flags(options)], options);
  }

  /**
   * With `clearPendingCreates` the state forgets what a killed operation was just creating: right where that was created again, or
   * never came to be.
   */
  refresh(options: ChangeOptions & { clearPendingCreates?: boolean } = {}): Promise<Outcome> {
    const clear = options.clearPendingCreates === true ? ["--clear-pending-creates"] : [];
    return this.#operate(["refresh", "--yes", "--skip-preview", ...clear, ...flags(options)], options);
  }

  destroy(options: OperationOptions = {}): Promise<Outcome> {
    return this.#operate(["destroy", "--yes", "--skip-preview"], options);
  }

  /** Lets go of every resource that is protected, as the operator does who means to destroy a production stack. */
  async unprotect(): Promise<void> {
    await this.#must(["state", "unprotect", "--all", "--yes"]);
  }

  /** Takes away the lock that a killed operation has left on the stack. */
  async cancel(): Promise<void> {
    await this.#must(["cancel", "--yes"]);
  }

  /** The state as `pulumi stack export` writes it, its secrets encrypted. */
  async exportState(): Promise<unknown> {
    return JSON.parse(await this.#must(["stack", "export"])) as unknown;
  }

  /** Takes the place of the state by an exported one. */
  async importState(state: unknown): Promise<void> {
    await this.#must(["stack", "import"], { input: JSON.stringify(state) });
  }

  /** The stack's outputs; a secret one reads `[secret]` unless it is asked for. */
  async outputs({ showSecrets = false } = {}): Promise<Record<string, unknown>> {
    const json = await this.#must(["stack", "output", "--json", ...(showSecrets ? ["--show-secrets"] : [])]);
    return JSON.parse(json) as Record<string, unknown>;
  }

  /** Kills whatever is running, and its plugins, at once and without warning, as a crash of the machine would. */
  kill(): void {
    for (const pid of this.#running) killSession(pid);
  }

  async #operate(args: string[], { onLine }: OperationOptions): Promise<Outcome> {
    const log = join(this.#options.workDir, `events-${String(++this.#operations)}.json`);
    const started = performance.now();
    try {
      const result = await this.#run(
        [...args, "--suppress-progress", "--config-file", this.configFile, "--event-log", log],
        { onLine },
      );
      const events = parseEvents(await readFile(log, "utf8").catch(() => ""));
      const text = result.all.split("\n").filter(isWorthTelling).join("\n");
      return {
        ok: result.exitCode === 0,
        ...(result.exitCode === undefined ? {} : { exitCode: result.exitCode }),
        changes: changesIn(events),
        diagnostics: diagnosticsIn(events, text),
        seconds: (performance.now() - started) / 1000,
        text,
      };
    } finally {
      await rm(log, { force: true });
    }
  }

  /** Runs a command that has no reason to fail, and answers its standard output. */
  async #must(args: string[], options: { cwd?: string; input?: string } = {}): Promise<string> {
    const result = await this.#run(args, options);
    if (result.failed)
      throw new EngineError(`pulumi ${args.slice(0, 2).join(" ")} failed: ${result.all.trim() || result.shortMessage}`);
    return result.stdout;
  }

  async #run(args: string[], options: { cwd?: string; input?: string; onLine?: OperationOptions["onLine"] }) {
    const { pulumi, projectDir, signal } = this.#options;
    signal?.throwIfAborted();
    const tell = function* (line: unknown): Generator {
      if (typeof line === "string" && isWorthTelling(line)) options.onLine?.(line);
      yield line;
    };
    const child = execa(pulumi, [...args, "--stack", this.name, "--non-interactive", "--color=never"], {
      cwd: options.cwd ?? projectDir,
      env: this.#env,
      extendEnv: false,
      detached: true,
      input: options.input ?? "",
      stdout: [tell],
      stderr: [tell],
      all: true,
      reject: false,
    });
    const { pid } = child;
    if (pid !== undefined) this.#running.add(pid);
    let force: NodeJS.Timeout | undefined;
    const stop = (): void => {
      child.kill("SIGINT");
      force = setTimeout(() => {
        if (pid !== undefined) killSession(pid);
      }, grace);
    };
    try {
      const result = await endTogether(child, signal, stop);
      signal?.throwIfAborted();
      return result;
    } finally {
      clearTimeout(force);
      if (pid !== undefined) this.#running.delete(pid);
    }
  }
}

/** A value as `pulumi config --json` shows it; a secret one without its value. */
interface ReadValue {
  secret: boolean;
  value?: string;
  /** Present for lists and objects. */
  objectValue?: unknown;
}

function flags({ expectNoChanges = false }: ChangeOptions): string[] {
  return expectNoChanges ? ["--expect-no-changes"] : [];
}

/** The environment of the CLI: nothing of the user's own Pulumi reaches it, and it asks the network for nothing by itself. */
function environment(options: EngineOptions, own: NodeJS.ProcessEnv): Record<string, string> {
  const given = Object.entries({ ...own, ...options.env }).filter((entry): entry is [string, string] => {
    const [name, value] = entry;
    // A caller's `env` may be a whole environment that holds the user's variables too.
    return value !== undefined && !(name.startsWith("PULUMI_") && value === own[name]);
  });
  const env = Object.fromEntries(given);
  return {
    ...env,
    PATH: [...options.path, env["PATH"] ?? ""].join(delimiter),
    PULUMI_HOME: join(options.workDir, "home"),
    // Without the files of attributes beside the state's own: one that was torn by a kill makes the state unreadable (gocloud.dev fileblob).
    PULUMI_BACKEND_URL: `${pathToFileURL(join(options.workDir, "state")).href}?metadata=skip`,
    PULUMI_CONFIG_PASSPHRASE: randomBytes(24).toString("base64url"),
    PULUMI_SKIP_UPDATE_CHECK: "true",
    PULUMI_DISABLE_AUTOMATIC_PLUGIN_ACQUISITION: "true",
    // Without it the CLI has no --event-log.
    PULUMI_DEBUG_COMMANDS: "true",
  };
}

/** The plugins of a rehearsal are meant to be taken from PATH, so the CLI's warning of each says nothing. */
function isWorthTelling(line: string): boolean {
  return !/using pulumi-\S+ from \$PATH/.test(line);
}

/** Reads an event log: one JSON object a line. The last line of an operation that was killed may be torn. */
export function parseEvents(log: string): EngineEvent[] {
  return log.split("\n").flatMap((line) => {
    try {
      return [JSON.parse(line) as EngineEvent];
    } catch {
      return [];
    }
  });
}

/** What happened to the resources: by the engine's own summary or, in a log that ends before it, by what had been done so far. */
export function changesIn(events: EngineEvent[]): Changes {
  const summary = events.findLast((event) => event.summaryEvent)?.summaryEvent;
  if (summary) return summary.resourceChanges;
  const changes: Changes = {};
  for (const { resOutputsEvent } of events) {
    if (!resOutputsEvent || resOutputsEvent.planning === true) continue;
    const { op } = resOutputsEvent.metadata;
    changes[op] = (changes[op] ?? 0) + 1;
  }
  return changes;
}

/** What the engine, the plugins and the program had to say, and the CLI itself where it failed for a reason of its own. */
export function diagnosticsIn(events: EngineEvent[], text: string): Diagnostic[] {
  const told = events.flatMap(({ diagnosticEvent: event }): Diagnostic[] => {
    // The log has the debug messages too, whether or not --debug is given, though the type does not say so.
    if (!event || event.ephemeral === true || (event.severity as string) === "debug") return [];
    if (!isWorthTelling(event.message)) return [];
    const message = plainText(event.message).trim();
    return [{ severity: event.severity, ...(event.urn === undefined ? {} : { urn: event.urn }), message }];
  });
  const cli = [...text.matchAll(/^error: (.+)$/gm)].map(([, message = ""]): Diagnostic => ({
    severity: "error",
    message,
  }));
  return told.some(({ severity }) => severity === "error") ? told : [...told, ...cli];
}

/** Takes out Pulumi's colour marks, such as `<{%fg 1%}>`. */
function plainText(message: string): string {
  return message.replaceAll(/<\{%.*?%\}>/g, "");
}
