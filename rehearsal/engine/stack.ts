/** Runs the pulumi CLI as a user would: as a child process in the project's folder, on a separate stack. */
import { randomBytes } from "node:crypto";
import { appendFile, copyFile, mkdir, readFile, rm } from "node:fs/promises";
import { basename, delimiter, join } from "node:path";
import { pathToFileURL } from "node:url";
import type { EngineEvent } from "@pulumi/pulumi/automation/index.js";
import { execa } from "execa";
import type { ConfigValues } from "./stackConfig.ts";
import { awaitSession, killSession } from "../tools/processes.ts";
import { StandIns } from "./standIns.ts";

/** Milliseconds between SIGINT and the kill of pulumi and its plugins. */
const gracePeriod = 20_000;

export interface EngineOptions {
  /** Absolute path of the pulumi CLI. */
  pulumi: string;
  /** Absolute path of the folder with Pulumi.yaml. Nothing is written to it. */
  projectDir: string;
  /** Absolute path of the folder with the committed stack files. @default the folder with Pulumi.yaml */
  stackFiles?: string;
  /** Absolute path of an existing temporary folder for the state, PULUMI_HOME and the stack's configuration. Used by one stack only. */
  workDir: string;
  /** Folders that come first on PATH, such as those of the plugins. */
  path: string[];
  /** Plugins whose stand-ins serve all commands from one process, such as `tls`. The workspace of `env` must end it. @default none */
  standIns?: string[];
  /** Added to this process's environment. PULUMI_* variables of that environment are not passed on. */
  env?: Record<string, string>;
  /**
   * When it is aborted, the running operation gets SIGINT, as after Ctrl-C, and is killed after twenty seconds. Its promise then rejects with the
   * signal's reason.
   */
  signal?: AbortSignal;
}

/** Configuration by key in Pulumi's own path notation: `pulsar:database.host`, `pulsar:nodes[0]`. */
export interface StackConfig {
  plain?: Record<string, string>;
  secret?: Record<string, string>;
  /** Keys to remove, which must be set. */
  unset?: string[];
}

export interface Diagnostic {
  severity: "info" | "info#err" | "warning" | "error";
  /** The resource that it concerns. Absent if it concerns the whole operation. */
  urn?: string;
  message: string;
}

/** Number of resources by step: `create`, `update`, `delete`, `replace`, `same` and others. */
export type Changes = Partial<Record<string, number>>;

/** How an operation ended. A failed operation has an outcome too; nothing is thrown. */
export interface Outcome {
  ok: boolean;
  /** Absent if the CLI was killed. */
  exitCode?: number;
  changes: Changes;
  diagnostics: Diagnostic[];
  seconds: number;
  /** Everything that the CLI printed to both streams, without colors. */
  text: string;
}

export interface OperationOptions {
  /** Receives each line that the CLI prints. */
  onLine?: (line: string) => void;
}

/** With `expectNoChanges`, an operation with changes is not ok. */
export interface ChangeOptions extends OperationOptions {
  expectNoChanges?: boolean;
}

/** The CLI failed at something that does not depend on the program: creating a stack, setting its configuration, reading its state. */
export class EngineError extends Error {
  override name = "EngineError";
}

/**
 * A stack with its state in the temporary folder and a passphrase that exists in memory only. Its initial configuration is that of the committed
 * `Pulumi.<stack>.yaml` without its secrets, which only the stack's owner can decrypt.
 */
export class Stack {
  readonly name: string;
  /** Absolute path of the stack's configuration file in the temporary folder. */
  readonly configFile: string;
  /** The variables with which pulumi finds the stack, the passphrase included. */
  readonly environment: Readonly<Record<string, string>>;
  readonly #options: EngineOptions;
  readonly #running = new Set<number>();
  readonly #standIns: StandIns;
  #signal: AbortSignal | undefined;
  #operations = 0;
  #initialConfig: ConfigValues = { plain: {}, encrypted: [] };

  /**
   * Creates the stack.
   * @throws EngineError with one line that names the stack file, if pulumi cannot read it
   */
  static async create(options: EngineOptions, name: string, config: StackConfig = {}): Promise<Stack> {
    const { projectDir, workDir, stackFiles = projectDir } = options;
    const stack = new Stack(options, name);
    await Promise.all([
      mkdir(join(workDir, "state"), { mode: 0o700 }),
      mkdir(join(workDir, "home"), { mode: 0o700 }),
      // `pulumi stack init` writes to the stack file next to Pulumi.yaml and ignores --config-file, so it runs in a separate folder.
      copyFile(join(projectDir, "Pulumi.yaml"), join(workDir, "Pulumi.yaml")),
    ]);
    await stack.#runOrThrow(["stack", "init", "--no-select"], { cwd: workDir });
    const committed = await stack.#read(join(stackFiles, `Pulumi.${name}.yaml`));
    await appendFile(stack.configFile, `config: ${JSON.stringify(committed.plain)}\n`);
    stack.#initialConfig = committed;
    if (Object.keys({ ...config.plain, ...config.secret }).length === 0) return stack;
    await stack.configure(config);
    const { plain, encrypted } = await stack.#read(stack.configFile);
    stack.#initialConfig = { plain, encrypted: [...new Set([...committed.encrypted, ...encrypted])] };
    return stack;
  }

