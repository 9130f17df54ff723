import assert from "node:assert/strict";
import { test } from "node:test";
import { renderReview } from "../../../review/comment/comment.ts";
import type { StackPlan } from "../../../review/plan.ts";

const plan: StackPlan = {
  stack: "test",
  namespace: "pulsar",
  release: "pulsar",
  resources: [],
  objects: [],
  chart: { name: "pulsar", version: "4.7.0", line: "4", source: "stand-in", digest: "" },
  outputs: {},
};

test("equal plans change what a preview against the state counts", () => {
  const headline = (update?: number) => {
    const preview =
      update === undefined
        ? undefined
        : { text: "", failed: false, counts: { create: 0, update, replace: 0, delete: 0 } };
    const [base, head] = ["b", "a"].map((commit) => ({ commit, plan }));
    assert.ok(base && head);
    return renderReview({ stack: "test", base, head, behind: 0, uncommitted: [], preview }).split("\n")[2];
  };
  assert.equal(headline(), "### test: nothing changes; not rehearsed");
  assert.equal(headline(0), "### test: nothing changes; not rehearsed");
  assert.equal(headline(1), "### test: 0 to create, 1 to update, 0 to replace; 0 pods restart; not rehearsed");
});
