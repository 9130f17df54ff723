/** `npm run drift`: what differs in a cluster from what a stack has installed. */
import { writeFile } from "node:fs/promises";
import { execa } from "execa";
import { command, requireWritable } from "../../rehearsal/cli/command.ts";
import { RehearsalError } from "../../rehearsal/engine/fault.ts";
import { ownProject } from "../../rehearsal/engine/stackSettings.ts";
import { findDrift } from "../drift/drift.ts";
import { writeDriftIssue } from "../drift/issue.ts";
import { asMarkdown, asText } from "../drift/show.ts";
import { findPulumi } from "../pulumi.ts";
import { requireStack } from "./stack.ts";
import { githubOfEnvironment, repositoryIn } from "../github/client.ts";

const usage = `Compares the live objects of a stack with what the stack and Helm have installed. It changes nothing.

  npm run drift -- --stack NAME [--json] [--markdown FILE] [--issue OWNER/NAME]

  --stack NAME     the stack, of the backend that pulumi is logged in to
  --json           print JSON instead of text
  --markdown FILE  also write the report as Markdown
  --issue OWNER/NAME
                   keep one issue for the stack in this repository on GitHub open while something differs; the variable GITHUB_TOKEN has a token
                   that writes issues
  --help           show this help

Exit status: 0 if nothing differs; 2 if something does; 1 if the comparison cannot run, or is incomplete and finds nothing.`;

const options = {
  stack: { type: "string" },
  json: { type: "boolean", default: false },
  markdown: { type: "string" },
  issue: { type: "string" },
} as const;
const exitCodes = { RehearsalError: 1, HttpError: 1, Error: 1 };

await command({ usage, options, exitCodes }, async ({ json, markdown, issue, ...given }) => {
  const stack = requireStack(given.stack);
  const github =
    issue === undefined ? undefined : { api: githubOfEnvironment(), where: repositoryIn(issue, "--issue") };
  if (markdown !== undefined) await requireWritable("--markdown", markdown);
  const report = await findDrift(stack, await exportState(stack));
  console.log(json ? JSON.stringify(report, null, 2) : asText(report));
  if (markdown !== undefined) await writeFile(markdown, asMarkdown(report));
  if (github) console.error(`issue of ${stack}: ${await writeDriftIssue(github.api, github.where, report)}`);
  if (report.drift.length > 0) return 2;
  return report.notCompared.length > 0 ? 1 : 0;
});

/** The state with encrypted secrets. */
async function exportState(stack: string): Promise<unknown> {
  const exported = await execa(
    await findPulumi(console.error),
    ["stack", "export", "--stack", stack, "--non-interactive", "--color=never"],
    {
      cwd: ownProject,
      reject: false,
    },
  );
  if (!exported.failed) return JSON.parse(exported.stdout) as unknown;
  const [reason = ""] = (exported.stderr || (exported.shortMessage ?? "")).trim().split("\n", 1);
  throw new RehearsalError(
    `--stack: pulumi stack export fails (${reason.replace(/^error: /, "")}); log in with pulumi login, or name another stack`,
  );
}
