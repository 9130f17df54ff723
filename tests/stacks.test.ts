import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { before, describe, test } from "node:test";
import * as pulumi from "@pulumi/pulumi";
import { register, type Registered, testKeyPem } from "./support/mocks.ts";
import { stackConfig, testSecrets } from "./support/stackFile.ts";

/**
 * The golden file shows a reviewer the whole effect of a change on a stack. After a wanted change:
 * `UPDATE_GOLDEN=1 npm run unit`, then read the difference.
 */
describe("stack test", () => {
  let resources: Registered[];
  before(async () => {
    const { values, encrypted } = stackConfig("test");
    pulumi.runtime.setAllConfig({ ...values }, [...encrypted]);
    resources = await register(() => import("../index.ts"));
  });

  test("registers what its golden file says", () => {
    const file = new URL("golden/test.json", import.meta.url);
    const actual = `${JSON.stringify(resources.map(shown), null, 2)}\n`;
    if (process.env.UPDATE_GOLDEN || !existsSync(file)) writeFileSync(file, actual);
    assert.deepEqual(JSON.parse(actual), JSON.parse(readFileSync(file, "utf8")));
  });

  test("no secret is in a plain input", () => {
    const secrets = [...Object.values(testSecrets), testKeyPem, testKeyPem.split("\n")[1] ?? ""];
    for (const resource of resources) {
      const plain = Object.entries(resource.inputs).filter(([key]) => !resource.secretInputs.includes(key));
      const text = JSON.stringify(plain);
      for (const secret of secrets) {
        const found = text.includes(secret) || text.includes(Buffer.from(secret).toString("base64"));
        assert.ok(!found, `${resource.name} holds a secret in plain text`);
      }
      assert.doesNotMatch(text, /eyJ[\w-]+\.eyJ/, `${resource.name} holds a token in plain text`);
    }
  });

  test("children carry their component's name, and every name is used once a type", () => {
    for (const { name, parent } of resources) {
      if (parent !== undefined) assert.ok(name.startsWith(`${parent}-`), `${name} is a child of ${parent}`);
    }
    const names = resources.map(({ type, name }) => `${type} ${name}`);
    assert.equal(new Set(names).size, names.length);
  });

  test("every Kubernetes object but patches and the release is marked as the stack's and guarded", () => {
    const objects = resources.filter(({ type }) => /^kubernetes:(?!helm)(?!.*Patch$)/.test(type));
    assert.ok(objects.length > 20);
    for (const { name, inputs, options } of objects) {
      const { annotations } = inputs.metadata as { annotations?: Record<string, string> };
      assert.equal(annotations?.["pulsar-stack/owner"], "organization/pulsar/test", name);
      assert.ok(options.beforeCreate, name);
    }
  });

  test("the release waits for nodes, Secrets, volumes and tables", () => {
    const release = resources.find(({ name }) => name === "pulsar-release");
    for (const needed of [
      "nodes-marks-node3",
      "auth-token-admin",
      "volumes-bookie-ledgers-2",
      "manager-database-tables",
    ]) {
      assert.ok(release?.dependsOn.includes(needed), needed);
    }
  });
});

/** A resource as the golden file shows it: secret values and long texts replaced, so that it holds neither secrets nor machine-made noise. */
function shown({ inputs, secretInputs, ...resource }: Registered): unknown {
  const hidden = Object.entries(inputs).map(([key, value]) => {
    if (secretInputs.includes(key)) return [key, typeof value === "object" ? keysOf(value) : "[secret]"];
    if (key === "__provider") return [key, "[code]"];
    if (key === "sql") return [key, `[sha256 ${createHash("sha256").update(String(value)).digest("hex")}]`];
    return [key, value];
  });
  return { ...resource, inputs: Object.fromEntries(hidden) as unknown };
}

function keysOf(value: unknown): unknown {
  return Object.fromEntries(Object.keys(value as object).map((key) => [key, "[secret]"]));
}
