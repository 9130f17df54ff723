import { readFileSync } from "node:fs";
import { shortHash } from "../encoding.ts";

const relativeImport = /^(?:import|export) (?!type )[^;]*?from "(\.[^"]+)";$/gm;

/**
 * A short hash of a program's source: of the file and of all files it imports by a relative path, packages excluded. It is the same on every
 * machine, wherever the program is and with either kind of line end.
 */
export function sourceHash(entry: URL): string {
  const sources = new Map<string, string>();
  const visit = (file: URL) => {
    if (sources.has(file.href)) return;
    const source = readFileSync(file, "utf8").replaceAll("\r\n", "\n");
    sources.set(file.href, source);
    for (const [, path = ""] of source.matchAll(relativeImport)) visit(new URL(path, file));
  };
  visit(entry);
  return shortHash(JSON.stringify([...sources.values()]));
}
