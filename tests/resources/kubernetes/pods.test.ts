import assert from "node:assert/strict";
import { test } from "node:test";
import { isReady } from "../../../resources/kubernetes/pods.ts";

test("a pod serves if it is ready and not terminating", () => {
  const ready = { conditions: [{ type: "Ready", status: "True" }] };
  assert.equal(isReady({ status: ready }), true);
  assert.equal(isReady({ status: { conditions: [{ type: "Ready", status: "False" }] } }), false);
  assert.equal(isReady({ status: { conditions: [{ type: "Initialized", status: "True" }] } }), false);
  assert.equal(isReady({}), false);
  assert.equal(isReady({ metadata: { deletionTimestamp: new Date() }, status: ready }), false);
});
