import assert from "node:assert/strict";
import { test } from "node:test";
import type { PolicySettings } from "../../../policy/settings.ts";
import { violationsOn } from "../../../review/digest/apply.ts";
import type { StackPlan } from "../../../review/plan.ts";
import { emptyPlan } from "../plans.ts";

test("a waiver that has expired since the review refuses to apply what it covered", () => {
  const waiver = { rule: "no-plain-secrets", reason: "only for the test", expires: "2027-06-30" } as const;
  const policies: PolicySettings = {
    production: true,
    namespace: "pulsar",
    release: "pulsar",
    placements: [],
    givenUp: [],
    waivers: [waiver],
  };
  const plan: StackPlan = {
    ...emptyPlan,
    objects: [
      { apiVersion: "v1", kind: "ConfigMap", metadata: { name: "settings" }, data: { text: "password=hunter22" } },
    ],
    outputs: { policies },
  };
  const found = (day: string) =>
    violationsOn(plan, new Date(day)).filter((line) => line.startsWith("policy no-plain-secrets: ConfigMap/settings"));
  assert.deepEqual(found("2027-06-30T23:59:00Z"), []);
  assert.equal(found("2027-07-01T00:00:00Z").length, 1);
  policies.production = false;
  assert.deepEqual(found("2027-07-01T00:00:00Z"), []);
});
