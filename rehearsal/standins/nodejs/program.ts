import { createRequire } from "node:module";
import { join } from "node:path";
import { shellWords } from "./shellWords.ts";

/** A run of a Pulumi program, as requested by the engine. */
export interface Run {
  engine: string;
  monitor: string;
  organization: string;
  project: string;
  stack: string;
  parallel: number;
  dryRun: boolean;
  /** The folder of Pulumi.yaml. `programDirectory` is that of the program. */
  rootDirectory: string;
  programDirectory: string;
  /** The working directory of the program. */
  pwd: string;
  /** `main` of Pulumi.yaml, or `.` for the one of package.json. */
  entryPoint: string;
  args: readonly string[];
  config: Readonly<Record<string, string>>;
  secretConfigKeys: readonly string[];
  /** `runtime.options` of Pulumi.yaml. */
  options: Readonly<Record<string, unknown>>;
}

/** The command that runs the program with the SDK's runner, and the variables that it adds to the environment. */
export interface Command {
  args: string[];
  env: Record<string, string>;
}

/** @throws when the program's SDK is not installed, or `nodeargs` has an unclosed quote. */
export function programCommand(run: Run): Command {
  const { typescript = true, nodeargs = "", tsconfig } = run.options;
  const flags = {
    engine: run.engine,
    monitor: run.monitor,
    organization: run.organization,
    project: run.project,
    "root-directory": run.rootDirectory,
    stack: run.stack,
    pwd: run.pwd,
    parallel: String(run.parallel),
  };
  return {
    args: [
      ...shellWords(String(nodeargs)),
      runnerOf(run.programDirectory, "run"),
      ...Object.entries(flags).flatMap(([flag, value]) => (value === "" ? [] : [`--${flag}`, value])),
      ...(run.dryRun ? ["--dry-run"] : []),
      run.entryPoint || ".",
      ...run.args,
    ],
    env: {
      PULUMI_CONFIG: JSON.stringify(run.config),
      PULUMI_CONFIG_SECRET_KEYS: JSON.stringify(run.secretConfigKeys),
      ...(typescript === false ? {} : { PULUMI_NODEJS_TYPESCRIPT: "true" }),
      ...(typeof tsconfig === "string" ? { PULUMI_NODEJS_TSCONFIG_PATH: tsconfig } : {}),
    },
  };
}

/** A plugin in a folder of the project, as requested by the engine. */
export interface Plugin {
  /** `analyzer` for a policy pack. */
  kind: string;
  programDirectory: string;
  /** The engine's address. */
  args: readonly string[];
  options: Readonly<Record<string, unknown>>;
}

/** The arguments of Node to run it with the SDK's runner. @throws when the SDK is not installed */
export function pluginCommand({ kind, programDirectory, args, options: { nodeargs = "" } }: Plugin): string[] {
  const runner = runnerOf(programDirectory, kind === "analyzer" ? "run-policy-pack" : "run-plugin");
  return [...shellWords(String(nodeargs)), runner, ...args, programDirectory];
}

/** A runner of the SDK that the program imports. */
function runnerOf(programDirectory: string, runner: "run" | "run-plugin" | "run-policy-pack"): string {
  try {
    return createRequire(join(programDirectory, "Pulumi.yaml")).resolve(`@pulumi/pulumi/cmd/${runner}`);
  } catch {
    throw new Error(`${programDirectory}: @pulumi/pulumi is not installed; run npm ci there`);
  }
}
