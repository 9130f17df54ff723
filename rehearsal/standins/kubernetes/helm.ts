import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { withoutExcerpt } from "./api.ts";
import type { Settings } from "./cluster.ts";
import { exported, type Kubeconfig, pathOf } from "./kubeconfig.ts";

/** How to run the `helm` command on PATH against the provider's cluster. */
export interface Helm {
  /** Absent for commands that only look at charts. */
  kubeconfig?: Kubeconfig;
  settings: Settings;
}

interface Run {
  /** Standard input. Values go this way: they are in no file and no list of processes. */
  input?: string;
  /** Sends Helm a SIGTERM, upon which an install or upgrade marks its release as failed. */
  signal?: AbortSignal;
}

/**
 * Runs Helm, and returns what it prints.
 * @throws Error with Helm's own message.
 */
export async function runHelm(helm: Helm, args: string[], { input = "", signal }: Run = {}): Promise<string> {
  const { execa } = await import("execa");
  const access = await accessFile(helm);
  try {
    const context = helm.kubeconfig ? ["--kube-context", helm.kubeconfig.context.name] : [];
    const run = await execa("helm", [...args, ...context], {
      input,
      reject: false,
      env: { ...(access.path && { KUBECONFIG: access.path }), HELM_DRIVER: "secret" },
      ...(signal && { cancelSignal: signal }),
      // Helm has to clean up after an interruption, an atomic release for as long as its timeout.
      forceKillAfterDelay: false,
    });
    if (!run.failed) return run.stdout;
    if (run.code === "ENOENT") throw new Error("the command helm (version 3) was not found on PATH");
    throw new Error(
      helmMessage(run.stderr) || `helm ${args[0] ?? ""} ended with exit status ${run.exitCode ?? "none"}`,
    );
  } finally {
    await access.remove();
  }
}

/**
 * A kubeconfig that Helm can open. The provider's own when that is a file; contents, or the choice of another cluster, go into
 * a file of their own for as long as Helm runs.
 */
async function accessFile({ kubeconfig, settings }: Helm): Promise<{ path?: string; remove: () => Promise<void> }> {
  const { kubeconfig: given = "" } = settings;
  const path = pathOf(given);
  if (!kubeconfig || ((given === "" || path !== undefined) && settings.cluster === undefined)) {
    return { path, remove: async () => undefined };
  }
  const directory = await mkdtemp(join(tmpdir(), "kubeconfig-"));
  const own = join(directory, "config");
  await writeFile(own, exported(kubeconfig), { mode: 0o600 });
  return {
    path: own,
    remove: async () => {
      await rm(directory, { recursive: true, force: true });
    },
  };
}

/** Helm's error out of all that it prints beside its result: without warnings, and the command's name. */
export function helmMessage(stderr: string): string {
  const lines = stderr.split("\n");
  const start = lines.findIndex((line) => line.startsWith("Error: "));
  const message = lines.slice(Math.max(start, 0)).join("\n").trim();
  return withoutExcerpt(message.replace(/^Error: (?:(?:INSTALLATION|UPGRADE) FAILED: )?/, ""));
}
