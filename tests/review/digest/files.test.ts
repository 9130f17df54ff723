import assert from "node:assert/strict";
import { appendFile, mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { execa } from "execa";
import { reviewedFiles } from "../../../review/digest/files.ts";

test("changed and new files are not as committed, ignored ones and those outside the folder do not count", async () => {
  const repository = await mkdtemp(join(tmpdir(), "files-"));
  try {
    const git = (...args: string[]) =>
      execa("git", ["-c", "user.name=t", "-c", "user.email=t@example.com", ...args], { cwd: repository });
    const folder = join(repository, "stack");
    await mkdir(join(folder, "patches"), { recursive: true });
    await writeFile(join(folder, "Pulumi.yaml"), "name: pulsar\n");
    await writeFile(join(folder, "Pulumi.test.yaml"), "config: {}\n");
    await writeFile(join(folder, ".gitignore"), "*.log\n");
    await git("init", "--quiet");
    await git("add", ".");
    await git("commit", "--quiet", "--message", "Begin");
    await writeFile(join(folder, "up.log"), "");
    await writeFile(join(repository, "notes"), "");
    assert.deepEqual((await reviewedFiles(folder, "test")).uncommitted, []);
    await writeFile(join(folder, "patches/new.ts"), "");
    await appendFile(join(folder, "Pulumi.yaml"), "# later\n");
    assert.deepEqual((await reviewedFiles(folder, "test")).uncommitted, ["Pulumi.yaml", "patches/new.ts"]);
  } finally {
    await rm(repository, { recursive: true });
  }
});