  private constructor(options: EngineOptions, name: string) {
    this.#options = options;
    this.#signal = options.signal;
    this.name = name;
    this.configFile = join(options.workDir, `Pulumi.${name}.yaml`);
    this.environment = environment(options, process.env);
    this.#standIns = new StandIns(options.standIns ?? [], { cwd: options.projectDir, env: this.environment });
  }

  /** The configuration of the committed stack file, with the overrides that the stack was created with. */
  get initialConfig(): ConfigValues {
    return this.#initialConfig;
  }

  /** Reads a stack file. Pulumi needs no passphrase for this, because it decrypts nothing. */
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

  /** Sets configuration. Secret values are passed on standard input, because every user of the machine can read command lines. */
  async configure({ plain = {}, secret = {}, unset = [] }: StackConfig): Promise<void> {
    const cwd = this.#options.workDir;
    const pairs = Object.entries(plain).flatMap(([key, value]) => ["--plaintext", `${key}=${value}`]);
    if (pairs.length > 0) await this.#runOrThrow(["config", "set-all", "--path", ...pairs], { cwd });
    for (const key of unset) await this.#runOrThrow(["config", "rm", "--path", key], { cwd });
    for (const [key, input] of Object.entries(secret)) {
      await this.#runOrThrow(["config", "set", "--path", "--secret", "--raw", key], { cwd, input });
    }
  }

  /** With `diff`, it shows each property that would change. `policyPack` is the folder of a policy pack. */
  preview(options: ChangeOptions & { diff?: boolean; policyPack?: string } = {}): Promise<Outcome> {
    const { diff = false, policyPack } = options;
    const packs = policyPack === undefined ? [] : ["--policy-pack", policyPack];
    return this.#operate(["preview", ...(diff ? ["--diff"] : []), ...packs, ...flags(options)], options);
  }

  up(options: ChangeOptions = {}): Promise<Outcome> {
    return this.#operate(["up", "--yes", "--skip-preview", ...flags(options)], options);
  }

  /**
   * With `clearPendingCreates`, resources that a killed operation was creating are removed from the state. This is right only if they were created
   * again or do not exist.
   */
  refresh(options: ChangeOptions & { clearPendingCreates?: boolean } = {}): Promise<Outcome> {
    const clear = options.clearPendingCreates === true ? ["--clear-pending-creates"] : [];
    return this.#operate(["refresh", "--yes", "--skip-preview", ...clear, ...flags(options)], options);
  }

  destroy(options: OperationOptions = {}): Promise<Outcome> {
    return this.#operate(["destroy", "--yes", "--skip-preview"], options);
  }

  /** Removes the protection of all resources, as an operator does before the destroy of a production stack. */
  async unprotect(): Promise<void> {
    await this.#runOrThrow(["state", "unprotect", "--all", "--yes"]);
  }

  /** Runs operations even after the signal of the options, to clean up. */
  ignoreSignal(): void {
    this.#signal = undefined;
  }

  /** Removes the lock that a killed operation has left on the stack. */
  async cancel(): Promise<void> {
    await this.#runOrThrow(["cancel", "--yes"]);
  }

