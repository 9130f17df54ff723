/** Runs `pulumi up` if it would do what was reviewed. */
import { execa } from "execa";
import { mandatoryViolations, violationText } from "../../policy/evaluate.ts";
import { RehearsalError } from "../../rehearsal/engine/fault.ts";
import { listed } from "../../rehearsal/report/rows.ts";
import type { StackPlan } from "../plan.ts";
import { planOf, policiesOf } from "../planOf.ts";
import { findPulumi } from "../pulumi.ts";
import { changedSince, type Digest, digestOf } from "./digest.ts";
import { reviewedFiles } from "./files.ts";

export interface ApplyOptions {
  /** The folder of Pulumi.yaml and the stack file. */
  folder: string;
  stack: string;
  reviewed: Digest;
  /** Whether to stop before `pulumi up`. */
  dryRun: boolean;
  log: (line: string) => void;
}

/**
 * @returns the exit status of `pulumi up`
 * @throws RehearsalError with a line for each part that differs from what was reviewed, or with the reason why that is not known
 */
export async function applyReviewed({ folder, stack, reviewed, dryRun, log }: ApplyOptions): Promise<number> {
  const { files, uncommitted } = await reviewedFiles(folder, stack);
  if (uncommitted.length > 0) {
    throw new RehearsalError(
      `program: not as committed: ${listed(uncommitted, 4)}; commit, ignore or remove them, and review again`,
    );
  }
  const plan = await planOf({ folder, stack, fresh: true, log });
  if ("refused" in plan) throw new RehearsalError(plan.refused.join("\n"));
  if (plan.chart.source === "stand-in") {
    throw new RehearsalError(
      `chart: version ${plan.chart.version} cannot be downloaded, so it is not known whether it is the reviewed one; make pulsar:chart.source reachable from here`,
    );
  }
  const changed = changedSince(reviewed, digestOf(plan, files));
  if (changed.length > 0) throw new RehearsalError(changed.join("\n"));
  const violations = violationsOn(plan, new Date());
  if (violations.length > 0) throw new RehearsalError(violations.join("\n"));
  log(`${stack}: nothing differs from what was reviewed`);
  if (dryRun) return 0;

  const pulumi = await findPulumi(log);
  const { exitCode } = await execa(pulumi, ["up", "--yes", "--stack", stack, "--policy-pack", "policy"], {
    cwd: folder,
    stdio: "inherit",
    reject: false,
  });
  return exitCode ?? 1;
}

/**
 * A line for each violation that refuses the plan on a day: a waiver may have expired since the review. The policy pack of `pulumi up` does not see
 * what the chart renders.
 */
export function violationsOn(plan: StackPlan, now: Date): string[] {
  return mandatoryViolations(policiesOf(plan, now)).map((one) => `policy ${one.rule}: ${violationText(one)}`);
}
