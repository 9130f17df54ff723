import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { generated } from "../../docs/generate.ts";

for (const [path, contents] of Object.entries(generated)) {
  test(`${path} is up to date (npm run docs)`, () => {
    const current = readFileSync(new URL(`../../${path}`, import.meta.url), "utf8");
    assert.equal(current, contents(current));
  });
}
