/** What the program registers for a stack of the tests, and its policy settings. */
import assert from "node:assert/strict";
import * as pulumi from "@pulumi/pulumi";
import type * as Program from "../../index.ts";
import type { PolicyResource } from "../../policy/rules.ts";
import type { PolicySettings } from "../../policy/settings.ts";
import { register } from "../support/mocks.ts";
import { stackConfig } from "../support/stackFile.ts";

let runs = 0;

export async function policyStack(
  stack: string,
  changes: Record<string, unknown> = {},
): Promise<{ resources: PolicyResource[]; settings: PolicySettings }> {
  const { values, encrypted } = stackConfig(stack, changes);
  pulumi.runtime.setAllConfig({ ...values }, [...encrypted]);
  let outputs: typeof Program | undefined;
  // The module cache goes by the address.
  const program = `../../index.ts?policies=${runs++}`;
  const registered = await register(
    async () => {
      outputs = (await import(program)) as typeof Program;
    },
    { stack, preview: true },
  );
  assert.ok(outputs);
  return {
    resources: registered.map(({ options, ...one }) => ({ ...one, protect: options["protect"] === true })),
    settings: outputs.policies,
  };
}
