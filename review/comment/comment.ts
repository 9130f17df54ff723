/** The review of a change as one comment: what changes, which pods restart, what data is at risk, and whether it was rehearsed. */
import { type Evaluation, mandatoryViolations } from "../../policy/evaluate.ts";
import { count, listed } from "../../rehearsal/report/rows.ts";
import { type ObjectChange, objectChanges } from "../changes/objects.ts";
import { refusals, type ResourceChange, resourceChanges } from "../changes/resources.ts";
import { longestBody, marker } from "../github/markedText.ts";
import type { StackPlan } from "../plan.ts";
import type { Plan } from "../planOf.ts";
import { type Forecast, forecastRestarts } from "../restarts/forecast.ts";
import { chartSection, resourceSection } from "./changes.ts";
import { block, bullets, code, collapsed, escape, fit, type Section } from "./markdown.ts";
import { placementSection } from "./placement.ts";
import { policySection } from "./policies.ts";
import { redList } from "./redList.ts";
import { forecastSection } from "./restarts.ts";

export interface Review {
  stack: string;
  /** The merge base. Its plan is undefined if the stack did not exist there. */
  base: { commit: string; plan: Plan | undefined };
  head: { commit: string; plan: Plan };
  /** How many commits the main branch has that the head does not. */
  behind: number;
  /** The files that are not as in the head's commit. */
  uncommitted: string[];
  rehearsal?: { ok: boolean; problems: string[] };
  /** `pulumi preview --diff` against the real state. */
  preview?: { counts?: Counts; text: string; failed: boolean };
  policies?: Evaluation;
  /** The result of the last comparison with the cluster, in one line. @default it is not known */
  drift?: string;
  /** What `npm run apply` requires. */
  digest?: string;
}

export interface Counts {
  create: number;
  update: number;
  replace: number;
  delete: number;
}

/** Everything that follows from the two plans. */
export interface Differences {
  objects: ObjectChange[];
  resources: ResourceChange[];
  forecast: Forecast;
  /** Why the engine would refuse the change. */
  refused: string[];
}

/**
 * @param fullReport where everything can be read that does not fit
 * @param known the differences, if they are known already
 */
export function renderReview(
  review: Review,
  { limit = longestBody, fullReport }: { limit?: number; fullReport?: string } = {},
  known?: Differences,
): string {
  const { base, head } = review;
  if ("refused" in head.plan) {
    const text = `The program refuses this configuration. Nothing would be changed.\n\n${bullets(head.plan.refused)}`;
    return fit(opening(review, verdict(review)), [{ name: "the refusal", text }], limit, fullReport);
  }
  const before = planBefore(review);
  const differences = known ?? differencesBetween(before, head.plan);
  const red = redList(review, before, differences);
  const first = [
    opening(review, verdict(review, differences)),
    ...(red.length > 0 ? [`#### Look at this first\n\n${bullets(red)}`] : []),
  ].join("\n\n");
  const sections: Section[] = [
    ...(base.plan !== undefined && "refused" in base.plan
      ? [
          {
            name: "the base",
            text: `The base does not pass its own settings, so everything counts as new:\n\n${bullets(base.plan.refused)}`,
          },
        ]
      : []),
    forecastSection(differences.forecast),
    ...chartSection(differences.objects, before === undefined),
    resourceSection(differences.resources, before === undefined),
    placementSection(before, head.plan),
    policySection(review.policies),
    { name: "drift", text: `**Drift:** ${escape(review.drift ?? "not checked")}` },
    { name: "how this was made", text: facts(review, head.plan) },
    ...(review.preview
      ? [{ name: "pulumi preview", text: collapsed("pulumi preview --diff", block("diff", review.preview.text)) }]
      : []),
  ];
  return fit(first, sections, limit, fullReport);
}

/** The plan of the base; undefined if there is none. */
function planBefore({ base: { plan } }: Review): StackPlan | undefined {
  return plan === undefined || "refused" in plan ? undefined : plan;
}

/** Undefined if the program refuses the head. */
export function differencesOf(review: Review): Differences | undefined {
  const { plan } = review.head;
  return "refused" in plan ? undefined : differencesBetween(planBefore(review), plan);
}

