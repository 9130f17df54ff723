import { execa } from "execa";
import { RehearsalError } from "../engine/fault.ts";
import type { Stack } from "../engine/stack.ts";
import { ownProject } from "../engine/stackSettings.ts";
import { rehearseOn } from "../rehearse.ts";
import { withRehearsal, type RehearsalOptions } from "../stage.ts";
import { watchMemory, type Memory } from "./memory.ts";
import { planOf, stack } from "./plan.ts";

/** The cost of rehearsing one plan. */
export interface Measurement {
  nodes: number;
  /** In the stack's state, including components and providers. */
  resources: number;
  /** Running pods of the release, all where planned. */
  pods: number;
  /** Duration of each pulumi command, and of `npm run drift`. */
  seconds: Record<"up" | "second up" | "refresh" | "drift" | "destroy", number>;
  /** The peak over all operations. Undefined on systems without /proc. */
  memory: Memory | undefined;
}

/**
 * Rehearses a plan with a number of nodes: up, second up, refresh, drift, and destroy without protection.
 *
 * @throws RehearsalError if the rehearsal finds a problem
 */
export async function measure(
  nodes: number,
  options: Pick<RehearsalOptions, "progress" | "log"> = {},
): Promise<Measurement> {
  return withRehearsal({ ...options, stack, config: planOf(nodes), skipCheckpoints: true }, async (stage) => {
    const memory = watchMemory();
    try {
      const { record, verdict } = await rehearseOn(stage, { keep: true });
      if (!verdict.ok) throw new RehearsalError(`${nodes} nodes: ${stage.redact(verdict.problems.join("\n"))}`);
      const { deployment } = (await stage.stack.exportState()) as { deployment: { resources: unknown[] } };
      const drift = await secondsOfDrift(stage.stack, stage.workspace.signal);
      await stage.stack.unprotect();
      const [destroy] = await stage.progress({
        title: "destroy",
        work: (onLine) => stage.stack.destroy({ onLine }),
      });
      if (!destroy.ok) throw new RehearsalError(`${nodes} nodes: ${stage.redact(destroy.text)}`);
      const seconds = (name: string) => record.operations.find((one) => one.name === name)?.seconds ?? Number.NaN;
      return {
        nodes,
        resources: deployment.resources.length,
        pods: record.seen?.pods.filter(({ state }) => state === "ready").length ?? 0,
        seconds: {
          up: seconds("up"),
          "second up": seconds("second up"),
          refresh: seconds("refresh"),
          drift,
          destroy: destroy.seconds,
        },
        memory: memory.stop(),
      };
    } finally {
      memory.stop();
    }
  });
}

/** How long the comparison with the cluster takes, in seconds. @throws RehearsalError if something differs, or could not be compared */
async function secondsOfDrift({ name, environment }: Stack, cancelSignal: AbortSignal): Promise<number> {
  const started = performance.now();
  const { failed, all } = await execa(process.execPath, ["review/cli/drift.ts", "--stack", name], {
    cwd: ownProject,
    env: environment,
    extendEnv: false,
    cancelSignal,
    all: true,
    reject: false,
  });
  cancelSignal.throwIfAborted();
  if (failed) throw new RehearsalError(`npm run drift: ${all}`);
  return (performance.now() - started) / 1000;
}
