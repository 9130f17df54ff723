import assert from "node:assert/strict";
import * as pulumi from "@pulumi/pulumi";
import { parseSettings, type RawConfig } from "../../settings/settings.ts";

/** The lines of the fault report, without its heading. Fails if the settings are accepted. */
export function faults(config: RawConfig, dryRun = false): string[] {
  try {
    parseSettings(config, "test", dryRun);
  } catch (error) {
    assert.ok(pulumi.RunError.isInstance(error), String(error));
    return error.message
      .split("\n")
      .slice(1)
      .map((line) => line.trim());
  }
  throw new assert.AssertionError({ message: "the settings were accepted" });
}

/** Changes of a stack file, by the one fault that each causes. */
export type Cases = Record<string, Record<string, unknown>>;

/** Fails unless the settings have exactly one fault, whose line starts with `expected`: key, problem, remedy. */
export function hasOneFault(config: RawConfig, expected: string): void {
  const found = faults(config);
  assert.equal(found.length, 1, found.join("\n"));
  assert.equal(found[0]?.slice(0, expected.length), expected);
}
