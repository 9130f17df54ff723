/** Finds the pull request, its review and its workflow run from what GitHub passes to a workflow. */
import { RehearsalError } from "../../rehearsal/engine/fault.ts";
import type { GitHub } from "./client.ts";
import { findComment, marker, type Repository } from "./markedText.ts";

/**
 * The number of the open pull request of a branch. Unlike a number in an artifact, it cannot be chosen by the code of a fork.
 *
 * @param head `owner:branch`
 * @param sha the commit that was reviewed
 * @returns undefined if the branch has another commit by now, or no open pull request
 */
export async function openPull(
  api: GitHub,
  repository: Repository,
  { head, sha }: { head: string; sha: string },
): Promise<number | undefined> {
  const pulls = await api.paginate("GET /repos/{owner}/{repo}/pulls", {
    ...repository,
    state: "open",
    head,
    per_page: 100,
  });
  return pulls.find((pull) => pull.head.sha === sha)?.number;
}

/**
 * The review of a stack in the pull request whose merge gave a commit.
 *
 * @throws RehearsalError if there is no such pull request or review, or if it comes from a fork, whose code has made its own review
 */
export async function mergedReview(
  api: GitHub,
  repository: Repository,
  { sha, stack }: { sha: string; stack: string },
): Promise<string> {
  const review = `run "npm run review -- --stack ${stack}" on this commit, and apply with its digest`;
  const pulls = await api.paginate("GET /repos/{owner}/{repo}/commits/{commit_sha}/pulls", {
    ...repository,
    commit_sha: sha,
    per_page: 100,
  });
  const merged = pulls.find((pull) => pull.merge_commit_sha === sha);
  if (merged === undefined) throw new RehearsalError(`--merged: no pull request gave commit ${sha}; ${review}`);
  const { number: pull, head } = merged;
  // The repository of a fork may be gone; GitHub's types do not say so.
  const source = head.repo as { full_name: string } | null;
  if (source?.full_name !== `${repository.owner}/${repository.repo}`) {
    throw new RehearsalError(`--merged: pull request ${pull} is from a fork; ${review}`);
  }
  const comment = await findComment(api, { ...repository, pull }, marker("review", stack));
  if (comment?.body === undefined) {
    throw new RehearsalError(`--merged: pull request ${pull} has no review of ${stack}; ${review}`);
  }
  return comment.body;
}

/**
 * Starts the last run of a workflow for a pull request again.
 *
 * @param workflow its file name
 * @throws RehearsalError if it has never run for the pull request's last commit
 */
export async function runAgain(
  api: GitHub,
  repository: Repository,
  { pull: pull_number, workflow: workflow_id }: { pull: number; workflow: string },
): Promise<void> {
  const pull = await api.request("GET /repos/{owner}/{repo}/pulls/{pull_number}", { ...repository, pull_number });
  const { sha: head_sha } = pull.data.head;
  const runs = await api.request("GET /repos/{owner}/{repo}/actions/workflows/{workflow_id}/runs", {
    ...repository,
    workflow_id,
    head_sha,
    event: "pull_request",
    per_page: 1,
  });
  const [last] = runs.data.workflow_runs;
  if (last === undefined) {
    throw new RehearsalError(`${workflow_id}: has not run for commit ${head_sha}; push the branch again`);
  }
  await api.request("POST /repos/{owner}/{repo}/actions/runs/{run_id}/rerun", {
    ...repository,
    run_id: Number(last.id),
    request: { retries: 0 },
  });
}
