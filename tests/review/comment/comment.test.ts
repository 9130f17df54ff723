import assert from "node:assert/strict";
import { test } from "node:test";
import { renderReview } from "../../../review/comment/comment.ts";
import { emptyPlan } from "../plans.ts";

test("equal plans change what a preview against the state counts", () => {
  const headline = (update?: number) => {
    const preview =
      update === undefined
        ? undefined
        : { text: "", failed: false, counts: { create: 0, update, replace: 0, delete: 0 } };
    const [base, head] = [
      { commit: "b", plan: emptyPlan },
      { commit: "a", plan: emptyPlan },
    ];
    return renderReview({ stack: "test", base, head, behind: 0, uncommitted: [], preview }).split("\n")[2];
  };
  assert.equal(headline(), "### test: nothing changes; not rehearsed");
  assert.equal(headline(0), "### test: nothing changes; not rehearsed");
  assert.equal(headline(1), "### test: 0 to create, 1 to update, 0 to replace; 0 pods restart; not rehearsed");
});
