import { readFileSync } from "node:fs";
import { parse } from "yaml";
import { readConfig } from "../../rehearsal/engine/stackConfig.ts";
import type { RawConfig } from "../../settings/settings.ts";

/** Secrets that can be recognized in any output. */
export const testSecrets = {
  "pulsar:managerPassword": "login-password-in-plain",
  "pulsar:managerDatabasePassword": "manager-password-in-plain",
  "pulsar:managerDatabaseAdminPassword": "admin-password-in-plain",
  "pulsar:imagePullCredentials": JSON.stringify({ auths: { "harbor.example.com": { auth: "cHVsbDpwbGFpbg==" } } }),
};

const root = new URL("../../", import.meta.url);

/** The stack files of the tests: `test` and `prod`. */
export const fixtures = new URL("tests/fixtures/", root);

/** Parsed once for all tests of a process. */
const parsed = new Map<string, Readonly<Record<string, unknown>>>();
function plainConfig(stack: string): Readonly<Record<string, unknown>> {
  const file = `Pulumi.${stack}.yaml`;
  const plain = parsed.get(file) ?? readConfig(readFileSync(new URL(file, fixtures), "utf8"), file).plain;
  parsed.set(file, plain);
  return plain;
}

/** A stack file of the tests as Pulumi passes it to the program, with secrets and a cluster. */
export function stackConfig(stack: string, changes: Record<string, unknown> = {}): RawConfig {
  const config: Record<string, unknown> = {
    ...testSecrets,
    ...plainConfig(stack),
    "kubernetes:context": "test-cluster",
    ...changes,
  };
  return {
    values: Object.fromEntries(
      Object.entries(config)
        .filter(([, value]) => value !== undefined)
        .map(([key, value]) => [key, typeof value === "string" ? value : JSON.stringify(value)]),
    ),
    encrypted: Object.keys(testSecrets),
  };
}

/** `{a: {b: value}}` of `a.b`. */
export function at(path: string, value: unknown): object {
  return path.split(".").reduceRight((inner, key) => ({ [key]: inner }), value) as object;
}

/** The project file. */
export function projectFile(): { config: Record<string, { type: string; default: unknown; description: string }> } {
  return parse(readFileSync(new URL("Pulumi.yaml", root), "utf8")) as ReturnType<typeof projectFile>;
}
