import assert from "node:assert/strict";
import { readdirSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";
import { describe, test } from "node:test";
import * as pulumi from "@pulumi/pulumi";

const root = join(import.meta.dirname, "../../..");
const files = readdirSync(join(root, "resources"), { recursive: true, encoding: "utf8" })
  .filter((file) => file.endsWith(".ts") && !file.startsWith("kit"))
  .map((file) => `./resources/${file}`);
const exported = async (path: string) => (await import(join(root, path))) as Record<string, unknown>;
/** Evaluates the stored text as the dynamic provider does. */
const evaluate = createRequire(createRequire(import.meta.url).resolve("@pulumi/pulumi"))("require-from-string") as (
  text: string,
) => { handler: () => pulumi.dynamic.ResourceProvider };

const providers: [string, pulumi.dynamic.ResourceProvider][] = [];
for (const file of files)
  for (const [name, value] of Object.entries(await exported(file)))
    if (name.endsWith("Provider") && typeof value === "object")
      providers.push([name, value as pulumi.dynamic.ResourceProvider]);

describe("the text of a provider in the state", () => {
  const paths: (string | undefined)[] = [];

  for (const [name, provider] of providers) {
    test(`of ${name} is small, contains no secret and no path of this machine, and loads its module`, async () => {
      const { text, containsSecrets } = await pulumi.runtime.serializeFunction(() => provider);
      assert.equal(containsSecrets, false);
      assert.ok(text.length < 6000, `${text.length} characters`);
      for (const path of [root, "file:///", "node_modules"]) assert.ok(!text.includes(path), `the text holds ${path}`);

      const path = /"(\.\/resources\/.*?\.ts)"/.exec(text)?.[1];
      assert.ok(path !== undefined, "the text names no module");
      paths.push(path);
      const module = await exported(path);
      for (const operation of ["diff", "create", "read", "update", "remove"])
        assert.equal(typeof module[operation], "function", `${path} exports no ${operation}`);
      // Without `check`, the preview of a new resource does not load the module.
      assert.equal(typeof provider.check, typeof module["check"]);

      // The engine evaluates the text in the folder of Pulumi.yaml, where the tests run too.
      assert.equal(process.cwd(), root);
      const stored = evaluate(text).handler();
      const inputs = { cluster: {}, labels: {}, taints: [], triggers: [] };
      assert.equal((await stored.diff?.("x", inputs, inputs))?.changes, false);
      assert.deepEqual((await stored.check?.({}, {})) ?? {}, {});
    });
  }

  test("exists for every provider module", () => {
    assert.deepEqual(paths.toSorted(), files.filter((file) => file.endsWith("Provider.ts")).toSorted());
  });
});
