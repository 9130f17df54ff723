import { createRequire } from "node:module";
import { join } from "node:path";
import { shellWords } from "./shellWords.ts";

/** One run of a Pulumi program, as the engine asks for it. */
export interface Run {
  engine: string;
  monitor: string;
  organization: string;
  project: string;
  stack: string;
  parallel: number;
  dryRun: boolean;
  /** Where Pulumi.yaml is, and where the program is. */
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

/** The command that runs the program with the SDK's own runner, and what it adds to the environment. */
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
      runnerOf(run.programDirectory),
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

/** The runner of the SDK that the program itself would import. */
function runnerOf(programDirectory: string): string {
  try {
    return createRequire(join(programDirectory, "Pulumi.yaml")).resolve("@pulumi/pulumi/cmd/run");
  } catch {
    throw new Error(`@pulumi/pulumi is not installed for ${programDirectory}: run npm ci there`);
  }
}
