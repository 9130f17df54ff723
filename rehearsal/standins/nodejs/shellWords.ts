/**
 * Splits a command line into words as a POSIX shell does: blanks separate, `'...'` is literal, in `"..."` a backslash
 * escapes `"`, `\`, `$` and the backquote, elsewhere any character. Nothing is expanded.
 * @throws when a quote is not closed.
 */
export function shellWords(line: string): string[] {
  const words = [...line.matchAll(/(?:[^\s'"\\]|\\.|'[^']*'|"(?:[^"\\]|\\.)*")+|\S/gs)].map(([word]) => word);
  const broken = words.find((word) => /^['"\\]$/.test(word));
  if (broken) throw new Error(`${broken} is not closed in: ${line}`);
  return words.map((word) =>
    word.replace(
      /'([^']*)'|"((?:[^"\\]|\\.)*)"|\\(.)/gs,
      (_, single: string | undefined, double: string | undefined, escaped: string | undefined) =>
        single ?? double?.replace(/\\(["\\$`])/g, "$1") ?? escaped ?? "",
    ),
  );
}
