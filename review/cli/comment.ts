/** `npm run comment`: posts a review on a pull request. */
import { readFile, stat } from "node:fs/promises";
import { command } from "../../rehearsal/cli/command.ts";
import { RehearsalError } from "../../rehearsal/engine/fault.ts";
import { githubOfEnvironment, repositoryIn } from "../github/client.ts";
import { longestBody, marker, setStatus, writeComment } from "../github/markedText.ts";
import { openPull, runAgain } from "../github/pulls.ts";

const usage = `Posts a review as a comment on a pull request, or edits the comment that is there, and sets the status of the commit.

  npm run comment -- --repository OWNER/NAME (--pull N | --head OWNER:BRANCH) --sha SHA --stack NAME --file FILE
                     [--state success|failure] [--link URL]
  npm run comment -- --repository OWNER/NAME --pull N --again WORKFLOW

  --repository OWNER/NAME  the repository on GitHub; the variable GITHUB_TOKEN has a token that writes its pull requests and statuses
  --pull N                 the number of the pull request
  --head OWNER:BRANCH      the branch of the pull request, if its number is not known
  --sha SHA                the commit that was reviewed
  --stack NAME             the stack that was reviewed
  --file FILE              the review, as "npm run review" writes it; nothing in it is interpreted
  --state STATE            whether the review succeeded: success or failure (default: success)
  --link URL               where the status leads to, for example the run with the full report
  --again WORKFLOW         start the last run of this workflow for the pull request again, for example review.yml
  --help                   show this help

Exit status: 0; 2 if an argument or the file is not valid; 1 if GitHub refuses.`;

const options = {
  repository: { type: "string" },
  pull: { type: "string" },
  head: { type: "string" },
  sha: { type: "string" },
  stack: { type: "string" },
  file: { type: "string" },
  state: { type: "string", default: "success" },
  link: { type: "string" },
  again: { type: "string" },
} as const;

await command({ usage, options, exitCodes: { HttpError: 1 } }, async ({ repository, again, ...values }) => {
  const where = repositoryIn(repository);
  if (again !== undefined) {
    await runAgain(githubOfEnvironment(), where, { pull: pullIn(values.pull), workflow: again });
    console.log(`${again}: runs again`);
    return 0;
  }
  const { sha, stack, file, head, state, link } = values;
  if (sha === undefined || stack === undefined || file === undefined) {
    const [missing] = Object.entries({ sha, stack, file }).find(([, value]) => value === undefined) ?? [];
    throw new RehearsalError(`--${missing ?? ""}: not set; --help describes it`);
  }
  if (state !== "success" && state !== "failure") {
    throw new RehearsalError(`--state: "${state}" is not valid; use success or failure`);
  }
  const body = await reviewIn(file, stack);
  const api = githubOfEnvironment();
  const pull = head === undefined ? pullIn(values.pull) : await openPull(api, where, { head, sha });
  if (pull === undefined) {
    console.log(`${stack}: not posted, because no open pull request has commit ${sha}`);
    return 0;
  }
  const outcome = await writeComment(api, { ...where, pull }, body);
  await setStatus(
    api,
    { ...where, sha },
    { state, context: `review/${stack}`, description: verdictIn(body), target: link },
  );
  console.log(`${stack}: comment on pull request ${pull} ${outcome}`);
  return 0;
});

function pullIn(text: string | undefined): number {
  if (text !== undefined && /^[1-9]\d*$/.test(text)) return Number(text);
  throw new RehearsalError(
    `--pull: ${text === undefined ? "not set" : `"${text}" is not valid`}; use the number of the pull request`,
  );
}

/** @throws RehearsalError if the file is no review of the stack. It may be made by anybody's code. */
async function reviewIn(file: string, stack: string): Promise<string> {
  const facts = await stat(file).catch((cause: unknown) => {
    throw new RehearsalError(`--file: cannot read ${file}: ${(cause as Error).message}`, { cause });
  });
  // A character has at most four bytes.
  if (!facts.isFile() || facts.size > 4 * longestBody) {
    throw new RehearsalError(`--file: ${file} is not a file of at most ${longestBody} characters; use a review`);
  }
  const text = await readFile(file, "utf8");
  if (text.length > longestBody) {
    throw new RehearsalError(
      `--file: ${file} has ${text.length} characters, and GitHub accepts ${longestBody}; shorten it`,
    );
  }
  if (text.split("\n", 1)[0] !== marker("review", stack)) {
    throw new RehearsalError(`--file: ${file} is not a review of ${stack}; write it with npm run review`);
  }
  return text;
}

/** The headline of a review as plain text. */
function verdictIn(body: string): string {
  const [, headline = ""] = body.split("\n").filter((line) => line.trim() !== "");
  return headline.replace(/^#+ /, "").replaceAll(/[\\`*]/g, "");
}
