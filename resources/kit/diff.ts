import { isDeepStrictEqual } from "node:util";
import type { dynamic } from "@pulumi/pulumi";

/**
 * Compares a resource's inputs without connecting to anything.
 * @param keys a difference in one of them is an update
 * @param replacing a difference in one of them is a replacement
 */
export function diffOn<Inputs>(
  olds: Inputs,
  news: Inputs,
  keys: readonly (keyof Inputs)[],
  replacing: readonly (keyof Inputs)[] = [],
): dynamic.DiffResult {
  const changed = (key: keyof Inputs) => !isDeepStrictEqual(olds[key], news[key]);
  const replaces = replacing.filter(changed).map(String);
  return { changes: replaces.length > 0 || keys.some(changed), replaces };
}
