/** `npm run review`: what a change does to a stack, as the comment on its pull request. */
import { existsSync } from "node:fs";
import { readFile, stat, writeFile } from "node:fs/promises";
import { join, resolve } from "node:path";
import { execa } from "execa";
import { command, requireWritable } from "../../rehearsal/cli/command.ts";
import { RehearsalError } from "../../rehearsal/engine/fault.ts";
import { ownProject } from "../../rehearsal/engine/stackSettings.ts";
import { accepted, differencesOf, renderReview, type Review } from "../comment/comment.ts";
import { type Plan, planOf, policiesOf } from "../planOf.ts";
import { digestOf, digestText } from "../digest/digest.ts";
import { reviewedFiles } from "../digest/files.ts";
import { commitsOf, withCheckout } from "../program/checkout.ts";
import { driftLine } from "../drift/issue.ts";
import { githubOfEnvironment, repositoryIn } from "../github/client.ts";
import { previewOf } from "../program/preview.ts";
import { requireStack } from "./stack.ts";

const usage = `Shows what the change since the base does to a stack: what changes, which pods restart, and what data is at risk.
It needs no cluster and no passphrase, and changes nothing.

  npm run review -- --stack NAME [--base REF] [--out FILE] [--limit CHARACTERS] [--link URL] [--chart PATH]
                    [--full FILE] [--rehearsal FILE] [--drift OWNER/NAME] [--preview]

  --stack NAME        the stack to review, from Pulumi.NAME.yaml
  --base REF          compare with the merge base of HEAD and this reference (default: origin/main, else main)
  --out FILE          write the review to a file instead of printing it
  --limit CHARACTERS  cut the review to fit (default: 65536, the limit of a GitHub comment)
  --full FILE         also write the whole review to a file, whatever the limit
  --link URL          where the whole review can be read, for what is cut
  --chart PATH        a local chart to render instead of the stack's
  --rehearsal FILE    the result of a rehearsal: npm run rehearse -- --stack NAME --report FILE.json
  --drift OWNER/NAME  say whether npm run drift has an open issue for the stack in this repository on GitHub; the variable GITHUB_TOKEN has a
                      token that reads issues
  --preview           also run pulumi preview --diff, which needs the stack's state and passphrase
  --help              show this help

Exit status: 0 if the change can be applied; 1 if it is refused, the preview or the rehearsal fails, or a mandatory policy is violated; 2 if the
review cannot run.`;

const options = {
  stack: { type: "string" },
  base: { type: "string" },
  out: { type: "string" },
  limit: { type: "string" },
  full: { type: "string" },
  link: { type: "string" },
  chart: { type: "string" },
  rehearsal: { type: "string" },
  drift: { type: "string" },
  preview: { type: "boolean", default: false },
} as const;

await command({ usage, options, exitCodes: { Error: 2, ExecaError: 2 } }, async (given) => {
  const { out, full } = given;
  const stack = requireStack(given.stack);
  const limit = given.limit === undefined ? undefined : Number(given.limit);
  if (limit !== undefined && !(limit >= 1000))
    throw new RehearsalError(`--limit: ${given.limit ?? ""} is not valid; use a number of at least 1000`);
  const rehearsal = given.rehearsal === undefined ? undefined : await rehearsalIn(given.rehearsal);
  const repository = given.drift === undefined ? undefined : repositoryIn(given.drift, "--drift");
  const drift = repository && (await driftLine(githubOfEnvironment(), repository, stack));
  if (out !== undefined) await requireWritable("--out", out);
  if (full !== undefined) await requireWritable("--full", full);
  if (given.chart !== undefined) await requireChart(given.chart);
  const commits = await commitsOf(ownProject, given.base ?? (await mainBranch()));
  const chart = given.chart === undefined ? undefined : resolve(given.chart);
  const log = console.error;
  const [head, base] = await Promise.all([
    planOf({ folder: ownProject, stack, chart, log }),
    withCheckout(ownProject, commits.base, (folder) => planWhereItExists({ folder, stack, chart, log })),
  ]);
  const { files, uncommitted } = await reviewedFiles(ownProject, stack);
  const review: Review = {
    stack,
    base: { commit: commits.base, plan: base },
    head: { commit: commits.head, plan: head },
    behind: commits.behind,
    uncommitted,
    rehearsal,
    preview: given.preview ? await previewOf(ownProject, stack) : undefined,
    policies: "refused" in head ? undefined : policiesOf(head, new Date()),
    drift,
  };
  const differences = differencesOf(review);
  const mayApply = accepted(review, differences);
  const digest =
    "refused" in head || uncommitted.length > 0 || !mayApply ? undefined : digestText(digestOf(head, files));
  const render = (options: Parameters<typeof renderReview>[1]) =>
    renderReview({ ...review, digest }, options, differences);
  const text = render({ limit, fullReport: given.link });
  if (out === undefined) console.log(text);
  else await writeFile(out, text);
  if (full !== undefined) await writeFile(full, render({ limit: Infinity }));
  return mayApply ? 0 : 1;
});

async function requireChart(path: string): Promise<void> {
  const facts = await stat(path).catch((cause: unknown) => {
    throw new RehearsalError(`--chart: cannot read ${path}: ${(cause as Error).message}; use a chart`, { cause });
  });
  if (facts.isDirectory() && !existsSync(join(path, "Chart.yaml"))) {
    throw new RehearsalError(`--chart: ${path} has no Chart.yaml; use the folder or the .tgz file of a chart`);
  }
}

/** Undefined if the commit has no such stack. */
async function planWhereItExists(options: Parameters<typeof planOf>[0]): Promise<Plan | undefined> {
  const exists = existsSync(join(options.folder, `Pulumi.${options.stack}.yaml`));
  return exists ? planOf(options) : undefined;
}

async function rehearsalIn(file: string): Promise<Review["rehearsal"]> {
  const text = await readFile(file, "utf8").catch((cause: unknown) => {
    throw new RehearsalError(`--rehearsal: ${file} cannot be read; run npm run rehearse with --report ${file} first`, {
      cause,
    });
  });
  try {
    const { ok, problems } = JSON.parse(text) as { ok?: unknown; problems?: unknown };
    if (typeof ok === "boolean" && Array.isArray(problems)) return { ok, problems: problems.map(String) };
  } catch {
    // Reported below.
  }
  throw new RehearsalError(
    `--rehearsal: ${file} is not the result of a rehearsal; write it with npm run rehearse -- --report FILE.json`,
  );
}

async function mainBranch(): Promise<string> {
  const { failed } = await execa("git", ["rev-parse", "--verify", "--quiet", "origin/main"], {
    cwd: ownProject,
    reject: false,
  });
  return failed ? "main" : "origin/main";
}
