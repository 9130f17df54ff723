/** Fields of Kubernetes objects: where they are, how two objects differ, and who set them. */
import { isDeepStrictEqual } from "node:util";

/** Where a field is: `.key` of a map, or `[item]` of a list. */
export type Path = readonly string[];

export type Fields = Record<string, unknown>;

/** An entry of `metadata.managedFields`. */
export interface ManagedFields {
  manager?: string;
  operation?: string;
  /** When the manager last changed one of its fields. */
  time?: string;
  subresource?: string;
  fieldsV1?: Fields;
}

/** A field that differs. An absent one is undefined. */
export interface Difference {
  path: Path;
  installed: unknown;
  live: unknown;
}

/** The path as `kubectl explain` writes it, with the names of list items: `spec.containers[broker].image`. */
export function pathText(path: Path): string {
  return path
    .map((step) => (/^(\.[\w-]+|\[.*)$/s.test(step) ? step : `["${step.slice(1)}"]`))
    .join("")
    .replace(/^\./, "");
}

export function isFields(value: unknown): value is Fields {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** What identifies the items of a list in the API's schemas (`x-kubernetes-list-map-keys`); the first that all items have applies. */
const identities = [
  ["containerPort", "protocol"],
  ["port", "protocol"],
  ["mountPath"],
  ["topologyKey", "whenUnsatisfiable"],
  ["ip"],
  ["name"],
];

function itemStep(item: unknown, keys: readonly string[]): string | undefined {
  if (!isFields(item)) return undefined;
  const values = keys.map((key) => item[key]);
  return values.includes(undefined) ? undefined : `[${values.join("/")}]`;
}

/** The items of both lists by what identifies them, or by position. */
function itemsOf(lists: readonly (readonly unknown[])[]): Map<string, unknown>[] {
  const identity = identities.find((keys) =>
    lists.every((list) => {
      const steps = list.map((item) => itemStep(item, keys));
      return !steps.includes(undefined) && new Set(steps).size === steps.length;
    }),
  );
  return lists.map(
    (list) =>
      new Map(list.map((item, index) => [(identity && itemStep(item, identity)) ?? `[${String(index)}]`, item])),
  );
}

function entriesOf(...values: readonly unknown[]): Map<string, unknown>[] | undefined {
  if (values.every(isFields)) {
    return values.map((value) => new Map(Object.entries(value).map(([key, inner]) => [`.${key}`, inner])));
  }
  const lists = values.filter((value) => Array.isArray(value));
  const holdObjects = lists.length === values.length && lists.every((list) => list.every(isFields));
  return holdObjects ? itemsOf(lists) : undefined;
}

/** The fields that differ between two objects. List items are matched by what identifies them; a list of plain values is one field. */
export function differences(installed: unknown, live: unknown, path: Path = []): Difference[] {
  if (isDeepStrictEqual(installed, live)) return [];
  const [before, after] = entriesOf(installed, live) ?? [];
  if (before === undefined || after === undefined) return [{ path, installed, live }];
  return [...new Set([...before.keys(), ...after.keys()])].flatMap((step) =>
    differences(before.get(step), after.get(step), [...path, step]),
  );
}

/** `live` with the fields of `installed` on top, as a server-side apply merges them, but without the server's defaults. */
export function overlay(live: unknown, installed: unknown): unknown {
  const [below, above] = entriesOf(live, installed) ?? [];
  if (below === undefined || above === undefined) return installed;
  const merged = [...below.keys(), ...[...above.keys()].filter((step) => !below.has(step))].map(
    (step): [string, unknown] => [
      step,
      !above.has(step)
        ? below.get(step)
        : below.has(step)
          ? overlay(below.get(step), above.get(step))
          : above.get(step),
    ],
  );
  return rebuilt(installed, merged);
}

/** The value at a path; undefined if there is none. */
export function valueAt(object: unknown, path: Path): unknown {
  return path.reduce((value, step) => {
    if (isFields(value)) return value[step.slice(1)];
    if (!Array.isArray(value)) return undefined;
    return value.find(
      (item, index) =>
        identities.some((keys) => itemStep(item, keys) === step) ||
        step === `[${String(index)}]` ||
        step === `[${String(item)}]`,
    ) as unknown;
  }, object);
}

export interface Owned {
  path: Path;
  /** Whether everything below belongs to it. False for an item of a list whose fields may have other owners. */
  whole: boolean;
}

/** The fields in an entry's `fieldsV1`. */
export function ownedIn(fields: Fields = {}, path: Path = []): Owned[] {
  const inner = Object.entries(fields).filter(([key]) => key !== ".");
  const whole = Object.keys(fields).length === 0;
  // Of a map with parts, `.` says nothing.
  const isItem = "." in fields && path.at(-1)?.startsWith("[") === true;
  const own = whole || isItem ? [{ path, whole }] : [];
  return [...own, ...inner.flatMap(([key, below]) => ownedIn(isFields(below) ? below : {}, [...path, stepOf(key)]))];
}

/** `f:` is a field, `k:` an item with these keys, `v:` an item with this value, `i:` one at this position. */
function stepOf(key: string): string {
  const [kind, text] = [key.slice(0, 2), key.slice(2)];
  if (kind === "f:") return `.${text}`;
  if (kind === "i:") return `[${text}]`;
  const parsed: unknown = JSON.parse(text);
  return `[${isFields(parsed) ? Object.values(parsed).join("/") : String(parsed)}]`;
}

export const startsWith = (path: Path, start: Path) => start.every((step, index) => path[index] === step);

/** Whether one of these is the field, contains it, or is a part of it. */
export function owns(owned: readonly Owned[], path: Path): boolean {
  return owned.some((one) => (one.whole && startsWith(path, one.path)) || startsWith(one.path, path));
}

/**
 * The fields of an entry that are not among `ours`. A list item that nobody of ours has is one field. A list that ours has as a whole, and the entry
 * in parts, is empty in ours.
 */
export function added(entry: ManagedFields, ours: readonly Owned[]): Path[] {
  const foreign = ownedIn(entry.fieldsV1).filter(
    ({ path }) => path.length > 0 && !ours.some((one) => startsWith(one.path, path)),
  );
  const items = foreign.filter(({ whole }) => !whole);
  return foreign
    .filter(({ path }) => !items.some((item) => item.path.length < path.length && startsWith(path, item.path)))
    .map(({ path }) => path);
}

/** The part of `value` that has the shape of `model`: its keys, and the items of lists that it has. */
export function shaped(value: unknown, model: unknown): unknown {
  const [all, wanted] = entriesOf(value, model) ?? [];
  if (all === undefined || wanted === undefined) return value;
  const kept = [...wanted].flatMap(([step, inner]): [string, unknown][] =>
    all.has(step) ? [[step, shaped(all.get(step), inner)]] : [],
  );
  return rebuilt(model, kept);
}

function rebuilt(like: unknown, entries: readonly [string, unknown][]): unknown {
  return isFields(like)
    ? Object.fromEntries(entries.map(([step, value]) => [step.slice(1), value]))
    : entries.map(([, value]) => value);
}
