import assert from "node:assert/strict";
import { test } from "node:test";
import { countsIn } from "../../../review/program/preview.ts";

test("the counts of a preview include replacements, whose sign touches the number", () => {
  const text = [
    "Resources:",
    "    + 2 to create",
    "    ~ 1 to update",
    "    +-4 to replace",
    "    - 3 to delete",
    "    10 changes. 14 unchanged",
  ].join("\n");
  assert.deepEqual(countsIn(text), { create: 2, update: 1, replace: 4, delete: 3 });
  assert.deepEqual(countsIn("Resources:\n    9 unchanged"), { create: 0, update: 0, replace: 0, delete: 0 });
});
