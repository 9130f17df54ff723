/** What a checkout of the program would deploy for a stack, without a cluster, a state or a passphrase. The same files give the same plan. */
import { type Evaluation, evaluate } from "../policy/evaluate.ts";
import type { PolicySettings } from "../policy/settings.ts";
import { prepareTools } from "../rehearsal/tools/tools.ts";
import { renderChart, type ReleaseInputs } from "./chart/render.ts";
import { type ChartInputs, findChart } from "./chart/source.ts";
import type { RefusedPlan, StackPlan } from "./plan.ts";
import { type ProgramOptions, runProgram } from "./program/program.ts";

export type Plan = StackPlan | RefusedPlan;

export interface PlanOptions extends ProgramOptions {
  /** Path of a chart to render in place of the stack's. */
  chart?: string;
  /** Whether the stand-in is rendered even where the vendor's chart can be reached. @default false */
  standIn?: boolean;
  /** Whether the chart is downloaded even if it is cached. @default false */
  fresh?: boolean;
  /** Receives progress lines. @default shows nothing */
  log?: (line: string) => void;
}

/** @throws RehearsalError if there is no such stack, or Helm cannot be obtained */
export async function planOf(options: PlanOptions): Promise<Plan> {
  const { folder, stack, log = () => undefined, signal = new AbortController().signal } = options;
  const [collected, { tools }] = await Promise.all([runProgram(options), prepareTools({ log, signal }, ["helm"])]);
  if ("refused" in collected) return { stack, refused: collected.refused };
  const release = collected.resources.find(({ type }) => type === "kubernetes:helm.sh/v3:Release");
  if (release === undefined) return { stack, refused: ["the program registers no Helm release"] };

  const inputs = release.inputs as unknown as ReleaseInputs & ChartInputs;
  const { path, facts } = await findChart(inputs, { ...options, helm: tools.helm, signal });
  try {
    const objects = await renderChart(inputs, { helm: tools.helm, chart: path, folder, signal });
    return { stack, namespace: inputs.namespace, release: inputs.name, ...collected, objects, chart: facts };
  } catch (error) {
    signal.throwIfAborted();
    return { stack, refused: (error as Error).message.split("\n").filter((line) => line.trim() !== "") };
  }
}

/** The violations of the policies by a plan. Undefined for a program that exports no settings for the policies. */
export function policiesOf(plan: StackPlan, now: Date): Evaluation | undefined {
  const settings = plan.outputs["policies"] as PolicySettings | undefined;
  return settings && evaluate(plan, settings, now);
}
