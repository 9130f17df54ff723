/** Tenants in the configuration of a rehearsed stack. */
import { readFile, writeFile } from "node:fs/promises";
import { parse, stringify } from "yaml";
import type { Stack } from "../../rehearsal/engine.ts";

/** As overrides of a stack file: one key for every value. */
export function asOverrides(tenants: unknown): Record<string, string> {
  const flat = (value: unknown, path: string): [string, string][] =>
    typeof value === "object" && value !== null
      ? Object.entries(value).flatMap(([key, inner]) =>
          flat(inner, Array.isArray(value) ? `${path}[${key}]` : `${path}.${key}`),
        )
      : [[path, String(value)]];
  return Object.fromEntries(flat(tenants, "pulsar:tenants"));
}

/** Writes other tenants into the stack's own configuration, as its user does; undefined takes them out. */
export async function setTenants(stack: Stack, tenants: unknown): Promise<void> {
  const file = parse(await readFile(stack.configFile, "utf8")) as { config: Record<string, unknown> };
  if (tenants === undefined) delete file.config["pulsar:tenants"];
  else file.config["pulsar:tenants"] = tenants;
  await writeFile(stack.configFile, stringify(file));
}
