import { basename } from "node:path";
import { parse, type ScalarTag } from "yaml";
import { closest } from "../../settings/faults.ts";
import { RehearsalError } from "./fault.ts";

/** The keys of a stack file that Pulumi reads (3.270, workspace.ProjectStack). */
const topLevelKeys = ["config", "encryptedkey", "encryptionsalt", "environment", "secretsprovider"];

/** The configuration of a stack file. Every key has its namespace. */
export interface ConfigValues {
  /** Each value is a list, an object, or the text of a scalar. */
  plain: Record<string, unknown>;
  /** Keys whose value contains an encrypted value at any depth. */
  encrypted: string[];
}

/**
 * The numbers of go-yaml v3, with which Pulumi reads stack files: those of YAML 1.2, octal `017`, binary `0b11`, and `_` between digits.
 */
const goNumber: ScalarTag = {
  tag: "tag:yaml.org,2002:float",
  default: true,
  test: /^[-+]?[\d.]/,
  resolve(text) {
    const [, sign = "", digits = ""] = /^([-+]?)(.*)$/.exec(text.replaceAll("_", "")) ?? [];
    if (!/^(0b[01]+|0o[0-7]+|0x[\da-f]+|(\.\d+|\d+(\.\d*)?)(e[-+]?\d+)?)$/i.test(digits)) return text;
    const number = /^0[0-7]+$/.test(digits) ? parseInt(digits, 8) : Number(digits);
    return sign === "-" ? 0 - number : number;
  },
};

/**
 * Reads a stack file as Pulumi does, without Pulumi; `Stack` uses Pulumi itself. A test compares the two. Timestamps are not converted.
 *
 * @throws RehearsalError with one line that names the file, if it is not a stack file
 */
export function readConfig(text: string, file: string): ConfigValues {
  const config = Object.entries(rawConfig(text, file));
  const hasSecret = (value: unknown): boolean => holdsSecret(value, basename(file));
  return {
    plain: Object.fromEntries(config.filter(([, value]) => !hasSecret(value))),
    encrypted: config.flatMap(([key, value]) => (hasSecret(value) ? [key] : [])),
  };
}

/** All values of a stack file, with encrypted ones as they are: `{ secure: ... }`. @throws RehearsalError as `readConfig` */
export function rawConfig(text: string, file: string): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(configIn(text, basename(file))).map(([key, value]): [string, unknown] => [
      key.includes(":") ? key : `pulsar:${key}`,
      typeof value === "object" && value !== null ? value : String(value ?? ""),
    ]),
  );
}

/** Whether a stack file imports Pulumi ESC environments, which only Pulumi Cloud can open. A file that cannot be parsed counts as one that does not. */
export function importsEnvironment(text: string): boolean {
  let document: unknown;
  try {
    document = parse(text, { merge: true });
  } catch {
    return false;
  }
  if (typeof document !== "object" || document === null || !("environment" in document)) return false;
  const { environment } = document;
  return typeof environment === "object" && environment !== null && Object.keys(environment).length > 0;
}

function configIn(text: string, file: string): object {
  const mapping = (value: unknown, where: string): object => {
    if (typeof value === "object" && value !== null && !Array.isArray(value)) return value;
    throw new RehearsalError(`${where}: ${JSON.stringify(value)} is not valid; use a mapping`);
  };
  let parsed: unknown;
  try {
    parsed = parse(text, { merge: true, customTags: (tags) => [goNumber, ...tags] });
  } catch (cause) {
    // The other lines show an excerpt of the file.
    const [reason = ""] = (cause as Error).message.split("\n", 1);
    throw new RehearsalError(`${file}: ${reason.replace(/:$/, "")}; correct the YAML there`, { cause });
  }
  const document = mapping(parsed ?? {}, file);
  for (const key of Object.keys(document)) {
    const meant = closest(key, topLevelKeys);
    // Other keys may hold anchors.
    if (meant === undefined || meant === key) continue;
    throw new RehearsalError(`${file}: ${key}: Pulumi ignores this key and what it contains; did you mean ${meant}?`);
  }
  return mapping(("config" in document ? document.config : undefined) ?? {}, `${file}: config`);
}

/** @throws RehearsalError if a YAML alias refers to a value that contains it */
function holdsSecret(value: unknown, file: string, within: readonly unknown[] = []): boolean {
  if (typeof value !== "object" || value === null) return false;
  if (within.includes(value)) {
    throw new RehearsalError(`${file}: config: an alias refers to itself; write the values out`);
  }
  const entries = Object.entries(value);
  if (entries.length === 1 && "secure" in value && typeof value.secure === "string") return true;
  return entries.some(([, inner]) => holdsSecret(inner, file, [...within, value]));
}
