/** Pieces of GitHub's Markdown, and what fits into a comment. */
import { markdownTable } from "markdown-table";
import { block, bullets, code, collapsed, escape, type Section } from "../../rehearsal/report/markdown.ts";
import { listed } from "../../rehearsal/report/rows.ts";

export { block, bullets, code, collapsed, escape, type Section };

export function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  return markdownTable(
    [head, ...rows].map((row) => row.map(escape)),
    { alignDelimiters: false, padding: true },
  );
}

/** The head with the sections before the first that does not fit, and what is cut. The head is never cut. */
export function fit(head: string, sections: readonly Section[], limit: number, fullReport: string | undefined): string {
  const shown = sections.filter(({ text }) => text !== "");
  const whole = [head, ...shown.map(({ text }) => text)].join("\n\n");
  if (whole.length < limit) return `${whole}\n`;
  const note = (cut: readonly Section[]) => {
    const where = fullReport === undefined ? "npm run review shows all of it" : `[the full report](${fullReport})`;
    const names = cut.map(({ name }) => escape(name));
    return `Cut to fit into a comment: ${listed(names, 8)}. See ${where}.`;
  };
  let kept = shown.length;
  const text = () => [head, ...shown.slice(0, kept).map(({ text }) => text), note(shown.slice(kept))].join("\n\n");
  while (kept > 0 && text().length >= limit) kept -= 1;
  return `${text()}\n`;
}
