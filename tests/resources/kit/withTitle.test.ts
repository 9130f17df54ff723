import assert from "node:assert/strict";
import { test } from "node:test";
import { withTitle } from "../../../resources/kit/withTitle.ts";

test("the dynamic provider prints an error of any operation as one line, with the title once", async () => {
  const error: unknown = await withTitle("node n", () => Promise.reject(new Error("is gone"))).catch((e: unknown) => e);
  assert.ok(error instanceof Error);
  assert.equal(error.message, "node n: is gone");
  assert.equal(`${String(error)}: ${String(error.stack)}`, "node n: is gone");
});
