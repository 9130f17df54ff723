/** The report of a comparison, as text and as Markdown. */
import { count } from "../../rehearsal/report/rows.ts";
import { code } from "../comment/markdown.ts";
import type { Drift, DriftReport } from "./drift.ts";

/** A GitHub issue has at most 65,536 characters. Some are for the text around the table. */
const longestTable = 60_000;

/** One line: what was compared, and how much differs. */
export function headline(report: DriftReport): string {
  const { stack, compared, drift } = report;
  const objects = new Set(drift.map(({ object }) => object)).size;
  const differ =
    drift.length === 0
      ? report.notCompared.length === 0
        ? "nothing differs from what was installed"
        : "nothing differs in what could be compared"
      : `${count(drift.length, "difference")} in ${count(objects, "object")}`;
  return `${stack}: ${differ} (${count(compared, "object")} compared)`;
}

export function asText(report: DriftReport): string {
  const entries = report.drift.map((one) =>
    [
      `${one.object}${one.field === "" ? "" : `  ${one.field}`}`,
      `  installed: ${one.installed}`,
      `  live:      ${one.live}`,
      `  changed:   ${changedBy(one)}`,
      `  endangers: ${one.endangers}`,
    ].join("\n"),
  );
  const notCompared = report.notCompared.map((line) => `not compared: ${line}`).join("\n");
  return [headline(report), ...entries, notCompared].filter((part) => part !== "").join("\n\n");
}

/** The body of an issue. The same drift gives the same text. */
export function asMarkdown(report: DriftReport): string {
  const row = (cells: readonly string[]) => `| ${cells.join(" | ")} |`;
  const rows = report.drift.map((one) =>
    row([...[one.object, one.field, one.installed, one.live, changedBy(one)].map(cell), one.endangers]),
  );
  const head = row(["object", "field", "installed", "live", "changed by", "endangers"]);
  const kept: string[] = [];
  let length = 0;
  for (const line of rows) {
    length += line.length + 1;
    if (length > longestTable) break;
    kept.push(line);
  }
  const table = kept.length === 0 ? [] : [[head, row(Array<string>(6).fill("---")), ...kept].join("\n")];
  const left = rows.length - kept.length;
  return `${[
    `**${headline(report)}**`,
    ...table,
    ...(left > 0 ? [`${count(left, "more difference")}: see the output of the run.`] : []),
    ...report.notCompared.map((line) => `Not compared: ${code(line)}`),
  ].join("\n\n")}\n`;
}

function changedBy({ by }: Drift): string {
  if (by === undefined) return "not recorded";
  return `${by.manager} (${[by.operation, by.time].filter(Boolean).join(", ")})`;
}

/** A table's cell, in which nothing is a mention, a link or HTML. */
function cell(text: string): string {
  return text === "" ? "" : code(text.replaceAll("|", "\\|").replaceAll(/\s+/g, " "));
}
