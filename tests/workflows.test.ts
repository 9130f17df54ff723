import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { describe, test } from "node:test";
import { parse } from "yaml";
import { clientVersion } from "../rehearsal/realCluster/messages/client.ts";

const root = new URL("../", import.meta.url);
const folder = new URL(".github/workflows/", root);

interface Step {
  uses?: string;
  with?: Record<string, unknown>;
  env?: Record<string, string>;
}
interface Job {
  if?: string;
  permissions: Record<string, string>;
  strategy?: { matrix: { stack: string[] } };
  steps: Step[];
}
interface Workflow {
  on: Record<string, unknown>;
  permissions: object;
  jobs: Record<string, Job>;
}

for (const file of readdirSync(folder)) {
  const text = readFileSync(new URL(file, folder), "utf8");

  describe(file, () => {
    test("pins every action to a commit", () => {
      const uses = [...text.matchAll(/uses: (.*)/g)].map(([, action = ""]) => action);
      assert.ok(uses.length > 0);
      for (const action of uses) assert.match(action, /^[\w-]+\/[\w-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+$/);
    });
  });
}

describe("preview.yml", () => {
  const workflow = parse(readFileSync(new URL("preview.yml", folder), "utf8")) as Workflow;
  const jobs = Object.values(workflow.jobs);

  test("rehearses and previews every stack there is", () => {
    const stacks = readdirSync(root).flatMap((file) => /^Pulumi\.(.+)\.yaml$/.exec(file)?.[1] ?? []);
    for (const job of [workflow.jobs.rehearsal, workflow.jobs.preview]) {
      assert.deepEqual(job?.strategy?.matrix.stack.toSorted(), stacks.toSorted());
    }
  });

  test("hands credentials to nobody else's code, and writes comments only", () => {
    assert.deepEqual(Object.keys(workflow.on), ["pull_request"]);
    assert.deepEqual(workflow.permissions, {});
    for (const job of jobs) {
      const withSecrets = JSON.stringify(job).includes("secrets.");
      if (withSecrets) assert.equal(job.if, "github.event.pull_request.head.repo.full_name == github.repository");
      const { contents, ...writing } = job.permissions;
      assert.equal(contents, "read");
      assert.deepEqual(writing, withSecrets ? { "pull-requests": "write" } : {});
    }
  });
});

describe("e2e.yml", () => {
  const text = readFileSync(new URL("e2e.yml", folder), "utf8");
  const workflow = parse(text) as Workflow;

  test("rehearses every stack of tests/e2e, with no more than read access", () => {
    const stacks = readdirSync(new URL("tests/e2e/", root)).flatMap(
      (file) => /^Pulumi\.(.+)\.yaml$/.exec(file)?.[1] ?? [],
    );
    assert.deepEqual(workflow.jobs["kind"]?.strategy?.matrix.stack.toSorted(), stacks.toSorted());
    assert.deepEqual([workflow.permissions, workflow.jobs["kind"].permissions], [{}, { contents: "read" }]);
    assert.doesNotMatch(text, /secrets\./);
  });

  test("runs on a pull request only with the label", () => {
    const condition = "github.event_name != 'pull_request' || contains(github.event.pull_request.labels.*.name, 'e2e')";
    assert.equal(workflow.jobs["kind"]?.if, condition);
  });

  test("installs the client that the command asks for", () => {
    assert.ok(text.includes(`npm install --no-save pulsar-client@${clientVersion}\n`));
  });
});
