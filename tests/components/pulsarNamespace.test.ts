import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { PulsarNamespace, type PulsarNamespaceArgs } from "../../components/pulsarNamespace.ts";
import { named, registerOne, valueOf } from "../support/mocks.ts";

async function make(args: Omit<PulsarNamespaceArgs, "name">) {
  const { made: home, registered } = await registerOne(
    () => new PulsarNamespace("home", { name: "messaging", ...args }),
  );
  return { home, children: registered.filter(({ custom }) => custom) };
}

describe("PulsarNamespace", () => {
  test("creates the namespace, protected if protect is set", async () => {
    for (const protect of [true, false, undefined]) {
      const { children } = await make({ create: true, protect });
      const namespace = named(children, "home-namespace");
      assert.deepEqual(namespace.inputs.metadata, { name: "messaging" });
      assert.equal(namespace.options.protect, protect || undefined);
      assert.equal(children.length, 1);
    }
  });

  test("uses an existing namespace", async () => {
    const { home, children } = await make({ create: false, protect: true });
    assert.deepEqual(children, []);
    assert.equal(await valueOf(home.namespaceName), "messaging");
  });

  test("creates the pull secret from secret credentials, after the namespace", async () => {
    const { children } = await make({ create: true, protect: true, pullSecret: "regsecret", pullCredentials: "{}" });
    const secret = named(children, "home-pull-secret");
    assert.deepEqual(secret.inputs.metadata, { name: "regsecret", namespace: "messaging" });
    assert.deepEqual(secret.inputs.data, { ".dockerconfigjson": Buffer.from("{}").toString("base64") });
    assert.deepEqual(secret.secretInputs, ["data"]);
    assert.deepEqual(secret.dependsOn, ["home-namespace"]);
    assert.equal(secret.options.protect, undefined, "its credentials are at hand, and change");
  });

  test("creates no pull secret without credentials or without a name", async () => {
    assert.deepEqual((await make({ create: false, pullSecret: "regsecret" })).children, []);
    assert.deepEqual((await make({ create: false, pullCredentials: "{}" })).children, []);
  });
});
