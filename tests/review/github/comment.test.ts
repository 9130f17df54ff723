import assert from "node:assert/strict";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, beforeEach, describe, it } from "node:test";
import { execaNode } from "execa";
import { digestIn } from "../../../review/digest/digest.ts";
import { github } from "../../../review/github/client.ts";
import { longestBody, marker } from "../../../review/github/markedText.ts";
import { mergedReview } from "../../../review/github/pulls.ts";
import { bot, type FakeGitHub, fakeGitHub } from "./fakeGitHub.ts";

const command = join(import.meta.dirname, "../../../review/cli/comment.ts");
const digest = `v1:${"a".repeat(32)}`;
const review = `${marker("review", "prod")}\n\n### prod: 1 to create; 4 pods restart\n\n- Digest: ${digest}\n`;
const sha = "c0ffee";

describe("npm run comment", () => {
  let fake: FakeGitHub;
  let folder: string;
  before(async () => {
    fake = await fakeGitHub();
    folder = await mkdtemp(join(tmpdir(), "review-"));
  });
  after(async () => {
    await fake.close();
    await rm(folder, { recursive: true });
  });
  beforeEach(() => {
    fake.reset();
    fake.pulls.push({
      number: 7,
      state: "open",
      head: { ref: "change", sha, repo: { full_name: "o/r" } },
      merge_commit_sha: "d00d",
    });
  });

  const comment = (args: string[], env: Record<string, string> = {}) =>
    execaNode(command, ["--repository", "o/r", ...args], {
      env: { GITHUB_TOKEN: "secret-token", GITHUB_API_URL: fake.url, ...env },
      reject: false,
      nodeOptions: [],
    });
  async function post(text: string, ...args: string[]) {
    const file = join(folder, "review.md");
    await writeFile(file, text);
    return comment(["--sha", sha, "--stack", "prod", "--file", file, ...args]);
  }

  it("posts the review of a branch once, edits it, and sets the status of its commit", async () => {
    for (let id = 1; id <= 130; id++) {
      fake.comments.push({ id, body: "Hm", user: { login: "u", type: "User" }, author_association: "NONE" });
    }
    fake.failures.push({ method: "GET", status: 502 }, { method: "POST", status: 502, applied: true });
    const created = await post(review, "--head", "o:change", "--link", "https://example.com/run");
    assert.equal(created.exitCode, 0, created.stderr);
    const edited = await post(`${review}More.\n`, "--pull", "7", "--state", "failure");
    assert.equal(edited.stdout, "prod: comment on pull request 7 edited");
    assert.deepEqual(
      fake.comments.filter(({ user }) => user.type === "Bot").map(({ body }) => body),
      [`${review}More.\n`],
    );
    const context = "review/prod";
    const description = "prod: 1 to create; 4 pods restart";
    assert.deepEqual(fake.statuses, [
      { sha, context, description, state: "success", target_url: "https://example.com/run" },
      { sha, context, description, state: "failure" },
    ]);
  });

  it("posts nothing for a branch that has a newer commit", async () => {
    const { exitCode, stdout } = await post(review, "--head", "o:change", "--sha", "beef");
    assert.deepEqual([exitCode, stdout], [0, "prod: not posted, because no open pull request has commit beef"]);
    assert.deepEqual(fake.comments, []);
  });

  it("refuses a file that is no review of the stack, and sends nothing", async () => {
    const cases: [string, RegExp][] = [
      ["### prod\n", /^--file: .* is not a review of prod; write it with npm run review$/],
      [review.replace("prod", "test"), /is not a review of prod/],
      [` ${review}`, /is not a review of prod/],
      [review + "x".repeat(longestBody), /has \d+ characters, and GitHub accepts 65536; shorten it$/],
      [review + "x".repeat(5 * longestBody), /is not a file of at most 65536 characters/],
    ];
    for (const [text, message] of cases) {
      const { exitCode, stderr } = await post(text, "--pull", "7");
      assert.match(stderr, message);
      assert.equal(exitCode, 2);
    }
    assert.deepEqual(fake.requests, []);
  });

  it("does not show the token when GitHub refuses it", async () => {
    const { exitCode, stdout, stderr } = await comment(["--pull", "7", "--again", "review.yml"], {
      GITHUB_TOKEN: "wrong-token",
    });
    assert.equal(exitCode, 1);
    assert.doesNotMatch(stdout + stderr, /wrong-token/);
  });

  it("starts the last run of a workflow again", async () => {
    assert.match(
      (await comment(["--pull", "7", "--again", "review.yml"])).stderr,
      /^review.yml: has not run for commit/,
    );
    fake.runs.push({ id: 12, head_sha: sha });
    assert.equal((await comment(["--pull", "7", "--again", "review.yml"])).exitCode, 0);
    assert.equal(fake.requests.at(-1), "POST /repos/o/r/actions/runs/12/rerun");
  });

  it("finds the digest of a merge commit, but not of a fork's review", async () => {
    const api = github({ token: "secret-token", baseUrl: fake.url, second: 1 });
    const found = (commit: string) => mergedReview(api, { owner: "o", repo: "r" }, { sha: commit, stack: "prod" });
    await assert.rejects(found("d00d"), { message: /^--merged: pull request 7 has no review of prod; run / });
    fake.comments.push({ id: 1, body: review, user: bot, author_association: "NONE" });
    assert.equal(digestIn(await found("d00d")).overall, "a".repeat(32));
    // A commit that is in the pull request, but is not what the merge gave.
    await assert.rejects(found(sha), { message: /^--merged: no pull request gave commit c0ffee; / });
    for (const repo of [{ full_name: "fork/r" }, null]) {
      Object.assign(fake.pulls[0]?.head ?? {}, { repo });
      await assert.rejects(found("d00d"), { message: /^--merged: pull request 7 is from a fork; / });
    }
  });
});
