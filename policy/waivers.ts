import { z } from "zod";
import * as scalar from "../model/scalars.ts";
import { ruleNames } from "./rules.ts";

const aReason = "the reason in a sentence: ten characters or more";

/** Violations that were reviewed and accepted for a time. */
export const policyWaiversSchema = z
  .array(
    scalar.object({
      rule: scalar.oneOf(ruleNames).describe("Policy, as docs/policies.md names it."),
      object: z
        .string()
        .regex(/^[A-Z]\w*\/\S+$/, { error: "an object as kind/name, such as Service/pulsar-proxy" })
        .optional()
        .meta({ description: "Object, as kind/name.", otherwise: "every object" }),
      reason: z.string({ error: aReason }).trim().min(10, { error: aReason }).describe("Why it is accepted."),
      expires: scalar.date.describe("Last day of the waiver, in UTC."),
    }),
    { error: "a list of {rule, object, reason, expires}" },
  )
  .default([])
  .meta({
    description: "Violations of the policies that are accepted until a day; see docs/policies.md.",
    example:
      "pulsar:policyWaivers:\n  - { rule: images-pinned, object: StatefulSet/pulsar-toolset, reason: waits for the next release, expires: 2027-06-30 }",
  });

export type Waiver = z.output<typeof policyWaiversSchema>[number];
