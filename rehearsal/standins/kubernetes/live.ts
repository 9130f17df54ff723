/** What a program set, seen in the object that the cluster has now. */
import type { Props } from "../protocol.ts";
import { isObject } from "../protocol/values.ts";
import { type KubeObject, at, without } from "./kinds.ts";

/**
 * The live values of exactly those fields that `inputs` set, so that a foreign change of one of them shows as a difference,
 * and what the server, controllers or other people added does not. Where the server keeps another spelling of the same
 * (`1024Mi` is `1Gi`, an empty list is left out, a Secret's `stringData` becomes `data`), the spelling of `inputs` is kept.
 */
export function appliedPart(live: Props, inputs: Props): Props {
  return part(withStringData(live, inputs), inputs, []) as Props;
}

function part(live: unknown, input: unknown, path: string[]): unknown {
  if (isObject(live) && isObject(input)) {
    const kept = Object.entries(input).filter(([key, value]) => key in live || isZero(value));
    return Object.fromEntries(
      kept.map(([key, value]) => [key, key in live ? part(live[key], value, [...path, key]) : value]),
    );
  }
  if (Array.isArray(live) && Array.isArray(input)) {
    return live.slice(0, input.length).map((item, index) => part(item, input[index], path));
  }
  return sameQuantity(live, input, path) ? input : live;
}

/** Values that the API server may leave out of what it stores. */
function isZero(value: unknown): boolean {
  if (isObject(value)) return Object.values(value).every(isZero);
  return (
    value === null || value === "" || value === 0 || value === false || (Array.isArray(value) && value.length === 0)
  );
}

function withStringData(live: Props, inputs: Props): Props {
  if (live.kind !== "Secret" || !isObject(inputs.stringData) || !isObject(live.data)) return live;
  const decoded = Object.entries(live.data).map(([key, value]) => [
    key,
    Buffer.from(String(value), "base64").toString(),
  ]);
  return { ...live, stringData: Object.fromEntries(decoded) as Props };
}

/** Fields, or the maps around them, that hold quantities. */
const quantities = new Set([
  ...["limits", "requests", "capacity", "hard", "allocatable", "overhead", "podFixed"],
  ...["max", "min", "default", "defaultRequest", "maxLimitRequestRatio", "sizeLimit", "divisor"],
]);

function sameQuantity(live: unknown, input: unknown, path: string[]): boolean {
  if (!path.slice(-2).some((key) => quantities.has(key))) return false;
  const size = bytes(input);
  return size !== undefined && size === bytes(live);
}

const units = ["", "K", "M", "G", "T", "P", "E"];

/** A Kubernetes quantity (`1.5Gi`, `500m`, `1e3`) as a number, `undefined` for anything else. */
function bytes(quantity: unknown): number | undefined {
  const [, digits, suffix = "", binary] =
    /^([+-]?[\d.]+(?:[eE][+-]?\d+)?)(?:([numkKMGTPE])(i)?)?$/.exec(String(quantity)) ?? [];
  if (digits === undefined) return undefined;
  const small = ["n", "u", "m"].indexOf(suffix);
  if (small >= 0) return Number(digits) * 1000 ** (small - 3);
  return Number(digits) * (binary ? 1024 : 1000) ** units.indexOf(suffix.toUpperCase());
}

/** Inputs for an object that is imported: all of it but what only the cluster sets. */
export function importedInputs(live: KubeObject): Props {
  const serverSet = ["creationTimestamp", "generation", "managedFields", "resourceVersion", "uid", "selfLink"];
  return { ...without(live, "status"), metadata: without(live.metadata, ...serverSet) };
}

/** Whether a value occurs anywhere in `inputs`. */
export function holds(inputs: unknown, value: unknown): boolean {
  if (Array.isArray(inputs)) return inputs.some((item) => holds(item, value));
  return isObject(inputs) ? Object.values(inputs).some((item) => holds(item, value)) : inputs === value;
}

/** Every text in a Secret's data, as written and as decoded: what no message may show. */
export function secretTexts(object: Props): string[] {
  if (object.kind !== "Secret") return [];
  const texts = [at(object, "data"), at(object, "stringData")].flatMap((data) =>
    isObject(data) ? Object.values(data).filter((value) => typeof value === "string") : [],
  );
  return texts.flatMap((value) => [value, Buffer.from(value, "base64").toString()]);
}

/** A message without the given texts. Short ones are left: they would match anywhere and give nothing away. */
export function redacted(message: string, texts: string[]): string {
  return texts
    .filter((hidden) => hidden.length >= 4)
    .reduce((rest, hidden) => rest.replaceAll(hidden, "[secret]"), message);
}
