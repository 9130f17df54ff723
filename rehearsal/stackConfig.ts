import { parse } from "yaml";
import type { RawConfig } from "../settings.ts";
import { withoutSecrets, type StackConfig } from "./engine.ts";

/**
 * A stack file with its overrides, as Pulumi would hand it to the program: secrets in the file are left out, since only the owner
 * of the stack can decrypt them; those among the overrides count as encrypted.
 */
export function rawConfig(stackFile: string, { plain = {}, secret = {} }: StackConfig): RawConfig {
  const { config = {} } = parse(withoutSecrets(stackFile)) as { config?: Record<string, unknown> };
  const merged = Object.fromEntries(Object.entries(config).map(([key, value]) => [qualified(key), value]));
  for (const [path, text] of Object.entries(plain)) set(merged, keysIn(path), scalar(text));
  const values = Object.entries({ ...merged, ...secret }).map(([key, value]) => [
    key,
    typeof value === "string" ? value : JSON.stringify(value),
  ]);
  return { values: Object.fromEntries(values) as Record<string, string>, encrypted: Object.keys(secret) };
}

/** The keys whose value in a stack file is encrypted as a whole. */
export function encryptedKeys(stackFile: string): string[] {
  const { config = {} } = (parse(stackFile) ?? {}) as { config?: Record<string, unknown> };
  return Object.entries(config).flatMap(([key, value]) =>
    typeof value === "object" && value !== null && "secure" in value ? [qualified(key)] : [],
  );
}

/** Keys without a namespace are the project's. */
function qualified(key: string): string {
  return key.includes(":") ? key : `pulsar:${key}`;
}

/** `pulsar:nodes[0].name` as `["pulsar:nodes", 0, "name"]`. */
function keysIn(path: string): (string | number)[] {
  return [...path.matchAll(/\[(\d+)\]|\["([^"]*)"\]|[^.[\]]+/g)].map(([text, index, quoted]) =>
    index === undefined ? (quoted ?? text) : Number(index),
  );
}

function set(target: Record<string | number, unknown>, keys: (string | number)[], value: unknown): void {
  const [key, ...rest] = keys;
  if (key === undefined) return;
  const next = rest[0];
  if (next === undefined) {
    target[key] = value;
    return;
  }
  target[key] ??= typeof next === "number" ? [] : {};
  set(target[key] as Record<string | number, unknown>, rest, value);
}

/** `pulumi config set --path` takes true, false and whole numbers for what they are. */
function scalar(text: string): unknown {
  return /^(true|false|-?(0|[1-9]\d*))$/.test(text) ? (JSON.parse(text) as unknown) : text;
}
