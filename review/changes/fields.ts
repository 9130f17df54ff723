/** Differences between two values, field by field. */
import { diffArrays } from "diff";
import microdiff from "microdiff";
import { pathText } from "../drift/fields.ts";

/** One field that differs. */
export interface FieldChange {
  /** For example `spec.template.spec.containers[broker].image`. List items are matched by their name where all have one. */
  path: string;
  /** Absent if the field is new. */
  before?: unknown;
  /** Absent if the field is removed. */
  after?: unknown;
  /** The lines of a text with several, in order, without those that stay the same. */
  lines?: LineChange[];
}

export interface LineChange {
  sign: "+" | "-";
  text: string;
}

/** The fields that differ, in the order of their paths. */
export function fieldChanges(before: unknown, after: unknown): FieldChange[] {
  const changes = microdiff({ "": keyed(before) }, { "": keyed(after) }, { cyclesFix: false });
  return changes
    .map((change): FieldChange => {
      const path = pathText(change.path.slice(1).map(stepOf));
      if (change.type === "CREATE") return { path, after: change.value as unknown };
      if (change.type === "REMOVE") return { path, before: change.oldValue as unknown };
      const [old, now] = [change.oldValue as unknown, change.value as unknown];
      const lines = lineChanges(old, now);
      return { path, before: old, after: now, ...(lines ? { lines } : {}) };
    })
    .sort((a, b) => (a.path < b.path ? -1 : 1));
}

/** Replaces lists whose items all have another name by maps from `[name]` to the item. An order that changes alone shows no difference. */
function keyed(value: unknown): unknown {
  if (Array.isArray(value)) {
    const names = value.map(nameOf);
    const distinct = names.every((name) => name !== undefined) && new Set(names).size === names.length;
    if (!distinct || names.length === 0) return value.map(keyed);
    return Object.fromEntries(value.map((item, index) => [`[${names[index] ?? ""}]`, keyed(item)]));
  }
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, keyed(inner)]));
}

const identifying = ["name", "mountPath", "containerPort", "port", "key", "host", "path", "node", "pod"];

function nameOf(item: unknown): string | undefined {
  if (typeof item !== "object" || item === null) return undefined;
  const found = identifying.find((key) => key in item);
  return found === undefined ? undefined : String((item as Record<string, unknown>)[found]);
}

function stepOf(key: string | number): string {
  if (typeof key === "number") return `[${key}]`;
  return key.startsWith("[") ? key : `.${key}`;
}

function lineChanges(before: unknown, after: unknown): LineChange[] | undefined {
  if (typeof before !== "string" || typeof after !== "string" || !/\n./.test(before + after)) return undefined;
  return diffArrays(before.split("\n"), after.split("\n")).flatMap(({ added, removed, value }): LineChange[] =>
    added || removed ? value.map((text) => ({ sign: added ? "+" : "-", text })) : [],
  );
}
