import { type Evaluation, violationText } from "../../policy/evaluate.ts";
import { bullets, type Section, table } from "./markdown.ts";

export function policySection(evaluation: Evaluation | undefined): Section {
  const name = "policies";
  if (evaluation === undefined) return { name, text: "" };
  const { violations, waived, waiverFaults, enforcement } = evaluation;
  if (violations.length + waived.length + waiverFaults.length === 0)
    return { name, text: "**Policies:** no violation." };
  const rows = [
    ...violations.map((one) => [one.rule, enforcement, violationText(one)]),
    ...waived.map(({ violation, waiver }) => [
      violation.rule,
      `waived until ${waiver.expires}`,
      violationText(violation),
    ]),
  ];
  const parts = [
    "#### Policies",
    ...(rows.length > 0 ? [table(["Policy", "Enforcement", "Violation"], rows)] : []),
    ...(waiverFaults.length > 0 ? [bullets(waiverFaults)] : []),
  ];
  return { name, text: parts.join("\n\n") };
}
