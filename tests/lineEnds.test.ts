import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { it } from "node:test";
import { execa } from "execa";

const root = join(import.meta.dirname, "..");

// Not a clone: the working tree of the last commit alone, with the attributes of this one.
it(
  "is checked out with LF where git is set to write CRLF",
  { skip: !existsSync(join(root, ".git")) },
  async (context) => {
    const dir = await mkdtemp(join(tmpdir(), "line-ends-"));
    context.after(() => rm(dir, { recursive: true, force: true }));
    await execa("git", ["-c", "core.autocrlf=true", "checkout-index", "--all", `--prefix=${dir}/`], { cwd: root });
    const { stdout } = await execa("git", ["ls-files"], { cwd: root });
    const files = stdout.split("\n");
    assert.ok(files.includes("model/charts/line4/postrender"));
    const contents = await Promise.all(files.map((file) => readFile(join(dir, file))));
    assert.deepEqual(
      files.filter((_, i) => contents[i]?.includes("\r\n")),
      [],
    );
  },
);
