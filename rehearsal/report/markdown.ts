import { mapAfter, mapOf, type ClusterMap } from "./map.ts";
import { flowchart } from "./mermaid.ts";
import type { RehearsalRecord } from "./record.ts";
import { verdict } from "./report.ts";
import {
  advicePartsOf,
  conclusion,
  count,
  clusterSize,
  jobTable,
  listed,
  operationTable,
  podTable,
  realityTables,
  serviceTable,
  volumeTable,
  whatIfConclusion,
  whatIfTable,
  whatIfTitle,
  type Table,
} from "./rows.ts";
import type { WhatIf } from "../failures/whatIf.ts";

/** GitHub limits a comment to 65,536 characters. Some are left for text around the report. */
const commentLimit = 60_000;

/** Tables with more rows are collapsed. */
const collapseLimit = 15;

/** The maximum number of problems that are listed. */
const problemLimit = 50;

/** A part of a comment, which may be cut to fit. */
export interface Section {
  /** Its name in the list of what is cut. */
  name: string;
  text: string;
}

/** The report for a comment on a pull request, in GitHub's Markdown. Sections that exceed the size of a comment are omitted and named. */
export function renderMarkdown(record: RehearsalRecord): string {
  const { seen, whatIfs = [], parts } = record;
  const judged = verdict(record);
  const sections: Section[] = [
    { name: "problems", text: problemList(judged.problems) },
    { name: "what-ifs", text: tableText(whatIfTable(whatIfs)) },
    ...whatIfs.map((whatIf) => ({ name: whatIfTitle(whatIf), text: whatIfDetails(whatIf) })),
    ...(seen ? [podTable(seen)] : []).map(tableSection),
    tableSection(operationTable(record.operations)),
    ...realityTables(record).map(tableSection),
    { name: "diagram", text: diagram(record) },
    ...(seen ? [jobTable(seen), volumeTable(seen), serviceTable(seen)] : []).map(tableSection),
    { name: "stand-ins", text: titled("Simulated or replaced by stand-ins", bullets(parts.standIns)) },
    { name: "real parts", text: titled("Real in this rehearsal", bullets(parts.real)) },
  ].filter(({ text }) => text !== "");
  const outcome = judged.ok ? "Passes" : "Does not pass";
  const head = [
    `### ${outcome}: rehearsal of the stack ${escape(record.stack)}`,
    `**${escape(conclusion(record, judged))}**`,
    escape(whatIfConclusion(whatIfs) ?? ""),
    seen ? escape(`${clusterSize(seen, mapOf(seen, record.layout).nodes)}.`) : "",
  ].filter((line) => line !== "");
  return fitToLimit(head.join("\n\n"), sections);
}

function fitToLimit(head: string, sections: readonly Section[]): string {
  const omitted: string[] = [];
  let text = head;
  for (const section of sections) {
    if (text.length + section.text.length > commentLimit) omitted.push(section.name);
    else text += `\n\n${section.text}`;
  }
  if (omitted.length === 0) return `${text}\n`;
  return `${text}\n\nLeft out to fit into a comment: ${escape(listed(omitted, 10))}.\n`;
}

function problemList(problems: readonly string[]): string {
  const more = problems.length > problemLimit ? `\n- and ${problems.length - problemLimit} more` : "";
  return titled("Problems", bullets(problems.slice(0, problemLimit)) + more);
}

/** Why the service stops or is degraded, which pods wait, and what to do. Empty if every pod moved. */
function whatIfDetails(whatIf: WhatIf): string {
  const { moves, survival, advice } = whatIf;
  const left = moves.filter(({ to }) => to === undefined);
  const reasons = [
    ...survival.stops.map((line) => `stops: ${line}`),
    ...survival.degraded.map((line) => `degraded: ${line}`),
    ...left.map(({ pod, why, refused }) => {
      return `${pod} ${refused === true ? "stays" : "waits"}${why === undefined ? "" : `: ${why}`}`;
    }),
  ];
  const steps = advice.map((line, i) => `${i + 1}. ${adviceItem(line)}`).join("\n");
  const text = [bullets(reasons), ...(steps === "" ? [] : ["What to do next:", steps])].join("\n\n");
  return text === "" ? "" : collapsed(`If ${whatIfTitle(whatIf)}`, text);
}

