/** `npm run apply`: `pulumi up`, if it would do what was reviewed. */
import { command } from "../../rehearsal/cli/command.ts";
import { RehearsalError } from "../../rehearsal/engine/fault.ts";
import { ownProject } from "../../rehearsal/engine/stackSettings.ts";
import { applyReviewed } from "../digest/apply.ts";
import { type Digest, digestIn } from "../digest/digest.ts";
import { githubOfEnvironment, repositoryIn } from "../github/client.ts";
import { mergedReview } from "../github/pulls.ts";
import { requireStack } from "./stack.ts";

const usage = `Runs "pulumi up" with the policies for a stack, if it would do exactly what was reviewed. Otherwise it says what differs, and changes nothing.

  npm run apply -- --stack NAME (--digest DIGEST | --merged SHA --repository OWNER/NAME) [--dry-run]

  --stack NAME             the stack, of the backend that pulumi is logged in to
  --digest DIGEST          the digest that the review shows, v1:...
  --merged SHA             take the digest from the review of the pull request whose merge gave this commit
  --repository OWNER/NAME  the repository on GitHub; the variable GITHUB_TOKEN has a token that reads its pull requests
  --dry-run                stop before "pulumi up"
  --help                   show this help

Exit status: that of "pulumi up"; 2 if something differs from what was reviewed, or the comparison cannot run; 1 if
GitHub refuses.`;

const options = {
  stack: { type: "string" },
  digest: { type: "string" },
  merged: { type: "string" },
  repository: { type: "string" },
  "dry-run": { type: "boolean", default: false },
} as const;

await command({ usage, options, exitCodes: { HttpError: 1, ExecaError: 2 } }, async (values) => {
  const stack = requireStack(values.stack);
  return applyReviewed({
    folder: ownProject,
    stack,
    reviewed: await reviewedDigest(stack, values),
    dryRun: values["dry-run"],
    log: console.log,
  });
});

async function reviewedDigest(
  stack: string,
  { digest, merged, repository }: { digest?: string; merged?: string; repository?: string },
): Promise<Digest> {
  if ((digest === undefined) === (merged === undefined)) {
    throw new RehearsalError("--digest: set either this or --merged; the review shows the digest");
  }
  const [key, text] =
    merged === undefined
      ? (["--digest", digest ?? ""] as const)
      : ([
          "the review",
          await mergedReview(githubOfEnvironment(), repositoryIn(repository), { sha: merged, stack }),
        ] as const);
  try {
    return digestIn(text);
  } catch (error) {
    const remedy =
      merged === undefined
        ? "copy it from the review, v1:..."
        : "the change was refused there; run npm run review on this commit, and apply with its digest";
    throw new RehearsalError(`${key}: ${(error as Error).message}; ${remedy}`, { cause: error });
  }
}
