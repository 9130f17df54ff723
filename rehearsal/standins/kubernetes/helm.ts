import { withoutExcerpt } from "./api.ts";
import type { Settings } from "./cluster.ts";
import { expanded, type Kubeconfig } from "./kubeconfig.ts";

/** How to run the `helm` command on PATH for the provider's cluster. */
export interface Helm {
  /** Absent for commands that only read charts. */
  kubeconfig?: Kubeconfig;
  settings: Settings;
}

interface Run {
  /** Standard input. Values are passed here, so that they are neither in a file nor in the list of processes. */
  input?: string;
  /** Sends SIGTERM to Helm. An install or upgrade then marks its release as failed. */
  signal?: AbortSignal;
}

/**
 * Runs Helm.
 * @returns its output
 * @throws Error with Helm's message
 */
export async function runHelm(
  { kubeconfig, settings }: Helm,
  args: string[],
  { input = "", signal }: Run = {},
): Promise<string> {
  const { execa } = await import("execa");
  const context = kubeconfig ? ["--kube-context", kubeconfig.context.name] : [];
  const run = await execa("helm", [...args, ...context], {
    input,
    reject: false,
    env: { ...(settings.kubeconfig && { KUBECONFIG: expanded(settings.kubeconfig) }), HELM_DRIVER: "secret" },
    ...(signal && { cancelSignal: signal }),
    // Helm cleans up after an interruption. For an atomic release, this takes up to its timeout.
    forceKillAfterDelay: false,
  });
  if (!run.failed) return run.stdout;
  if (run.code === "ENOENT") throw new Error("the command helm (version 3) was not found on PATH");
  throw new Error(helmMessage(run.stderr) || `helm ${args[0] ?? ""} ended with exit status ${run.exitCode ?? "none"}`);
}

/** The error message in Helm's standard error, without warnings and the name of the command. */
export function helmMessage(stderr: string): string {
  const lines = stderr.split("\n");
  const start = lines.findIndex((line) => line.startsWith("Error: "));
  const message = lines.slice(Math.max(start, 0)).join("\n").trim();
  return withoutExcerpt(message.replace(/^Error: (?:(?:INSTALLATION|UPGRADE) FAILED: )?/, ""));
}
