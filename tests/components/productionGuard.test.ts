import assert from "node:assert/strict";
import { test } from "node:test";
import * as pulumi from "@pulumi/pulumi";
import { ProductionGuard } from "../../components/productionGuard.ts";
import { PulsarNamespace } from "../../components/pulsarNamespace.ts";
import { named, register } from "../support/mocks.ts";

test("ProductionGuard is protected, creates nothing, and is deleted before all given resources and their children", async () => {
  const registered = await register(() => {
    const home = new PulsarNamespace("home", { name: "a", create: true });
    const inner = new pulumi.ComponentResource("test:Outer", "outer");
    new PulsarNamespace("outer-inner", { name: "b", create: true }, { parent: inner });
    new ProductionGuard("guard", [home, inner]);
  });
  const guard = named(registered, "guard");
  assert.equal(guard.options.protect, true);
  assert.deepEqual(guard.dependsOn, ["home-namespace", "outer-inner-namespace"]);
  assert.deepEqual(
    registered.filter(({ parent }) => parent === "guard"),
    [],
  );
});
