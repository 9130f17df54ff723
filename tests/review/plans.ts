/** Parts of plans for tests. */
import type { PlannedResource, StackPlan } from "../../review/plan.ts";

export const emptyPlan: StackPlan = {
  stack: "test",
  namespace: "pulsar",
  release: "pulsar",
  resources: [],
  objects: [],
  chart: { name: "pulsar", version: "4.7.0", line: "4", source: "stand-in", digest: "" },
  outputs: {},
};

export function resource(
  type: string,
  name: string,
  inputs: Record<string, unknown>,
  over: Partial<PlannedResource> = {},
): PlannedResource {
  return { type, name, inputs, secretInputs: [], protect: false, retainOnDelete: false, ...over };
}
