import assert from "node:assert/strict";
import { test } from "node:test";
import type { DriftReport } from "../../../review/drift/drift.ts";
import { writeDriftIssue } from "../../../review/drift/issue.ts";
import { github } from "../../../review/github/client.ts";
import { fakeGitHub } from "../github/fakeGitHub.ts";

const drift = {
  object: "StatefulSet pulsar-bookie",
  field: "spec.replicas",
  installed: "4",
  live: "3",
  endangers: "quorum",
};

test("one issue is open while something differs, and is closed only by a complete comparison", async () => {
  const fake = await fakeGitHub();
  try {
    const api = github({ token: "secret-token", baseUrl: fake.url, second: 1 });
    const write = (report: Partial<DriftReport>) =>
      writeDriftIssue(
        api,
        { owner: "o", repo: "r" },
        { stack: "prod", compared: 9, drift: [], notCompared: [], ...report },
      );
    assert.equal(await write({}), "unchanged");
    assert.equal(await write({ drift: [drift] }), "created");
    assert.equal(await write({ drift: [drift] }), "unchanged");
    assert.equal(await write({ drift: [{ ...drift, live: "2" }] }), "edited");
    assert.equal(await write({ notCompared: ["the tables of Pulsar Manager: no answer"] }), "unchanged");
    assert.equal(fake.issues[0]?.state, "open");
    assert.equal(await write({}), "closed");
    assert.equal(fake.issues.length, 1);
  } finally {
    await fake.close();
  }
});
