import assert from "node:assert/strict";
import { join } from "node:path";
import { test } from "node:test";
import { execaNode } from "execa";

const project = join(import.meta.dirname, "../../..");

test("npm run review refuses files that it cannot read or write before it starts", async () => {
  const cases: [option: string, value: string, reason: RegExp][] = [
    ["--out", "README.md/review.md", /^--out: cannot write README\.md\/review\.md: .*; use another file$/],
    ["--full", "docs", /^--full: cannot write docs: it is a folder; use another file$/],
    ["--chart", "no-such", /^--chart: cannot read no-such: ENOENT.*; use a chart$/],
    ["--chart", "docs", /^--chart: docs has no Chart\.yaml; use the folder or the \.tgz file of a chart$/],
  ];
  await Promise.all(
    cases.map(async ([option, value, reason]) => {
      const { exitCode, stderr, stdout } = await execaNode(
        join(project, "review/cli/review.ts"),
        ["--stack", "test", option, value],
        { cwd: project, reject: false, nodeOptions: [] },
      );
      assert.match(stderr, reason);
      assert.deepEqual([exitCode, stdout], [2, ""]);
    }),
  );
});
