import assert from "node:assert/strict";
import { test } from "node:test";
import { objectsIn } from "../../../review/chart/render.ts";

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
