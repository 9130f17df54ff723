import type { z } from "zod";

/** One thing wrong with the settings. None of the three texts ever holds a secret. */
export interface Fault {
  /** The key as `pulumi config set --path` takes it: `pulsar:nodes[2].name`. */
  key: string;
  found: string;
  allowed: string;
}

/** `["nodes", 2, "name"]` becomes `pulsar:nodes[2].name`. */
export function keyOf(path: readonly PropertyKey[]): string {
  return path
    .map((part, i) => (typeof part === "number" ? `[${part}]` : `${i ? "." : "pulsar:"}${String(part)}`))
    .join("");
}

/**
 * The faults behind a failed parse: `found` is looked up in the raw settings, except under a key that holds a secret. A key that
 * nobody reads is a fault of its own, so that a misspelt one is not silently ignored.
 */
export function faultsOf(issues: readonly z.core.$ZodIssue[], raw: unknown, secretKeys: ReadonlySet<string>): Fault[] {
  return issues.flatMap((issue): Fault[] => {
    if (issue.code === "unrecognized_keys") {
      return issue.keys.map((key) => ({
        key: keyOf([...issue.path, key]),
        found: "a key that nothing reads",
        allowed: `${issue.message}, and no other key`,
      }));
    }
    const found = shown(raw, issue.path);
    const secret = found !== "nothing" && secretKeys.has(String(issue.path[0]));
    return [{ key: keyOf(issue.path), found: secret ? "a secret value" : found, allowed: issue.message }];
  });
}

/** The value at `path`, shortened; "nothing" where there is none. */
function shown(raw: unknown, path: readonly PropertyKey[]): string {
  let value = raw;
  for (const part of path) {
    value = typeof value === "object" && value !== null ? (value as Record<PropertyKey, unknown>)[part] : undefined;
  }
  if (value === undefined || value === "") return "nothing";
  const json = JSON.stringify(value);
  return json.length > 80 ? `${json.slice(0, 77)}...` : json;
}

/** The one message a user reads, a line a fault. */
export function message(faults: readonly Fault[], stack: string): string {
  const lines = faults.map((fault) => `  ${fault.key}: found ${fault.found}; allowed: ${fault.allowed}`);
  const count = faults.length === 1 ? "1 fault" : `${faults.length} faults`;
  return [`${count} in the settings of stack ${stack}:`, ...lines].join("\n");
}
