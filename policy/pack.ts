/** The Pulumi policy pack: `pulumi preview --policy-pack policy`. */
import policy from "@pulumi/policy";
import { type Evaluation, evaluate, violationText } from "./evaluate.ts";
import { type PolicyResource, type RuleName, rules } from "./rules.ts";
import type { PolicySettings } from "./settings.ts";

/** What the resources show in full. The rendered chart is in none of them, so a waiver of another rule may have its effect there. */
const shown: RuleName[] = ["volumes-retained", "volumes-protected", "network-policies"];

let evaluation: Evaluation | undefined;

/** What @pulumi/policy (1.21) accepts and does not declare. */
type ReportAtLevel = (violation: { message: string; enforcementLevel: policy.EnforcementLevel }) => void;

new policy.PolicyPack("pulsar-stack-policies", {
  policies: [
    {
      // The first, because @pulumi/policy (1.21) asks the policies in order.
      name: "waivers",
      description: "Every waiver is valid and has an effect.",
      enforcementLevel: "advisory",
      validateStack({ resources }, reportViolation) {
        const stack = resources.find(({ type }) => type === "pulumi:pulumi:Stack");
        const settings = (known(stack?.props) as { policies?: PolicySettings } | undefined)?.policies;
        if (settings === undefined)
          throw new Error("the stack has no output `policies`; use the program beside the pack");
        evaluation = evaluate({ resources: resources.filter(isObject).map(resourceOf) }, settings, new Date(), shown);
        for (const line of evaluation.waiverFaults) reportViolation(line);
      },
    },
    ...rules.map(({ name, description, severity }): policy.StackValidationPolicy => ({
      name,
      description,
      severity,
      // The engine fixes this level before there is a stack, so each violation has its own.
      enforcementLevel: "mandatory",
      validateStack(_, reportViolation) {
        if (evaluation === undefined) return;
        const { enforcement: enforcementLevel, violations } = evaluation;
        const report = reportViolation as unknown as ReportAtLevel;
        for (const violation of violations.filter(({ rule }) => rule === name))
          report({ message: `${description}\n${violationText(violation)}`, enforcementLevel });
      },
    })),
  ],
});

/** A pack does not see which values are secret, so it checks those resources only that hold their secrets in a kind of their own. */
function isObject({ type }: policy.PolicyResource): boolean {
  return type.startsWith("kubernetes:") && !type.startsWith("kubernetes:helm");
}

function resourceOf({ type, name, props, opts }: policy.PolicyResource): PolicyResource {
  return { type, name, inputs: known(props) as Record<string, unknown>, secretInputs: [], protect: opts.protect };
}

/** A copy without what a preview does not know yet: reading that is an error. */
function known(value: unknown): unknown {
  if (typeof value !== "object" || value === null) return value;
  const entries = Object.keys(value).flatMap((key): [string, unknown][] => {
    try {
      return [[key, known((value as Record<string, unknown>)[key])]];
    } catch {
      return [];
    }
  });
  return Array.isArray(value) ? entries.map(([, inner]) => inner) : Object.fromEntries(entries);
}
