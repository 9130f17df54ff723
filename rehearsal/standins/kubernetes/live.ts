/** The fields that a program has set, in the live object. */
import type { Props } from "../protocol.ts";
import { isObject } from "../protocol/values.ts";
import { type KubeObject, at, without } from "./kinds.ts";

/**
 * The live values of exactly those fields that `inputs` set. A change of one of them by others shows as a difference; fields that the server,
 * controllers or users add do not. If the server stores an equal value in another form (`1Gi` for `1024Mi`, no empty list, `data` for
 * `stringData`), the form of `inputs` is kept.
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

/** Values that the API server may omit from the stored object. */
export function isZero(value: unknown): boolean {
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

/** Fields with quantities, or maps with such fields. */
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

/** Inputs of an imported object: all fields except those that only the cluster sets. */
export function importedInputs(live: KubeObject): Props {
  const serverSet = ["creationTimestamp", "generation", "managedFields", "resourceVersion", "uid", "selfLink"];
  return { ...without(live, "status"), metadata: without(live.metadata, ...serverSet) };
}

/** Whether a value occurs anywhere in `inputs`. */
export function holds(inputs: unknown, value: unknown): boolean {
  if (Array.isArray(inputs)) return inputs.some((item) => holds(item, value));
  return isObject(inputs) ? Object.values(inputs).some((item) => holds(item, value)) : inputs === value;
}

/** Every text in a Secret's data, encoded and decoded. No message may show them. */
export function secretTexts(object: Props): string[] {
  if (object.kind !== "Secret") return [];
  const texts = [at(object, "data"), at(object, "stringData")].flatMap((data) =>
    isObject(data) ? Object.values(data).filter((value) => typeof value === "string") : [],
  );
  return texts.flatMap((value) => [value, Buffer.from(value, "base64").toString()]);
}

/** Replaces the given texts in a message, except those shorter than four characters, which would match anywhere. */
export function redacted(message: string, texts: string[]): string {
  return texts
    .filter((hidden) => hidden.length >= 4)
    .reduce((rest, hidden) => rest.replaceAll(hidden, "[secret]"), message);
}
