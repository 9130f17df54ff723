import assert from "node:assert/strict";
import { test } from "node:test";
import { objectChanges } from "../../../review/changes/objects.ts";
import { objectsIn } from "../../../review/chart/render.ts";
import { emptyPlan } from "../plans.ts";

test("objects are in the order of kind and name, and Secrets keep their keys only", () => {
  const manifest = [
    "{ apiVersion: v1, kind: Secret, metadata: { name: b }, data: { password: aHVudGVyMg== }, stringData: { x: hunter2 } }",
    "",
    "{ apiVersion: v1, kind: ConfigMap, metadata: { name: c }, data: { token: eyJhbGciOiJ.eyJzdWIiOiJ4In0.c2ln } }",
    "{ apiVersion: v1, kind: ConfigMap, metadata: { name: a } }",
    "{ apiVersion: v1, kind: ConfigMap, metadata: { name: d }, data: { authParams: 'token:hunter2', url: 'amqp://u:hunter2@h' } }",
  ].join("\n---\n");
  assert.deepEqual(objectsIn(manifest), [
    { apiVersion: "v1", kind: "ConfigMap", metadata: { name: "a" } },
    { apiVersion: "v1", kind: "ConfigMap", metadata: { name: "c" }, data: { token: "[secret]" } },
    {
      apiVersion: "v1",
      kind: "ConfigMap",
      metadata: { name: "d" },
      data: { authParams: "token:[secret]", url: "amqp://u:[secret]@h" },
    },
    {
      apiVersion: "v1",
      kind: "Secret",
      metadata: { name: "b" },
      data: { password: "[secret]" },
      stringData: { x: "[secret]" },
    },
  ]);
});

test("a Secret changes with the secrets that the program gives to the chart, and not with the chart's random numbers", () => {
  const plan = (password: string, random: string) => ({
    ...emptyPlan,
    objects: objectsIn(
      `{ apiVersion: v1, kind: Secret, metadata: { name: a }, data: { url: ${btoa(`//user:${password}@db`)}, random: ${btoa(random)} }, stringData: { password: "${password}" } }`,
    ),
  });
  const before = plan("[secret 01234567]", "1");
  assert.deepEqual(objectChanges(before, plan("[secret 01234567]", "2")), []);
  const [change, ...others] = objectChanges(before, plan("[secret 89abcdef]", "2"));
  assert.deepEqual([change?.secretKeys, change?.fields, others], [2, [], []]);
  assert.doesNotMatch(JSON.stringify(before), /user/);
});

test("a manifest is read as Helm reads it: hooks do not pass the post-renderer", () => {
  const [job] = objectsIn(
    "{ apiVersion: batch/v1, kind: Job, metadata: { name: a }, x: &x { on-start: yes }, mode: 0644, z: { <<: *x } }",
  );
  assert.deepEqual([job?.["mode"], job?.["z"]], [420, { "on-start": true }]);
});
