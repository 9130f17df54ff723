import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { neverDeployed, unfinished } from "../../../components/resources/helmRecord.ts";

const records = (...statuses: string[]) => statuses.map((status, i) => ({ name: `v${i + 1}`, status }));

describe("leftovers of interrupted Helm operations", () => {
  test("before an upgrade: what is pending, and nothing else", () => {
    const left = unfinished(records("superseded", "deployed", "failed", "pending-upgrade"));
    assert.deepEqual(left, [{ name: "v4", status: "pending-upgrade" }]);
    assert.deepEqual(unfinished(records("superseded", "deployed")), []);
  });

  test("before an install: everything of a release that never came up", () => {
    const never = records("failed", "pending-upgrade", "pending-install");
    assert.deepEqual(neverDeployed(never), never);
    assert.deepEqual(neverDeployed([]), []);
  });

  test("before an install: nothing of a release that did, which is then not the stack's", () => {
    for (const status of ["deployed", "superseded", "uninstalled"]) {
      assert.deepEqual(neverDeployed(records(status, "failed", "pending-upgrade")), [], status);
    }
  });
});
