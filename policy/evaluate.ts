import {
  objectsOf,
  type PolicyObject,
  type PolicyResource,
  type RuleName,
  type Violation,
  violationsOf,
} from "./rules.ts";
import type { PolicySettings } from "./settings.ts";
import type { Waiver } from "./waivers.ts";

/** What the policies say of a stack. */
export interface Evaluation {
  /** `mandatory` in production, `advisory` in test: whether a violation without a waiver refuses the change. */
  enforcement: "mandatory" | "advisory";
  /** The violations without a waiver. */
  violations: Violation[];
  waived: { violation: Violation; waiver: Waiver }[];
  /** The waivers that are expired or without effect, each as a line `key: what is wrong; what to do`. */
  waiverFaults: string[];
}

export interface Evaluated {
  /** What the program registers. Secret inputs are not checked. @default none */
  resources?: readonly PolicyResource[];
  /** The rendered chart, or live objects. Those among the resources count too. @default none */
  objects?: readonly PolicyObject[];
}

/**
 * Checks a plan, or live objects, against all policies.
 *
 * @param settings the stack's output `policies`
 * @param now decides which waivers are expired
 * @param rules the rules that what is given can show. Waivers of others are not called without effect. @default all
 */
export function evaluate(
  { resources = [], objects = [] }: Evaluated,
  settings: PolicySettings,
  now: Date,
  rules?: readonly RuleName[],
): Evaluation {
  const subject = { resources, objects: [...objects, ...objectsOf(resources)], settings };
  const today = now.toISOString().slice(0, 10);
  const waivers = settings.waivers.map((waiver, i) => ({ waiver, key: `pulsar:policyWaivers[${i}]`, used: false }));
  const evaluation: Evaluation = {
    enforcement: settings.production ? "mandatory" : "advisory",
    violations: [],
    waived: [],
    waiverFaults: [],
  };
  for (const violation of violationsOf(subject)) {
    const fitting = waivers.filter(({ waiver }) => covers(waiver, violation));
    for (const one of fitting) one.used = true;
    const valid = fitting.find(({ waiver }) => waiver.expires >= today);
    if (valid === undefined) evaluation.violations.push(violation);
    else evaluation.waived.push({ violation, waiver: valid.waiver });
  }
  evaluation.waiverFaults = waivers.flatMap(({ waiver: { rule, object, expires }, key, used }) => {
    const what = object === undefined ? rule : `${rule} for ${object}`;
    if (expires < today)
      return `${key}: the waiver of ${what} expired on ${expires}; fix the cause, or review it again`;
    if (used || (rules && !rules.includes(rule))) return [];
    return `${key}: the waiver of ${what} has no effect; remove it`;
  });
  return evaluation;
}

/** The violations that refuse the change. */
export function mandatoryViolations(evaluation: Evaluation | undefined): Evaluation["violations"] {
  return evaluation?.enforcement === "mandatory" ? evaluation.violations : [];
}

function covers(waiver: Waiver, { rule, object }: Violation): boolean {
  return waiver.rule === rule && (waiver.object === undefined || waiver.object === object);
}

/** A violation as `key: what is wrong; what to do`, after its object. */
export function violationText({ object, key, problem, remedy }: Violation): string {
  return `${object}: ${key}: ${problem}; ${remedy}`;
}
