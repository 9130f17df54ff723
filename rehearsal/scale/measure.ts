import { RehearsalError } from "../engine/fault.ts";
import { rehearseOn } from "../rehearse.ts";
import { withRehearsal, type RehearsalOptions } from "../stage.ts";
import { watchMemory, type Memory } from "./memory.ts";
import { planOf, stack } from "./plan.ts";

/** What the rehearsal of one plan took. */
export interface Measurement {
  nodes: number;
  /** In the stack's state: resources, components and providers. */
  resources: number;
  /** Pods of the release that run, all where planned. */
  pods: number;
  /** Of each operation of the engine, from the start of its command to the end. */
  seconds: Record<"up" | "second up" | "refresh" | "destroy", number>;
  /** Over all operations; none where the system does not tell. */
  memory: Memory | undefined;
}

/**
 * Rehearses a plan of so many nodes: up, second up, refresh, and destroy once everything is unprotected.
 *
 * @throws RehearsalError where the rehearsal finds a problem: what does not run is not measured
 */
export async function measure(
  nodes: number,
  options: Pick<RehearsalOptions, "progress" | "log"> = {},
): Promise<Measurement> {
  return withRehearsal({ ...options, stack, config: planOf(nodes), inOneGo: true }, async (stage) => {
    const memory = watchMemory();
    try {
      const { record, verdict } = await rehearseOn(stage, { keep: true });
      if (!verdict.ok) throw new RehearsalError(`${nodes} nodes: ${stage.redact(verdict.problems.join("\n"))}`);
      const { deployment } = (await stage.stack.exportState()) as { deployment: { resources: unknown[] } };
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
          destroy: destroy.seconds,
        },
        memory: memory.stop(),
      };
    } finally {
      memory.stop();
    }
  });
}
