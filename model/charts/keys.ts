import { readFileSync } from "node:fs";
import { isObject, type Values } from "./cluster.ts";
import type { ChartVersion } from "./lines.ts";

/** The keys of a chart version: those of its values.yaml and those that only its templates read. `a.b.*` allows any key below. */
export function knownKeys(version: ChartVersion): Set<string> {
  const file = new URL(`keys/${version}.txt`, import.meta.url);
  return new Set(readFileSync(file, "utf8").trimEnd().split("\n"));
}

/** The paths of the keys in the values that the chart does not read. */
export function unknownKeys(values: Values, known: ReadonlySet<string>, path: readonly string[] = []): string[][] {
  return Object.entries(values).flatMap(([key, value]) => {
    const here = [...path, key];
    const name = here.join(".");
    // Helm reads a key with a dot in it as one key, and no chart has such a key outside free maps.
    if (key.includes(".") && !known.has(`${path.join(".")}.*`)) return [here];
    if (known.has(`${name}.*`) || known.has(`${path.join(".")}.*`)) return [];
    if (isObject(value) && Object.keys(value).length > 0) return unknownKeys(value, known, here);
    if (known.has(name)) return [];
    const above = value === null || isObject(value);
    return above && [...known].some((other) => other.startsWith(`${name}.`)) ? [] : [here];
  });
}
