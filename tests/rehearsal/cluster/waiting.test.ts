import assert from "node:assert/strict";
import { test } from "node:test";
import { RehearsalError } from "../../../rehearsal/engine/fault.ts";
import { waitFor } from "../../../rehearsal/cluster/waiting.ts";

test("waitFor retries after an error, and reports the last one in one line at its limit", async () => {
  const faults = ["first", "connection refused\nat the socket"];
  await assert.rejects(
    waitFor(() => Promise.reject(new Error(faults.length > 1 ? faults.shift() : faults[0])), {
      what: "the start",
      limit: 50,
      every: 5,
    }),
    new RehearsalError("timed out after 0.05 s waiting for the start: connection refused"),
  );
});

test("waitFor rejects with an error that a retry cannot fix", async () => {
  const fault = new RehearsalError("etcd has ended");
  await assert.rejects(
    waitFor(() => Promise.reject(fault), { what: "the start", limit: 60_000 }),
    fault,
  );
});
