import assert from "node:assert/strict";
import { test } from "node:test";
import type { DriftReport } from "../../../review/drift/drift.ts";
import { driftLine, writeDriftIssue } from "../../../review/drift/issue.ts";
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
    const where = { owner: "o", repo: "r" };
    const write = (report: Partial<DriftReport>) =>
      writeDriftIssue(api, where, { stack: "prod", compared: 9, drift: [], notCompared: [], ...report });
    assert.equal(await write({}), "unchanged");
    assert.equal(await write({ drift: [drift] }), "created");
    assert.equal(await write({ drift: [drift] }), "unchanged");
    assert.equal(await write({ drift: [{ ...drift, live: "2" }] }), "edited");
    assert.equal(await write({ notCompared: ["the tables of Pulsar Manager: no answer"] }), "unchanged");
    assert.equal(fake.issues[0]?.state, "open");
    assert.match(await driftLine(api, where, "prod"), /^the cluster differs .*, see issue #\d+$/);
    assert.match(await driftLine(api, where, "test"), /^no issue is open/);
    fake.failures.push({ method: "GET", status: 403 });
    assert.match(await driftLine(api, where, "prod"), /^not known, because GitHub does not list the issues \(.+\)$/);
    assert.equal(await write({}), "closed");
    assert.match(await driftLine(api, where, "prod"), /^no issue is open/);
    assert.equal(fake.issues.length, 1);
  } finally {
    await fake.close();
  }
});