  /** The state as `pulumi stack export` writes it, with encrypted secrets. */
  async exportState(): Promise<unknown> {
    return JSON.parse(await this.#runOrThrow(["stack", "export"])) as unknown;
  }

  /** Replaces the state with an exported one. */
  async importState(state: unknown): Promise<void> {
    await this.#runOrThrow(["stack", "import"], { input: JSON.stringify(state) });
  }

  /** The stack's outputs. Secret ones are `[secret]` unless `showSecrets` is set. */
  async outputs({ showSecrets = false } = {}): Promise<Record<string, unknown>> {
    const json = await this.#runOrThrow(["stack", "output", "--json", ...(showSecrets ? ["--show-secrets"] : [])]);
    return JSON.parse(json) as Record<string, unknown>;
  }

  /** Kills the running operation and its plugins with SIGKILL, as a crash of the machine would. */
  kill(): void {
    for (const pid of this.#running) killSession(pid);
    this.#standIns.kill();
  }

  async #operate(args: string[], { onLine }: OperationOptions): Promise<Outcome> {
    const log = join(this.#options.workDir, `events-${String(++this.#operations)}.json`);
    const started = performance.now();
    try {
      const result = await this.#run(
        [...args, "--suppress-progress", "--config-file", this.configFile, "--event-log", log],
        { onLine, env: await this.#standIns.environment() },
      );
      const events = parseEvents(await readFile(log, "utf8").catch(() => ""));
      const text = result.all.split("\n").filter(isRelevant).join("\n");
      return {
        ok: result.exitCode === 0,
        ...(result.exitCode === undefined ? {} : { exitCode: result.exitCode }),
        changes: changesIn(events),
        diagnostics: diagnosticsIn(events, text),
        seconds: (performance.now() - started) / 1000,
        text,
      };
    } finally {
      // An operation of the dynamic provider would outlive the engine.
      if (this.#signal?.aborted === true) this.#standIns.kill();
      await rm(log, { force: true });
    }
  }

  /** Runs a command that is expected to succeed. @returns its standard output @throws EngineError */
  async #runOrThrow(args: string[], options: { cwd?: string; input?: string } = {}): Promise<string> {
    const result = await this.#run(args, options);
    if (result.failed)
      throw new EngineError(`pulumi ${args.slice(0, 2).join(" ")} failed: ${result.all.trim() || result.shortMessage}`);
    return result.stdout;
  }

  async #run(
    args: string[],
    options: {
      cwd?: string;
      input?: string;
      env?: Record<string, string>;
      onLine?: OperationOptions["onLine"];
    },
  ) {
    const { pulumi, projectDir } = this.#options;
    const signal = this.#signal;
    signal?.throwIfAborted();
    const forward = function* (line: unknown): Generator {
      if (typeof line === "string" && isRelevant(line)) options.onLine?.(line);
      yield line;
    };
    const child = execa(pulumi, [...args, "--stack", this.name, "--non-interactive", "--color=never"], {
      cwd: options.cwd ?? projectDir,
      env: { ...this.environment, ...options.env },
      extendEnv: false,
      detached: true,
      input: options.input ?? "",
      stdout: [forward],
      stderr: [forward],
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
        this.#standIns.kill();
      }, gracePeriod);
    };
    try {
      const result = await awaitSession(child, signal, stop);
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

/** The environment of the CLI. It does not use the user's Pulumi settings, and makes no network requests of its own. */
function environment(options: EngineOptions, own: NodeJS.ProcessEnv): Record<string, string> {
  const given = Object.entries({ ...own, ...options.env }).filter((entry): entry is [string, string] => {
    const [name, value] = entry;
    // `env` may contain the whole environment of this process, including the user's PULUMI_* variables.
    return value !== undefined && !(name.startsWith("PULUMI_") && value === own[name]);
  });
  const env = Object.fromEntries(given);
  return {
    ...env,
    PATH: [...options.path, env["PATH"] ?? ""].join(delimiter),
    PULUMI_HOME: join(options.workDir, "home"),
    // No files with attributes next to the state: one that a kill leaves incomplete makes the state unreadable (gocloud.dev fileblob).
    PULUMI_BACKEND_URL: `${pathToFileURL(join(options.workDir, "state")).href}?metadata=skip`,
    PULUMI_CONFIG_PASSPHRASE: randomBytes(24).toString("base64url"),
    PULUMI_SKIP_UPDATE_CHECK: "true",
    PULUMI_DISABLE_AUTOMATIC_PLUGIN_ACQUISITION: "true",
    // The CLI requires this for --event-log.
    PULUMI_DEBUG_COMMANDS: "true",
  };
}

/** False for the warning about a plugin on PATH, where the rehearsal puts plugins on purpose. */
function isRelevant(line: string): boolean {
  return !/using pulumi-\S+ from \$PATH/.test(line);
}

/** Parses an event log: one JSON object per line. After a kill, the last line may be incomplete. */
export function parseEvents(log: string): EngineEvent[] {
  return log.split("\n").flatMap((line) => {
    try {
      return [JSON.parse(line) as EngineEvent];
    } catch {
      return [];
    }
  });
}

/** The steps by number: from the engine's summary or, in a log that ends before it, from the completed steps. */
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

/** The messages of the engine, the plugins and the program, or those of the CLI if no event has an error. */
export function diagnosticsIn(events: EngineEvent[], text: string): Diagnostic[] {
  const reported = events.flatMap(({ diagnosticEvent: event }): Diagnostic[] => {
    // The log contains debug messages even without --debug; the type does not list that severity.
    if (!event || event.ephemeral === true || (event.severity as string) === "debug") return [];
    if (!isRelevant(event.message)) return [];
    const message = plainText(event.message).trim();
    return [{ severity: event.severity, ...(event.urn === undefined ? {} : { urn: event.urn }), message }];
  });
  const cli = [...text.matchAll(/^error: (.+)$/gm)].map(([, message = ""]): Diagnostic => ({
    severity: "error",
    message,
  }));
  return reported.some(({ severity }) => severity === "error") ? reported : [...reported, ...cli];
}

/** Removes Pulumi's color marks, such as `<{%fg 1%}>`. */
function plainText(message: string): string {
  return message.replaceAll(/<\{%.*?%\}>/g, "");
}
