/** The files that a review covers. */
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { execa } from "execa";
import { readStackFile } from "../../rehearsal/engine/stackSettings.ts";
import type { ReviewedFiles } from "./digest.ts";

/**
 * @param folder the folder of Pulumi.yaml and the stack file, in a git repository
 * @returns the files, and the names of those that are not as committed. Ignored files do not count.
 * @throws RehearsalError if there is no such stack
 */
export async function reviewedFiles(
  folder: string,
  stack: string,
): Promise<{ files: ReviewedFiles; uncommitted: string[] }> {
  const git = async (...args: string[]) => (await execa("git", args, { cwd: folder })).stdout;
  const [stackFile, project, tree, ...uncommitted] = await Promise.all([
    readStackFile(folder, stack),
    readFile(join(folder, "Pulumi.yaml"), "utf8"),
    git("rev-parse", "HEAD:./"),
    git("diff", "--name-only", "--relative", "HEAD"),
    git("ls-files", "--others", "--exclude-standard"),
  ]);
  return {
    files: { stackFile, project, tree },
    uncommitted: uncommitted.flatMap((names) => names.split("\n")).filter((name) => name !== ""),
  };
}
