/** Values in words, without secrets. */
import { isHidden, maskConfiguration } from "../../model/secretLooks.ts";
import { redactor } from "../../rehearsal/engine/redact.ts";
import { type LiveObject, unknownSecret } from "./compare.ts";
import { type Difference, isFields, type Path } from "./fields.ts";

/** Longer values are cut to the part that differs. */
const longest = 80;

/** Shorter values of Secrets would match anywhere. */
const shortestSecret = 6;

/** Replaces the secrets in a text. */
export type Masker = (text: string) => string;

/** Keys of Secrets whose values are names. */
const notSecret = /USER(NAME)?$|^TYPE$/i;

/** Hides the values of these Secrets, and everything that looks like a credential. */
export function masker(objects: readonly (LiveObject | undefined)[]): Masker {
  const values = objects.flatMap((object) => {
    const data = object?.kind === "Secret" ? { ...maps(object["data"]), ...maps(object["stringData"]) } : {};
    return Object.entries(data).flatMap(([key, value]) =>
      typeof value === "string" && !notSecret.test(key) ? value : [],
    );
  });
  const texts = values.flatMap((value) => [value, Buffer.from(value, "base64").toString()]);
  const known = redactor(texts.filter((text) => text.length >= shortestSecret));
  return (text) => maskConfiguration(known(text));
}

function maps(value: unknown): Record<string, unknown> {
  return isFields(value) ? value : {};
}

/** Whether the value of a field is secret: all data of Secrets, and fields and variables with such a name. */
function isSecretField(kind: string, path: Path): boolean {
  return kind === "Secret" ? [".data", ".stringData"].includes(path[0] ?? "") : isHidden(path.slice(-2).join(""));
}

/** Both values of a difference in words: on one line, and only the part that differs if they are long. */
export function shownPair(kind: string, { path, installed, live }: Difference, mask: Masker): [string, string] {
  const secret = (value: unknown, shown: string) => (value === undefined ? "not set" : shown);
  if (isSecretField(kind, path) && path.length > 0)
    return [secret(installed, "[secret]"), secret(live, "[another secret]")];
  return excerpt(mask(textOf(installed, path)), mask(textOf(live, path)));
}

function textOf(value: unknown, path: Path): string {
  if (value === undefined) return path.length === 0 ? "gone" : "not set";
  if (value === unknownSecret) return "[secret]";
  return typeof value === "string" ? value : JSON.stringify(withoutNamedSecrets(value));
}

/** The value of a variable with such a name is secret, and so is every text under such a key. */
function withoutNamedSecrets(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(withoutNamedSecrets);
  if (typeof value !== "object" || value === null) return value;
  const { name } = value as { name?: unknown };
  const named = typeof name === "string" && isHidden(name);
  return Object.fromEntries(
    Object.entries(value).map(([key, inner]: [string, unknown]) => {
      const hidden = typeof inner === "string" && (isHidden(key) || (named && key === "value"));
      return [key, hidden ? "[secret]" : withoutNamedSecrets(inner)];
    }),
  );
}

function excerpt(installed: string, live: string): [string, string] {
  let same = 0;
  while (same < installed.length && installed[same] === live[same]) same += 1;
  const cut = (text: string) => {
    const start = text.length <= longest ? 0 : Math.max(0, same - 20);
    const end = start + longest;
    return `${start > 0 ? "…" : ""}${text.slice(start, end)}${end < text.length ? "…" : ""}`
      .replaceAll(/\s+/g, " ")
      .trim();
  };
  return [cut(installed), cut(live)];
}
