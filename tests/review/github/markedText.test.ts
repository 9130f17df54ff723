import assert from "node:assert/strict";
import { after, before, beforeEach, describe, it } from "node:test";
import { github, secondsToWait } from "../../../review/github/client.ts";
import { longestBody, marker, setStatus, writeComment, writeIssue } from "../../../review/github/markedText.ts";
import { bot, type FakeGitHub, fakeGitHub, type Text } from "./fakeGitHub.ts";

const where = { owner: "o", repo: "r" };
const first = marker("review", "prod");
const body = (text: string) => `${first}\n${text}`;

describe("texts on GitHub that are found by a marker", () => {
  let fake: FakeGitHub;
  before(async () => {
    fake = await fakeGitHub();
  });
  after(() => fake.close());
  beforeEach(() => {
    fake.reset();
  });
  const api = () => github({ token: "secret-token", baseUrl: fake.url, second: 1 });
  const write = (text: string) => writeComment(api(), { ...where, pull: 7 }, body(text));

  /** Comments of somebody else. */
  function talk(count: number): void {
    const other = { login: "user", type: "User" };
    for (let id = 1; id <= count; id++) {
      fake.comments.push({ id, body: "Looks good", user: other, author_association: "NONE" });
    }
  }

  it("creates one comment and edits it in place afterwards, behind several pages of others", async () => {
    talk(250);
    assert.deepEqual([await write("one"), await write("two"), await write("two")], ["created", "edited", "unchanged"]);
    talk(120);
    assert.equal(await write("three"), "edited");
    const ours = fake.comments.filter(({ user }) => user.type === "Bot");
    assert.deepEqual(
      ours.map(({ body }) => body),
      [body("three")],
    );
    assert.ok(fake.requests.filter((line) => line.startsWith("GET ")).length >= 3 * 3 + 4);
  });

  it("keeps the comments of two stacks apart", async () => {
    await write("one");
    await writeComment(api(), { ...where, pull: 7 }, `${marker("review", "test")}\nother`);
    assert.equal(fake.comments.length, 2);
  });

  it("ignores a marker that an outsider has written, and edits one of a member", async () => {
    const by = (author_association: string): Text => ({
      id: fake.comments.length + 1,
      body: body("mine"),
      user: { login: "user", type: "User" },
      author_association,
    });
    fake.comments.push(by("NONE"));
    assert.equal(await write("one"), "created");
    fake.comments.splice(0, 2, by("MEMBER"));
    assert.equal(await write("one"), "edited");
  });

  it("waits for rate limits and repeats failed requests", async () => {
    await write("one");
    const reset = String(Math.floor(Date.now() / 1000) + 2);
    fake.failures.push(
      { method: "GET", status: 429, headers: { "retry-after": "2" } },
      { method: "GET", status: 403, headers: { "x-ratelimit-remaining": "0", "x-ratelimit-reset": reset } },
      { method: "GET", status: 502 },
      { method: "PATCH", status: 500 },
    );
    assert.equal(await write("two"), "edited");
    assert.equal(fake.failures.length, 0);
  });

  it("does not duplicate a comment whose creation is answered with an error", async () => {
    fake.failures.push({ method: "POST", status: 502, applied: true });
    assert.equal(await write("one"), "unchanged");
    assert.equal(fake.comments.length, 1);
    fake.comments.length = 0;
    fake.failures.push({ method: "POST", status: 502 });
    assert.equal(await write("one"), "created");
    assert.equal(fake.comments.length, 1);
  });

  it("gives up where waiting is useless", async () => {
    fake.failures.push({ method: "GET", status: 403 });
    await assert.rejects(write("one"), { status: 403 });
    fake.failures.push({ method: "GET", status: 429, headers: { "retry-after": "3600" } });
    await assert.rejects(write("one"), { status: 429 });
    await assert.rejects(writeComment(github({ token: "wrong", baseUrl: fake.url }), { ...where, pull: 7 }, body("")), {
      status: 401,
    });
    assert.equal(fake.requests.length, 3);
  });

  it("refuses a text that GitHub does not accept", async () => {
    await assert.rejects(
      write("x".repeat(longestBody)),
      /^Error: comment: \d+ characters, and GitHub accepts 65536; shorten it$/,
    );
    assert.deepEqual(fake.requests, []);
  });

  it("opens one issue, updates it, and closes it without a text", async () => {
    const drift = marker("drift", "prod");
    const issue = (body?: string) => writeIssue(api(), where, { first: drift, title: "prod has drifted", body });
    assert.equal(await issue(), "unchanged");
    assert.equal(await issue(`${drift}\none`), "created");
    assert.equal(await issue(`${drift}\ntwo`), "edited");
    assert.equal(await issue(`${drift}\ntwo`), "unchanged");
    assert.equal(await issue(), "closed");
    assert.equal(await issue(`${drift}\nagain`), "created");
    assert.deepEqual(
      fake.issues.map(({ state, body, user }) => [state, body, user]),
      [
        ["closed", `${drift}\ntwo`, bot],
        ["open", `${drift}\nagain`, bot],
      ],
    );
  });

  it("sets a status with at most 140 characters", async () => {
    const status = { state: "success" as const, context: "review/prod", description: "x".repeat(200) };
    await setStatus(api(), { ...where, sha: "abc" }, { ...status, target: "https://example.com" });
    const [set] = fake.statuses;
    assert.equal(set?.description.length, 140);
    assert.deepEqual([set.sha, set.state, set.target_url], ["abc", "success", "https://example.com"]);
  });
});

describe("the wait for a rate limit", () => {
  it("follows retry-after, else the reset, and is no matter of other refusals", () => {
    const seconds = (status: number, headers = {}) => secondsToWait({ status, response: { headers } }, 1_000_000);
    assert.equal(seconds(429, { "retry-after": "7" }), 7);
    assert.equal(seconds(429), 60);
    assert.equal(seconds(403, { "x-ratelimit-remaining": "0", "x-ratelimit-reset": "1030" }), 30);
    assert.equal(seconds(403, { "x-ratelimit-remaining": "5" }), undefined);
    assert.equal(seconds(500, { "retry-after": "7" }), undefined);
  });
});
