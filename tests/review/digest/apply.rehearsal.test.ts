import assert from "node:assert/strict";
import { appendFile, chmod, cp, mkdir, mkdtemp, readFile, realpath, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { execa, execaNode } from "execa";
import { digestOf, digestText } from "../../../review/digest/digest.ts";
import { reviewedFiles } from "../../../review/digest/files.ts";
import { marker } from "../../../review/github/markedText.ts";
import { planOf } from "../../../review/planOf.ts";
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
      await symlink(join(project, "node_modules"), join(to, "node_modules"));
    };
    await git(base, "clone", "--quiet", "--bare", "--depth", "1", `file://${project}`, bare);
    await git(bare, "branch", "--force", "main", "HEAD");
    await git(bare, "symbolic-ref", "HEAD", "refs/heads/main");
    await clone(author);
    await git(author, "switch", "--quiet", "--create", "change");
    const stackFile = await readFile(new URL("Pulumi.test.yaml", fixtures), "utf8");
    const ownChart = stackFile.replace("    version: 2.7.7\n", "    version: 2.7.7\n    source: ./chart\n");
    await writeFile(join(author, "Pulumi.test.yaml"), ownChart);
    await cp(join(project, "rehearsal/standins/charts/pulsar-2.7"), join(author, "chart"), { recursive: true });
    await git(author, "add", "chart", "Pulumi.test.yaml");
    await git(author, "commit", "--quiet", "--message", "Change the stack");
    await git(author, "push", "--quiet", "origin", "change");
    const sha = await git(author, "rev-parse", "HEAD");

    // The review, posted twice: there is one comment.
    const plan = await planOf({ folder: author, stack: "test" });
    assert.ok(!("refused" in plan), JSON.stringify(plan));
    const { files, uncommitted } = await reviewedFiles(author, "test");
    assert.deepEqual(uncommitted, []);
    const digest = digestText(digestOf(plan, files));
    const review = join(base, "review.md");
    const env = { GITHUB_TOKEN: "secret-token", GITHUB_API_URL: fake.url };
    fake.pulls.push({
      number: 7,
      state: "open",
      head: { ref: "change", sha, repo: { full_name: "o/r" } },
      merge_commit_sha: null,
    });
    const command = (folder: string, name: string, args: string[], path = "") =>
      execaNode(join(folder, "review/cli", `${name}.ts`), args, {
        cwd: folder,
        env: { ...env, PATH: `${path}${process.env["PATH"] ?? ""}` },
        reject: false,
        nodeOptions: [],
      });
    for (const words of ["first", "second"]) {
      await writeFile(review, `${marker("review", "test")}\n\n### test: ${words}\n\n- Digest: ${digest}\n`);
      const args = ["--repository", "o/r", "--head", "o:change", "--sha", sha, "--stack", "test", "--file", review];
      const { exitCode, stderr } = await command(author, "comment", args);
      assert.equal(exitCode, 0, stderr);
    }
    assert.deepEqual(
      fake.comments.map(({ body }) => body),
      [await readFile(review, "utf8")],
    );

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

    const dry = await apply("--merged", merged, "--repository", "o/r", "--dry-run");
    assert.equal(dry.exitCode, 0, dry.stderr);
    await assert.rejects(readFile(calls), { code: "ENOENT" });
    const applied = await apply("--merged", merged, "--repository", "o/r");
    assert.equal(applied.exitCode, 3, applied.stderr);
    assert.equal(await readFile(calls, "utf8"), "up --yes --stack test --policy-pack policy\n");

    // After the review: first files that are not committed, then a commit, with the digest of the review.
    await appendFile(join(deployer, "Pulumi.test.yaml"), "  # later\n");
    await writeFile(join(deployer, "new.ts"), "");
    const dirty = await apply("--digest", digest);
    assert.match(
      dirty.stderr,
      /^program: not as committed: Pulumi\.test\.yaml, new\.ts; commit, ignore or remove them, and review again$/,
    );
    await rm(join(deployer, "new.ts"));
    await git(deployer, "commit", "--quiet", "--all", "--message", "Change it again");
    const other = await apply("--digest", digest);
    assert.deepEqual(other.stderr.split("\n"), [
      "stack file: Pulumi.yaml or the stack file has another content than reviewed; review it again, and apply with the new digest",
      "program: the commit has other files than reviewed; review it again, and apply with the new digest",
    ]);
    assert.deepEqual([dirty.exitCode, other.exitCode], [2, 2]);
    assert.equal(await readFile(calls, "utf8"), "up --yes --stack test --policy-pack policy\n");
  } finally {
    await fake.close();
    await rm(base, { recursive: true, force: true });
  }
});
