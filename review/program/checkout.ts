/** The commits that a review compares, and a folder with the files of one of them. */
import { mkdtemp, readFile, realpath, rm, symlink } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { execa } from "execa";
import { RehearsalError } from "../../rehearsal/engine/fault.ts";

export interface Commits {
  /** The merge base of `head` and the reference. */
  base: string;
  head: string;
  /** How many commits the reference has that `head` does not. */
  behind: number;
}

/** @throws RehearsalError if git finds no common commit, for example because there is no such reference */
export async function commitsOf(folder: string, reference: string): Promise<Commits> {
  const git = async (...args: string[]) => {
    const { failed, stdout, stderr } = await execa("git", args, { cwd: folder, reject: false });
    if (!failed) return stdout.trim();
    const reason = stderr.split("\n", 1)[0]?.replace(/^fatal: /, "") || "no common commit";
    throw new RehearsalError(
      `--base: git finds no merge base with ${reference} (${reason}); fetch it, or name another`,
    );
  };
  return {
    base: await git("merge-base", "--end-of-options", "HEAD", reference),
    head: await git("rev-parse", "HEAD"),
    behind: Number(await git("rev-list", "--count", `HEAD..${reference}`)),
  };
}

/**
 * Passes a temporary folder with the files of a commit to `use`, and removes it afterwards in any case. The commit's packages are those of
 * `folder` if both have the same lock file; otherwise they are installed.
 */
export async function withCheckout<T>(
  folder: string,
  commit: string,
  use: (checkout: string) => Promise<T>,
): Promise<T> {
  const checkout = await mkdtemp(join(await realpath(tmpdir()), "pulsar-review-"));
  try {
    await exportCommit(folder, commit, checkout);
    const locks = await Promise.all([folder, checkout].map((one) => readFile(join(one, "package-lock.json"), "utf8")));
    if (locks[0] === locks[1]) await symlink(join(folder, "node_modules"), join(checkout, "node_modules"));
    else await execa("npm", ["ci", "--omit=dev", "--ignore-scripts", "--no-audit", "--no-fund"], { cwd: checkout });
    return await use(checkout);
  } finally {
    await rm(checkout, { recursive: true, force: true, maxRetries: 3 });
  }
}

/** Unlike a work tree of git, this leaves no trace in the repository, even if the process is killed. */
async function exportCommit(folder: string, commit: string, target: string): Promise<void> {
  const archive = join(target, ".archive.tar");
  const { stdout: root } = await execa("git", ["rev-parse", "--show-toplevel"], { cwd: folder });
  await execa("git", ["archive", "--format=tar", "--output", archive, commit], { cwd: root });
  const { extract } = await import("tar");
  await extract({ file: archive, cwd: target });
  await rm(archive);
}