function differencesBetween(before: StackPlan | undefined, after: StackPlan): Differences {
  const empty = { ...after, resources: [], objects: [] };
  return {
    objects: objectChanges(before ?? empty, after),
    resources: resourceChanges(before ?? empty, after),
    forecast: forecastRestarts(before, after),
    refused: before === undefined ? [] : refusals(before, after),
  };
}

/** Whether the change may be applied: the state of the commit. */
export function accepted(review: Review, differences = differencesOf(review)): boolean {
  const { preview, policies, rehearsal } = review;
  if (differences === undefined || preview?.failed || rehearsal?.ok === false) return false;
  const { refused, forecast } = differences;
  return refused.length === 0 && forecast.refused.length === 0 && mandatoryViolations(policies).length === 0;
}

/** One line without markup: the verdict, counts, pods and the rehearsal. */
function verdict(review: Review, differences?: Differences): string {
  const { stack, preview, rehearsal, policies } = review;
  const rehearsed =
    rehearsal === undefined ? "not rehearsed" : `rehearsed: ${rehearsal.ok ? "starts" : "does not start"}`;
  if (differences === undefined) return `${stack}: refused`;
  const { refused, forecast, resources, objects } = differences;
  if (refused.length > 0 || forecast.refused.length > 0) return `${stack}: refused; ${rehearsed}`;
  if (preview?.failed) return `${stack}: the preview fails; ${rehearsed}`;
  if (mandatoryViolations(policies).length > 0) return `${stack}: violates a policy; ${rehearsed}`;
  const counts = preview?.counts ?? countsOf(resources);
  if (resources.length + objects.length === 0 && Object.values(counts).every((count) => count === 0))
    return `${stack}: nothing changes; ${rehearsed}`;
  const removed = counts.delete > 0 ? `, ${counts.delete} to delete` : "";
  const pods = new Set(
    forecast.phases.flatMap(({ sequences }) =>
      sequences.flatMap(({ pods }) => pods.filter(({ effect }) => effect === "restarts").map(({ pod }) => pod)),
    ),
  ).size;
  return `${stack}: ${counts.create} to create, ${counts.update} to update, ${counts.replace} to replace${removed}; ${pods === 1 ? "1 pod restarts" : `${pods} pods restart`}; ${rehearsed}`;
}

function countsOf(resources: readonly ResourceChange[]): Counts {
  const having = (action: ResourceChange["action"]) => resources.filter((one) => one.action === action).length;
  return { create: having("create"), update: having("update"), replace: having("replace"), delete: having("delete") };
}

function opening(review: Review, line: string): string {
  const { stack, base, head, behind, uncommitted, digest } = review;
  const notes = [
    ...(behind > 0
      ? [
          `the main branch has ${count(behind, "commit")} that this change does not contain; rebase to review what a merge gives`,
        ]
      : []),
    ...(uncommitted.length > 0
      ? [`files that are not as committed were reviewed too, so there is no digest: ${escape(listed(uncommitted, 4))}`]
      : []),
    ...(base.plan === undefined ? ["the stack does not exist in the base: everything is new"] : []),
  ];
  return [
    marker("review", stack),
    `### ${escape(line)}`,
    `Base ${code(base.commit.slice(0, 12))}, head ${code(head.commit.slice(0, 12))}.${notes.map((note) => ` Note: ${note}.`).join("")}`,
    // Here it is never cut: a deployment needs it.
    ...(digest === undefined || "refused" in head.plan ? [] : [`Digest for npm run apply: ${code(digest)}`]),
  ].join("\n\n");
}

function facts({ preview }: Review, { chart }: StackPlan): string {
  const rendered =
    chart.source === "vendor"
      ? `chart ${chart.version}`
      : `a stand-in for chart ${chart.version}, because the vendor's could not be reached`;
  return bullets([
    `Rendered: ${rendered} (files ${chart.digest.slice(0, 12)}).`,
    preview === undefined
      ? "Counts: head compared with base, without the stack's state and without values that only an up knows."
      : "Counts: pulumi preview against the stack's state.",
  ]);
}
