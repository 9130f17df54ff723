import { isDeepStrictEqual } from "node:util";
import type { StackPlan } from "../plan.ts";
import { block, collapsed, type Section } from "./markdown.ts";

/** A row of the program's output `placement` (components/nodePlan.ts). */
interface Row {
  component: string;
  replicas: number;
  nodes: string[];
}

/** Which components each node may run, before and after. Empty if that does not change. */
export function placementSection(before: StackPlan | undefined, after: StackPlan): Section {
  const name = "the placement";
  const [old, now] = [before?.outputs["placement"], after.outputs["placement"]];
  if (before === undefined || isDeepStrictEqual(old, now)) return { name, text: "" };
  const diagrams = [old, now].map((rows) => block("mermaid", flowchart(rows as Row[])));
  return { name, text: collapsed("Placement before and after", diagrams.join("\n\n")) };
}

function flowchart(rows: readonly Row[]): string {
  const nodes = [...new Set(rows.flatMap(({ nodes }) => nodes))];
  const boxes = nodes.flatMap((node, i) => {
    const here = rows
      .filter(({ nodes, replicas }) => replicas > 0 && nodes.includes(node))
      .map(({ component }) => component);
    return [`  n${i}["${node}<br/>${here.join("<br/>")}"]`];
  });
  return ["flowchart LR", ...boxes].join("\n");
}
