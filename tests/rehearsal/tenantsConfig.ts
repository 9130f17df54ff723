/** Sets tenants in the configuration of a rehearsed stack. */
import { readFile, writeFile } from "node:fs/promises";
import { parse, stringify } from "yaml";
import type { Stack } from "../../rehearsal/engine/stack.ts";

/** Tenants as overrides of a stack file: one key for each value. */
export function asOverrides(tenants: unknown): Record<string, string> {
  const flat = (value: unknown, path: string): [string, string][] =>
    typeof value === "object" && value !== null
      ? Object.entries(value).flatMap(([key, inner]) =>
          flat(inner, Array.isArray(value) ? `${path}[${key}]` : `${path}.${key}`),
        )
      : [[path, String(value)]];
  return Object.fromEntries(flat(tenants, "pulsar:tenants"));
}

/** Writes `tenants` and `adoptedTenants` to the stack's configuration, as a user does. Undefined removes them. */
export async function setTenants(stack: Stack, tenants: unknown, adopted?: string[]): Promise<void> {
  const { config, ...file } = parse(await readFile(stack.configFile, "utf8")) as { config: Record<string, unknown> };
  const changes = { "pulsar:tenants": tenants, "pulsar:adoptedTenants": adopted };
  const changed = Object.entries({ ...config, ...changes }).filter(([, value]) => value !== undefined);
  await writeFile(stack.configFile, stringify({ ...file, config: Object.fromEntries(changed) }));
}