/** The cluster after the what-if, if there is exactly one; otherwise after `up`. */
function diagram({ seen, layout, whatIfs = [] }: RehearsalRecord): string {
  const [first] = whatIfs;
  if (first && whatIfs.length === 1) {
    return diagramSection(`The cluster if ${whatIfTitle(first)}`, mapAfter(first, seen, layout));
  }
  return seen ? diagramSection("The cluster after up", mapOf(seen, layout)) : "";
}

function diagramSection(title: string, map: ClusterMap): string {
  const text = flowchart(map);
  return text === undefined
    ? `No diagram: GitHub does not draw a diagram of ${count(map.nodes.length, "node")}.`
    : titled(title, block("mermaid", text));
}

function tableSection(table: Table): Section {
  return { name: table.title, text: tableText(table) };
}

function tableText({ title, head, rows }: Table): string {
  if (rows.length === 0) return "";
  const line = (cells: readonly string[]): string => `| ${cells.map((cell) => escape(cell)).join(" | ")} |`;
  const text = [line(head), line(head.map(() => "---")), ...rows.map(line)].join("\n");
  return rows.length > collapseLimit ? collapsed(`${title} (${rows.length})`, text) : titled(title, text);
}

function titled(title: string, text: string): string {
  return text === "" ? "" : `#### ${escape(title)}\n\n${text}`;
}

export function collapsed(title: string, text: string): string {
  return `<details><summary>${escape(title)}</summary>\n\n${text}\n\n</details>`;
}

export function bullets(items: readonly string[]): string {
  return items.map((one) => `- ${item(one)}`).join("\n");
}

function adviceItem(line: string): string {
  const { text, command } = advicePartsOf(line);
  return command === undefined ? item(text) : `${item(text)} ${code(command)}`;
}

/** Replaces characters that hide or reorder their neighbors by their code. */
function visible(text: string): string {
  return text.replace(
    /(?![\n\t])[\p{Cc}\p{Cf}]/gu,
    (sign) => `U+${(sign.codePointAt(0) ?? 0).toString(16).toUpperCase().padStart(4, "0")}`,
  );
}

/** At least `least` backticks, and more than any sequence of them in the text. */
function fenceOf(text: string, least: number): string {
  return "`".repeat(Math.max(least, ...[...text.matchAll(/`+/g)].map(([ticks]) => ticks.length + 1)));
}

/** An inline code span. */
export function code(text: string): string {
  const fence = fenceOf(text, 1);
  return fence === "`" ? `${fence}${visible(text)}${fence}` : `${fence} ${visible(text)} ${fence}`;
}

/** A code block of a language. */
export function block(language: string, text: string): string {
  const fence = fenceOf(text, 3);
  return `${fence}${language}\n${visible(text)}\n${fence}`;
}

/** The text of a list item, escaped so that it does not start another list or a heading. */
export function item(text: string): string {
  return escape(text).replace(/^([-+=]|\d+(?=[.)]))/, (mark) => (/\d/.test(mark) ? `${mark}&#8203;` : `\\${mark}`));
}

/**
 * Escapes text so that GitHub finds no markup, mention, issue reference or formula in it. A zero-width space breaks the patterns that GitHub
 * searches for after parsing the markup.
 */
export function escape(text: string): string {
  return visible(text)
    .trim()
    .replace(/[&<>]/g, (sign) => ({ "&": "&amp;", "<": "&lt;", ">": "&gt;" })[sign] ?? sign)
    .replace(/[\\`*_{}[\]|~$!]/g, "\\$&")
    .replace(/[@#]|:(?=\w+:)|(?<=https?|www)[:.]/g, "$&&#8203;")
    .replace(/\s*\n\s*/g, "<br>");
}
