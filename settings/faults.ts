import { closestMatch } from "leven";
import type { z } from "zod";
import { maskForms } from "../model/secretLooks.ts";

/** One fault in the settings. No text holds a secret. */
export interface Fault {
  /** The key as `pulumi config set --path` takes it: `pulsar:nodes[2].name`. */
  key: string;
  /** What is wrong, with the value. */
  problem: string;
  /** What to do. */
  remedy: string;
}

/** Adds a fault of a key, which is given as its path or as text. */
export type Add = (key: PropertyKey[] | string, problem: string, remedy: string) => void;

/** `["nodes", 2, "name"]` becomes `pulsar:nodes[2].name`. */
export function keyOf(path: readonly PropertyKey[]): string {
  return path
    .map((part, i) => (typeof part === "number" ? `[${part}]` : `${i ? "." : "pulsar:"}${String(part)}`))
    .join("");
}

/** The faults of a failed parse. An issue's message is what the setting allows; a secret value is never shown. */
export function faultsOf(issues: readonly z.core.$ZodIssue[], raw: unknown, secretKeys: ReadonlySet<string>): Fault[] {
  return issues.flatMap((issue): Fault[] => {
    if (issue.code === "unrecognized_keys") {
      return issue.keys.map((key) => unknownKey(issue.path, key, issue.message));
    }
    const key = keyOf(issue.path);
    const value = shown(raw, issue.path);
    if (value === undefined) return [{ key, problem: "is not set", remedy: `set ${issue.message}` }];
    const what = secretKeys.has(String(issue.path[0])) ? "the secret value" : value;
    return [{ key, problem: `${what} is not valid`, remedy: `use ${issue.message}` }];
  });
}

/** @param allowed `one of` and the keys that are settings */
function unknownKey(path: PropertyKey[], key: string, allowed: string): Fault {
  const known = allowed.slice("one of ".length).split(", ");
  const [parent = "", ...fields] = key.split(".");
  const fault = (remedy: string): Fault => ({ key: keyOf([...path, key]), problem: "is not a setting", remedy });
  if (fields.length > 0 && known.includes(parent)) {
    const value = fields.reduceRight((inner, field) => `{ ${field}: ${inner} }`, "...");
    const top = path.length > 0 ? parent : keyOf([parent]);
    return fault(`write ${top}: ${value} in the stack file, or add --path to pulumi config set`);
  }
  const meant = closest(key, known);
  return fault(meant === undefined ? `use ${allowed}` : `did you mean ${keyOf([...path, meant])}?`);
}

/** The name that a misspelled one most probably means. */
export function closest(name: string, names: readonly string[]): string | undefined {
  return closestMatch(name, names, { maxDistance: Math.min(2, Math.floor(name.length / 3)) });
}

/** The value at `path`, shortened and without what looks like a secret; undefined if it is not set. */
function shown(raw: unknown, path: readonly PropertyKey[]): string | undefined {
  let value = raw;
  for (const part of path) {
    value = typeof value === "object" && value !== null ? (value as Record<PropertyKey, unknown>)[part] : undefined;
  }
  if (value === undefined || value === "") return undefined;
  const json = JSON.stringify(value, (_key, part: unknown) => (typeof part === "string" ? maskForms(part) : part));
  return json.length > 80 ? `${json.slice(0, 77)}...` : json;
}

/** The message with all faults, one per line. */
export function message(faults: readonly Fault[], stack: string): string {
  const lines = faults.map(({ key, problem, remedy }) => `  ${key}: ${problem}; ${remedy}`);
  const count = faults.length === 1 ? "1 fault" : `${faults.length} faults`;
  return [`${count} in the settings of stack ${stack}:`, ...lines].join("\n");
}
