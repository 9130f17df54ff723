import { isDeepStrictEqual } from "node:util";

/** A property bag of plain JavaScript values. Secrets are unwrapped, and values that a preview does not know are {@link UNKNOWN}. */
export type Props = Record<string, unknown>;

/** A value that a preview does not know. It is the protocol's sentinel string, so that clones and JSON keep it. */
export const UNKNOWN = "04da6b54-80e4-46f7-96ec-b56ff0331ba9";

/** The engine has a sentinel for unknown values of each type. All of them become {@link UNKNOWN}. */
const unknowns = new Set([
  UNKNOWN,
  "1c4a061d-8072-4f0a-a4cb-0ff528b18fe7", // boolean
  "3eeb2bf0-c639-47a8-9e75-3b44932eb421", // number
  "6a19a0b0-7e62-4c92-b797-7f8e31da9cc2", // array
  "030794c1-ac77-496b-92df-f27374a8bd58", // asset
  "e48ece36-62e2-4504-bad9-02848725956a", // archive
  "dd056dcd-154b-4c76-9bd3-c8f88648b5ff", // object
]);

const signatureKey = "4dabf18193072939515e22adb298388d";
const secretSignature = "1b47061264138c4ac30d75fd1eb44270";
const outputSignature = "d0e6a833031e9bbcd3f4e8bde6ca49a4";

/** Which parts of a value are secret: all of it (`true`), some of its keys, or nothing (`undefined`). */
export type Secrecy = true | ReadonlyMap<string, Secrecy> | undefined;

/** A value from the wire, separated into plain data and the secret places in it. */
export interface Opened<T> {
  value: T;
  secrecy: Secrecy;
}

export function isObject(value: unknown): value is Props {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

export function isSecret(value: unknown): value is { value: unknown } {
  return isObject(value) && value[signatureKey] === secretSignature;
}

/** Unwraps secrets and unknowns. A list that holds a secret is secret as a whole, as in the official plugins. */
export function open(value: unknown): Opened<unknown> {
  if (typeof value === "string") return { value: unknowns.has(value) ? UNKNOWN : value, secrecy: undefined };
  if (Array.isArray(value)) {
    const items = value.map(open);
    return {
      value: items.map((item) => item.value),
      secrecy: items.some((item) => item.secrecy !== undefined) || undefined,
    };
  }
  if (!isObject(value)) return { value, secrecy: undefined };
  if (isSecret(value)) return { value: open(value.value).value, secrecy: true };
  if (value[signatureKey] === outputSignature) {
    const inner = "value" in value ? open(value.value) : { value: UNKNOWN, secrecy: undefined };
    return value.secret === true ? { ...inner, secrecy: true } : inner;
  }
  return openProps(value);
}

/** {@link open} for a property bag. An absent one counts as empty. */
export function openProps(props: unknown): Opened<Props> {
  if (!isObject(props)) return { value: {}, secrecy: undefined };
  const opened = Object.entries(props).map(([key, inner]) => [key, open(inner)] as const);
  const secret = opened.flatMap(([key, { secrecy }]) => (secrecy ? [[key, secrecy] as const] : []));
  return {
    value: Object.fromEntries(opened.map(([key, { value }]) => [key, value])),
    secrecy: secret.length > 0 ? new Map(secret) : undefined,
  };
}

/** Wraps secrets again, and drops `undefined`, which the protocol does not have. */
export function seal(value: unknown, secrecy: Secrecy): unknown {
  // The value is no longer an object, so the secret part is not known: all of it becomes secret.
  if (secrecy === true || (secrecy && !isObject(value))) {
    return { [signatureKey]: secretSignature, value: plain(value) };
  }
  return isObject(value) ? sealProps(value, secrecy) : plain(value);
}

/** {@link seal} for a property bag. */
export function sealProps(props: Props, secrecy: Secrecy): Props {
  return Object.fromEntries(
    Object.entries(props)
      .filter(([, inner]) => inner !== undefined)
      .map(([key, inner]) => [key, seal(inner, secrecy === true ? true : secrecy?.get(key))]),
  );
}

function plain(value: unknown): unknown {
  if (Array.isArray(value)) return value.map((item) => (item === undefined ? null : plain(item)));
  return isObject(value) ? sealProps(value, undefined) : (value ?? null);
}

/** The places that are secret in any of the given. */
export function union(...all: Secrecy[]): Secrecy {
  const known = all.filter((secrecy) => secrecy !== undefined);
  if (known.length === 0) return undefined;
  const merged = new Map<string, Secrecy>();
  for (const secrecy of known) {
    if (secrecy === true) return true;
    for (const [key, inner] of secrecy) merged.set(key, union(merged.get(key), inner));
  }
  return merged;
}

/** The secrecy of those keys of a bag for which `keep` holds. */
export function restrict(secrecy: Secrecy, keep: (key: string) => boolean): Secrecy {
  if (secrecy === undefined || secrecy === true) return secrecy;
  return new Map([...secrecy].filter(([key]) => keep(key)));
}

/** The secrecy of a bag in which the named properties are secret. */
export function secretKeys(names: readonly string[]): Secrecy {
  return names.length === 0 ? undefined : new Map(names.map((name) => [name, true]));
}

/**
 * The places where two property bags differ, as Pulumi property paths (`a.b[0]["c.d"]`): the deepest object keys, and
 * lists item by item. An unknown differs from everything but an unknown.
 */
export function changedPaths(olds: unknown, news: unknown, path = ""): string[] {
  if (isObject(olds) && isObject(news)) {
    const keys = [...new Set([...Object.keys(olds), ...Object.keys(news)])];
    return keys.flatMap((key) => changedPaths(olds[key], news[key], joinPath(path, key)));
  }
  if (Array.isArray(olds) && Array.isArray(news)) {
    const length = Math.max(olds.length, news.length);
    return Array.from({ length }, (_, index) => changedPaths(olds[index], news[index], `${path}[${index}]`)).flat();
  }
  return isDeepStrictEqual(olds ?? undefined, news ?? undefined) ? [] : [path];
}

function joinPath(path: string, key: string): string {
  if (!/^[A-Za-z_$][\w$-]*$/.test(key)) return `${path}[${JSON.stringify(key)}]`;
  return path === "" ? key : `${path}.${key}`;
}

/** The value at a Pulumi property path, `undefined` where there is none. */
export function atPath(value: unknown, path: string): unknown {
  const keys = [...path.matchAll(/\[("(?:[^"\\]|\\.)*")\]|[^.[\]]+/g)].map(([key, quoted]) =>
    quoted === undefined ? key : String(JSON.parse(quoted)),
  );
  return keys.reduce<unknown>((at, key) => {
    if (Array.isArray(at)) return at[Number(key)] as unknown;
    return isObject(at) ? at[key] : undefined;
  }, value);
}
