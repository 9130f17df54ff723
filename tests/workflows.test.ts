import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { describe, test } from "node:test";
import { execaSync } from "execa";
import { parse } from "yaml";
import { clientVersion } from "../rehearsal/realCluster/messages/client.ts";

const root = new URL("../", import.meta.url);
const folder = new URL(".github/workflows/", root);

interface Step {
  uses?: string;
  run?: string;
  with?: Record<string, unknown>;
  env?: Record<string, string>;
}
interface Job {
  if?: string;
  environment?: string;
  needs?: string;
  concurrency?: object;
  permissions?: Record<string, string>;
  "timeout-minutes"?: number;
  strategy?: { matrix: { stack: string[] } };
  steps: Step[];
}
interface Workflow {
  on: Record<string, unknown>;
  permissions: object;
  concurrency?: object;
  jobs: Record<string, Job>;
}

const read = (file: string) => parse(readFileSync(new URL(file, folder), "utf8")) as Workflow;
const stacksIn = (at: URL) => readdirSync(at).flatMap((file) => /^Pulumi\.(.+)\.yaml$/.exec(file)?.[1] ?? []);

for (const file of readdirSync(folder)) {
  const text = readFileSync(new URL(file, folder), "utf8");
  const workflow = read(file);
  const jobs = Object.values(workflow.jobs);
  const steps = jobs.flatMap((job) => job.steps);

  describe(file, () => {
    test("pins every action to a commit", () => {
      const uses = [...text.matchAll(/^ *(?:- )?uses: (.*)/gm)].map(([, action = ""]) => action);
      assert.ok(uses.length > 0);
      for (const action of uses) assert.match(action, /^[\w-]+\/[\w-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+$/);
    });

    test("gives each job its own permissions, and never writes to the repository", () => {
      assert.deepEqual(workflow.permissions, {});
      for (const { permissions } of jobs) assert.equal(permissions?.["contents"], "read");
      assert.doesNotMatch(text, /write-all|read-all|id-token|secrets: inherit/);
    });

    test("leaves no token in the checkout", () => {
      const checkouts = steps.filter(({ uses }) => uses?.startsWith("actions/checkout@"));
      assert.ok(checkouts.length > 0);
      for (const step of checkouts) assert.equal(step.with?.["persist-credentials"], false);
    });

    test("inserts nothing into a script but a stack of its matrix", () => {
      for (const { run = "" } of steps) {
        for (const [, expression] of run.matchAll(/\$\{\{(.*?)\}\}/g)) assert.equal(expression, " matrix.stack ");
      }
    });

    test("runs commands of package.json only", () => {
      const { scripts } = JSON.parse(readFileSync(new URL("package.json", root), "utf8")) as { scripts: object };
      for (const [, name = ""] of text.matchAll(/npm run ([\w-]+)/g)) assert.ok(name in scripts, name);
    });

    test("has limits in time and number", () => {
      for (const job of jobs) {
        assert.ok(job["timeout-minutes"] !== undefined);
        assert.ok((workflow.concurrency ?? job.concurrency) !== undefined);
      }
    });

    test("never hands secrets or a writing token to the code of a pull request", () => {
      assert.ok(!("pull_request_target" in workflow.on));
      if ("pull_request" in workflow.on) {
        assert.doesNotMatch(text, /secrets\.|: write/);
      }
      for (const event of ["workflow_run", "issue_comment"]) {
        if (!(event in workflow.on)) continue;
        // Without `ref`, these check out the main branch. A cache could come from a pull request.
        for (const step of steps) assert.ok(step.with?.["ref"] === undefined && step.with?.["cache"] === undefined);
      }
    });

    test("uses secrets in an environment only, without a cache", () => {
      for (const job of jobs.filter((job) => JSON.stringify(job).includes("secrets."))) {
        assert.ok(job.environment !== undefined);
        for (const step of job.steps) assert.equal(step.with?.["cache"], undefined);
      }
    });
  });
}

describe("the workflows of the stacks", () => {
  const stacks = stacksIn(root).toSorted();

  test("review, comment on and compare every stack there is", () => {
    const jobs = [read("review.yml").jobs["review"], read("comment.yml").jobs["post"], read("drift.yml").jobs["drift"]];
    for (const job of jobs) assert.deepEqual(job?.strategy?.matrix.stack.toSorted(), stacks);
  });

  test("review what is committed alone: their own files are ignored", () => {
    const commands = read("review.yml").jobs["review"]?.steps.flatMap(({ run = "" }) => run) ?? [];
    const files = commands.flatMap((run) =>
      [...run.matchAll(/--(?:report|out|full) (\S+)/g)].map(([, file = ""]) => file),
    );
    assert.deepEqual(files, ["rehearsal.md", "rehearsal.json", "review.md", "full.md"]);
    assert.equal(execaSync("git", ["check-ignore", ...files], { cwd: root }).stdout, files.join("\n"));
  });

  test("deploy every stack in its own environment, prod after test, and only what was reviewed", () => {
    const { on, jobs, concurrency } = read("deploy.yml");
    assert.deepEqual(concurrency, { group: "deploy" });
    assert.deepEqual(on, { push: { branches: ["main"] } });
    assert.deepEqual(Object.keys(jobs).toSorted(), stacks);
    assert.equal(jobs["prod"]?.needs, "test");
    for (const [stack, job] of Object.entries(jobs)) {
      assert.deepEqual([job.environment, job.concurrency], [stack, { group: `stack-${stack}` }]);
      const commands = job.steps.flatMap(({ run = "" }) => (/pulumi up|npm run/.test(run) ? [run] : []));
      assert.deepEqual(commands, [
        `npm run apply -- --stack ${stack} --merged "$GITHUB_SHA" --repository "$GITHUB_REPOSITORY"`,
      ]);
    }
  });

  test("let members alone start a review again", () => {
    const { again, post } = read("comment.yml").jobs;
    assert.match(again?.if ?? "", /\["OWNER", "MEMBER", "COLLABORATOR"\]/);
    assert.deepEqual(again?.permissions, { contents: "read", "pull-requests": "read", actions: "write" });
    assert.match(post?.if ?? "", /^github\.event_name == 'workflow_run' &&/);
  });

  test("run on main what .ci/run runs", () => {
    assert.equal(read("main.yml").jobs["main"]?.steps.at(-1)?.run, ".ci/run");
  });
});

describe("e2e.yml", () => {
  const text = readFileSync(new URL("e2e.yml", folder), "utf8");
  const workflow = parse(text) as Workflow;

  test("rehearses every stack of tests/e2e, with no more than read access", () => {
    const stacks = stacksIn(new URL("tests/e2e/", root));
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
