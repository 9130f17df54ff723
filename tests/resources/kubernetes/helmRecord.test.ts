import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { failedJobs, type Job, staleRecords } from "../../../resources/kubernetes/helmRecord.ts";

const records = (...statuses: string[]) => statuses.map((status, i) => ({ name: `v${i + 1}`, status }));

describe("leftovers of interrupted Helm operations", () => {
  test("before an upgrade: pending records only", () => {
    const left = staleRecords(records("superseded", "deployed", "failed", "pending-upgrade"), "upgrade");
    assert.deepEqual(left, [{ name: "v4", status: "pending-upgrade" }]);
    assert.deepEqual(staleRecords(records("superseded", "deployed"), "upgrade"), []);
  });

  test("before an install: all objects of a release that was never deployed", () => {
    const never = records("failed", "pending-upgrade", "pending-install");
    assert.deepEqual(staleRecords(never, "install"), never);
    assert.deepEqual(staleRecords([], "install"), []);
  });

  test("before an install: nothing of a release that was deployed, which does not belong to the stack", () => {
    for (const status of ["deployed", "superseded", "uninstalled"]) {
      assert.equal(staleRecords(records(status, "failed", "pending-upgrade"), "install"), undefined, status);
    }
  });
});

describe("Jobs that Helm must create again", () => {
  const job = (condition: string | undefined, value = "True", release = "pulsar"): Job => ({
    metadata: { annotations: { "meta.helm.sh/release-name": release } },
    status: { conditions: condition === undefined ? [] : [{ type: condition, status: value }] },
  });

  test("include those that have failed permanently", () => {
    const failed = job("Failed");
    assert.deepEqual(failedJobs([failed], "pulsar"), [failed]);
  });

  test("do not include those that are complete, may still succeed, or are about to fail", () => {
    const left = [job("Complete"), job(undefined), job("Failed", "False"), job("FailureTarget"), { status: {} }];
    assert.deepEqual(failedJobs(left, "pulsar"), []);
  });

  test("do not include those of another release", () => {
    assert.deepEqual(failedJobs([job("Failed", "True", "pulsar-2")], "pulsar"), []);
  });
});
