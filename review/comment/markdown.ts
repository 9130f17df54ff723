/** Pieces of GitHub's Markdown, and what fits into a comment. */
import { markdownTable } from "markdown-table";
import { bullets, code, collapsed, escape, type Section, visible } from "../../rehearsal/report/markdown.ts";

export { bullets, code, collapsed, escape, type Section };

export function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  return markdownTable(
    [head, ...rows].map((row) => row.map(escape)),
    { alignDelimiters: false, padding: true },
  );
}

/** A code block of a language. Its fence is longer than any sequence of backticks in the text. */
export function block(language: string, text: string): string {
  const longest = Math.max(2, ...[...text.matchAll(/`+/g)].map(([ticks]) => ticks.length));
  const fence = "`".repeat(longest + 1);
  return `${fence}${language}\n${visible(text)}\n${fence}`;
}

/** The head with the sections before the first that does not fit, and what is cut. The head is never cut. */
export function fit(head: string, sections: readonly Section[], limit: number, fullReport: string | undefined): string {
  const shown = sections.filter(({ text }) => text !== "");
  const whole = [head, ...shown.map(({ text }) => text)].join("\n\n");
  if (whole.length < limit) return `${whole}\n`;
  const note = (cut: readonly Section[]) => {
    const where = fullReport === undefined ? "npm run review shows all of it" : `[the full report](${fullReport})`;
    const names = cut.slice(0, 8).map(({ name }) => name);
    const more = cut.length > names.length ? ` and ${cut.length - names.length} more` : "";
    return `Cut to fit into a comment: ${names.map(escape).join(", ")}${more}. See ${where}.`;
  };
  let kept = shown.length;
  const text = () => [head, ...shown.slice(0, kept).map(({ text }) => text), note(shown.slice(kept))].join("\n\n");
  while (kept > 0 && text().length >= limit) kept -= 1;
  return `${text()}\n`;
}
