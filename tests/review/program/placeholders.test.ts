import assert from "node:assert/strict";
import { test } from "node:test";
import { programConfig } from "../../../review/program/placeholders.ts";

const file = (ciphertext: string) => `config:
  pulsar:registry: harbor.example.com
  pulsar:managerPassword: { secure: "v1:${ciphertext}" }
`;
const password = (text: string) => programConfig(text, "Pulumi.test.yaml").values["pulsar:managerPassword"] ?? "";

test("a placeholder depends on the ciphertext only", () => {
  assert.equal(password(file("one")), password(file("one")));
  assert.notEqual(password(file("one")), password(file("two")));
  assert.doesNotMatch(password(file("one")), /one|v1/);
});

test("a secret that is not set yet has a placeholder too, and counts as encrypted", () => {
  const { values, encrypted } = programConfig(file("one"), "Pulumi.test.yaml");
  assert.ok(values["pulsar:managerDatabasePassword"]);
  assert.ok(encrypted.includes("pulsar:managerDatabasePassword"));
});

test("a secret in plain text is passed on, so that the program refuses it", () => {
  const { encrypted } = programConfig("config:\n  pulsar:managerPassword: hunter2\n", "Pulumi.test.yaml");
  assert.ok(!encrypted.includes("pulsar:managerPassword"));
});
