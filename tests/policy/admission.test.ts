import assert from "node:assert/strict";
import { test } from "node:test";
import { parseAllDocuments } from "yaml";
import { admissionFile, type AdmissionObject } from "../../policy/admission.ts";
import type { PolicySettings } from "../../policy/settings.ts";

const settings: PolicySettings = {
  production: true,
  namespace: "pulsar",
  release: "pulsar",
  placements: [],
  givenUp: [],
  waivers: [],
};
const reason = "waits for the\nnext release";

function exported(changes: Partial<PolicySettings> = {}): { comment: string; objects: AdmissionObject[] } {
  const mark = { annotation: "example.com/owner", suffix: "/pulsar/prod" };
  const text = admissionFile("prod", { ...settings, ...changes }, mark, new Date("2026-06-01T12:00:00Z"));
  const [comment = ""] = text.split("---", 1);
  return { comment, objects: parseAllDocuments(text).map((document) => document.toJS() as AdmissionObject) };
}

const actions = (objects: AdmissionObject[]) =>
  new Map(
    objects.flatMap(({ metadata, spec }) =>
      spec["validationActions"] === undefined ? [] : [[metadata.name, spec["validationActions"]]],
    ),
  );

test("the file says what it leaves out, and each of its lines before the first object is a comment", () => {
  const { comment, objects } = exported();
  assert.match(comment, /^(# .+\n)+$/);
  assert.deepEqual(comment.match(/(?<=Not in this file: )[a-z-]+/g), [
    "images-from-registry",
    "volumes-protected",
    "network-policies",
  ]);
  assert.deepEqual(
    [...actions(objects).keys()],
    [
      "pulsar-images-pinned",
      "pulsar-manager-not-exposed",
      "pulsar-volumes-retained",
      "pulsar-placement",
      "pulsar-no-plain-ports",
      "pulsar-requests-set",
      "pulsar-no-plain-secrets",
    ],
  );
  assert.doesNotMatch(comment, /[Ww]aive/);
});

test("production refuses, test warns and records", () => {
  assert.deepEqual(actions(exported().objects).get("pulsar-placement"), ["Deny"]);
  assert.deepEqual(actions(exported({ production: false }).objects).get("pulsar-placement"), ["Warn", "Audit"]);
});

test("a waiver exempts an object or all of them, until the day that the comment names; an expired one counts as none", () => {
  const { comment, objects } = exported({
    waivers: [
      { rule: "images-pinned", object: "StatefulSet/pulsar-broker", reason, expires: "2026-06-30" },
      { rule: "requests-set", reason, expires: "2026-06-01" },
      { rule: "placement", reason, expires: "2026-05-31" },
    ],
  });
  assert.match(
    comment,
    /^# Waived until 2026-06-30: images-pinned for StatefulSet\/pulsar-broker\. Reason: waits for the next release$/m,
  );
  assert.match(comment, /^# Waived until 2026-06-01: requests-set\. Reason/m);
  assert.match(comment, /write this file again after 2026-06-01\./);
  assert.doesNotMatch(comment, /placement/);
  const given = actions(objects);
  assert.deepEqual(
    ["images-pinned", "requests-set", "placement"].map((rule) => given.get(`pulsar-${rule}`)),
    [["Deny"], ["Audit"], ["Deny"]],
  );
  const conditions = objects.map(({ spec }) => JSON.stringify(spec["matchConditions"] ?? ""));
  assert.equal(conditions.filter((one) => one.includes("StatefulSet/pulsar-broker")).length, 1);
});
