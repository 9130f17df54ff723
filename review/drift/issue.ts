/** The issue of a stack on GitHub that is open while its cluster differs from what was installed. */
import type { GitHub } from "../github/client.ts";
import { findIssue, marker, type Repository, writeIssue } from "../github/markedText.ts";
import type { DriftReport } from "./drift.ts";
import { asMarkdown } from "./show.ts";

/** An incomplete comparison that finds nothing leaves an open issue as it is. */
export async function writeDriftIssue(
  api: GitHub,
  repository: Repository,
  report: DriftReport,
): Promise<Awaited<ReturnType<typeof writeIssue>>> {
  const { stack, drift, notCompared } = report;
  if (drift.length === 0 && notCompared.length > 0) return "unchanged";
  const first = marker("drift", stack);
  const body = drift.length === 0 ? undefined : `${first}\n\n${asMarkdown(report)}`;
  return writeIssue(api, repository, { first, title: `${stack}: the cluster differs from what was installed`, body });
}

/** What the issue of a stack says about its cluster, in one line. A failure of GitHub does not stop a review. */
export async function driftLine(api: GitHub, repository: Repository, stack: string): Promise<string> {
  try {
    const issue = await findIssue(api, repository, marker("drift", stack));
    return issue === undefined
      ? "no issue is open (the last comparison with the cluster opens one if something differs)"
      : `the cluster differs from what was installed, see issue #${issue.number}`;
  } catch (error) {
    if (!(error instanceof Error) || error.name !== "HttpError") throw error;
    return `not known, because GitHub does not list the issues (${error.message})`;
  }
}
