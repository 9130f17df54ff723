/** Runs the program of a checkout without an engine, a cluster, a state or a passphrase. */
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { execaNode } from "execa";
import { parse } from "yaml";
import { redactor } from "../../rehearsal/engine/redact.ts";
import { RehearsalError } from "../../rehearsal/engine/fault.ts";
import { readStackFile } from "../../rehearsal/engine/stackSettings.ts";
import { cacheFolder } from "../../rehearsal/tools/cache.ts";
import type { Collected, Run } from "./collect.ts";
import { programConfig } from "./placeholders.ts";

export interface ProgramOptions {
  /** The folder of Pulumi.yaml. Its packages are installed. */
  folder: string;
  stack: string;
  /** The folder of the stack file. @default `folder` */
  stackFiles?: string;
  signal?: AbortSignal;
}

/**
 * What the program registers in a preview, or its refusal.
 *
 * @throws RehearsalError if there is no such stack file
 */
export async function runProgram({ folder, stack, stackFiles = folder, signal }: ProgramOptions): Promise<Collected> {
  const text = await readStackFile(stackFiles, stack);
  let config: ReturnType<typeof programConfig>;
  try {
    config = programConfig(text, `Pulumi.${stack}.yaml`);
  } catch (error) {
    if (error instanceof RehearsalError) return { refused: error.message.split("\n") };
    throw error;
  }
  const project = parse(await readFile(join(folder, "Pulumi.yaml"), "utf8")) as { name: string; main?: string };
  const run: Run = {
    project: project.name,
    main: project.main ?? "index.ts",
    stack,
    values: config.values,
    encrypted: config.encrypted,
  };
  const { ipcOutput, stderr, exitCode } = await execaNode(join(import.meta.dirname, "collect.ts"), [], {
    cwd: folder,
    // The SDKs make these variables inputs of a provider; a review must not depend on who runs it.
    env: { ...withoutSdkVariables(), NODE_COMPILE_CACHE: join(cacheFolder(), "node") },
    extendEnv: false,
    nodeOptions: [],
    ipc: true,
    ipcInput: run as never,
    stdin: "ignore",
    reject: false,
    timeout: 300_000,
    cancelSignal: signal,
  });
  signal?.throwIfAborted();
  const redact = redactor(config.placeholders);
  const collected = ipcOutput[0] as Collected | undefined;
  if (collected === undefined) {
    const last = stderr
      .split("\n")
      .filter((line) => line.trim() !== "")
      .slice(-5)
      .map(redact);
    return { refused: last.length > 0 ? last : [`the program ended with exit status ${String(exitCode)}`] };
  }
  // Where a placeholder is not marked as a secret, neither would be the secret.
  return JSON.parse(JSON.stringify(collected), (_key, value: unknown) =>
    typeof value === "string" ? redact(value) : value,
  ) as Collected;
}

function withoutSdkVariables(): Record<string, string> {
  return Object.fromEntries(
    Object.entries(process.env).filter(
      (entry): entry is [string, string] =>
        entry[1] !== undefined && !/^(PULUMI_|PG|KUBE|NODE_OPTIONS|NODE_TEST)/.test(entry[0]),
    ),
  );
}
