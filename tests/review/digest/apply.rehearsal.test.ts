import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { appendFile, chmod, cp, mkdir, mkdtemp, readFile, realpath, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { execa, execaNode } from "execa";
import { digestIn, digestText } from "../../../review/digest/digest.ts";
import { fixtures } from "../../support/stackFile.ts";
import { fakeGitHub } from "../github/fakeGitHub.ts";

const project = fileURLToPath(new URL("../../../", import.meta.url));

test("a pull request is reviewed, merged and applied, and nothing else is", async () => {
  const base = await mkdtemp(join(await realpath(tmpdir()), "pull-request-"));
  const fake = await fakeGitHub();
  try {
    // A bare repository, a clone for the pull request, and one that deploys what was merged.
    const [bare, author, deployer] = ["bare", "author", "deployer"].map((name) => join(base, name));
    assert.ok(bare && author && deployer);
    const git = async (cwd: string, ...args: string[]) =>
      (await execa("git", ["-c", "user.name=t", "-c", "user.email=t@example.com", ...args], { cwd })).stdout;
    const clone = async (to: string) => {
      await git(base, "clone", "--quiet", bare, to);
      for (const packages of ["node_modules", "review/node_modules"].filter((name) =>
        existsSync(join(project, name)),
      )) {
        await symlink(join(project, packages), join(to, packages));
      }
    };
    await git(base, "clone", "--quiet", "--bare", "--depth", "1", `file://${project}`, bare);
    await git(bare, "branch", "--force", "main", "HEAD");
    await git(bare, "symbolic-ref", "HEAD", "refs/heads/main");
    await clone(author);
    const edit = async (folder: string, change: (text: string) => string) => {
      const file = join(folder, "Pulumi.test.yaml");
      await writeFile(file, change(await readFile(file, "utf8")));
      await git(folder, "add", "--all");
      await git(folder, "commit", "--quiet", "--message", "Change the stack");
      await git(folder, "push", "--quiet", "origin", "HEAD");
      return git(folder, "rev-parse", "HEAD");
    };
    const stackFile = await readFile(new URL("Pulumi.test.yaml", fixtures), "utf8");
    await cp(join(project, "rehearsal/standins/charts/pulsar-2.7"), join(author, "chart"), { recursive: true });
    await edit(author, () => stackFile.replace("    version: 2.7.7\n", "    version: 2.7.7\n    source: ./chart\n"));

    const env = { GITHUB_TOKEN: "secret-token", GITHUB_API_URL: fake.url };
    const command = (folder: string, name: string, args: string[], path = "") =>
      execaNode(join(folder, "review/cli", `${name}.ts`), args, {
        cwd: folder,
        env: { ...env, PATH: `${path}${process.env["PATH"] ?? ""}` },
        reject: false,
        nodeOptions: [],
      });
    const head = { ref: "change", sha: "", repo: { full_name: "o/r" } };
    fake.pulls.push({ number: 7, state: "open", head, merge_commit_sha: null });
    const user = { login: "u", type: "User" };
    for (let id = 1; id <= 130; id++) fake.comments.push({ id, body: "Hm", user, author_association: "NONE" });

    /** Reviews the branch as review.yml does, and posts the review as comment.yml does. */
    const reviewBranch = async (sha: string) => {
      head.sha = sha;
      const [file, full] = [join(base, "reports/review.md"), join(base, "reports/full.md")];
      const reviewed = await command(author, "review", [
        ...["--stack", "test", "--base", "origin/main", "--out", file, "--full", full, "--limit", "1000"],
      ]);
      assert.equal(reviewed.exitCode, 0, reviewed.stderr || (await readFile(full, "utf8")));
      const posted = await command(author, "comment", [
        ...["--repository", "o/r", "--head", "o:change", "--sha", sha, "--stack", "test", "--file", file],
      ]);
      assert.equal(posted.exitCode, 0, posted.stderr);
      const text = await readFile(file, "utf8");
      assert.deepEqual(
        fake.comments.filter(({ user }) => user.type === "Bot").map(({ body }) => body),
        [text],
      );
      assert.ok(text.includes(sha.slice(0, 12)));
      return { outcome: posted.stdout, text, full: await readFile(full, "utf8") };
    };

    // Two reviews in one comment, behind a page of others, past a rate limit, a failure, and a creation that is answered with an error.
    await git(author, "switch", "--quiet", "--create", "change");
    fake.failures.push(
      { method: "GET", status: 429, headers: { "retry-after": "0" } },
      { method: "GET", status: 502 },
      { method: "POST", status: 502, applied: true },
    );
    const first = await reviewBranch(await edit(author, (text) => text.replace("/library", "/first")));
    assert.match(first.outcome, /comment on pull request 7 unchanged$/);
    assert.match(first.text, /^Cut to fit into a comment: /m);
    assert.match(first.full, /example\.com\/first/);
    const second = await reviewBranch(await edit(author, (text) => text.replace("/first", "/second")));
    assert.match(second.outcome, /comment on pull request 7 edited$/);
    assert.match(second.full, /example\.com\/second/);
    assert.deepEqual(fake.failures, []);
    assert.deepEqual(
      fake.statuses.map(({ context, state }) => `${context}: ${state}`),
      ["review/test: success", "review/test: success"],
    );
    const [stale, digest] = [first, second].map(({ text }) => digestText(digestIn(text)));
    assert.ok(stale && digest);

    // Squashed into another commit with the same files, as GitHub does.
    await git(author, "switch", "--quiet", "main");
    await git(author, "merge", "--squash", "change");
    await git(author, "commit", "--quiet", "--message", "Change the stack (#7)");
    await git(author, "push", "--quiet", "origin", "main");
    const merged = await git(author, "rev-parse", "HEAD");
    Object.assign(fake.pulls[0] ?? {}, { state: "closed", merge_commit_sha: merged });

    await clone(deployer);
    const calls = join(base, "calls");
    await mkdir(join(base, "bin"));
    await writeFile(join(base, "bin/pulumi"), `#!/bin/sh\necho "$@" >> ${calls}\nexit 3\n`);
    await chmod(join(base, "bin/pulumi"), 0o755);
    const apply = (...args: string[]) => command(deployer, "apply", ["--stack", "test", ...args], `${base}/bin:`);

    const old = await apply("--digest", stale);
    assert.deepEqual(
      old.stderr.split("\n").map((line) => /^([a-z ]+): .* than reviewed; review it again, /.exec(line)?.[1]),
      ["stack file", "program", "resources", "manifests", "images"],
    );
    const dry = await apply("--digest", digest, "--dry-run");
    assert.equal(dry.exitCode, 0, dry.stderr);
    await assert.rejects(readFile(calls), { code: "ENOENT" });
    const applied = await apply("--merged", merged, "--repository", "o/r");
    assert.equal(applied.exitCode, 3, applied.stderr);

    await appendFile(join(deployer, "Pulumi.test.yaml"), "  # later\n");
    await writeFile(join(deployer, "new.ts"), "");
    const dirty = await apply("--digest", digest);
    assert.match(
      dirty.stderr,
      /^program: not as committed: Pulumi\.test\.yaml, new\.ts; commit, ignore or remove them, and review again$/,
    );
    await edit(deployer, (text) => text.replace("source: ./chart", "source: https://127.0.0.1:1/charts"));
    const unreachable = await apply("--digest", digest);
    assert.match(
      unreachable.stderr,
      /^chart: version 2\.7\.7 cannot be downloaded, .*; make pulsar:chart\.source reachable from here$/,
    );
    assert.deepEqual([old.exitCode, dirty.exitCode, unreachable.exitCode], [2, 2, 2]);
    assert.equal(await readFile(calls, "utf8"), "up --yes --stack test --policy-pack policy\n");
  } finally {
    await fake.close();
    await rm(base, { recursive: true, force: true });
  }
});
