/** Comments and issues that are found again by a hidden marker, so that there is one of each and it is edited in place. */
import { setTimeout } from "node:timers/promises";
import type { GitHub } from "./client.ts";

export interface Repository {
  owner: string;
  repo: string;
}

export type Outcome = "created" | "edited" | "unchanged";

/** GitHub's limit for a comment and for the body of an issue, in characters. */
export const longestBody = 65_536;

/** The first line of a text that belongs to a stack. `kind` keeps the texts of several commands apart. */
export function marker(kind: "review" | "drift", stack: string): string {
  return `<!-- pulsar-stack ${kind} ${stack} -->`;
}

interface Marked {
  body?: string | null;
  user?: { type?: string } | null;
  author_association?: string;
}

/** Whether this is the text with the marker. Anybody may write a marker in a public repository, so only bots and members count. */
function carries(first: string): (text: Marked) => boolean {
  return ({ body, user, author_association: author = "" }) =>
    (body?.split(/\r?\n/, 1)[0] ?? "") === first &&
    (user?.type === "Bot" || ["OWNER", "MEMBER", "COLLABORATOR"].includes(author));
}

/** The comment on a pull request that begins with a marker. */
export async function findComment(
  api: GitHub,
  { pull: issue_number, ...repository }: Repository & { pull: number },
  first: string,
): Promise<{ id: number | bigint; body?: string } | undefined> {
  const all = await api.paginate("GET /repos/{owner}/{repo}/issues/{issue_number}/comments", {
    ...repository,
    issue_number,
    per_page: 100,
  });
  return all.find(carries(first));
}

/**
 * Writes the comment of a stack on a pull request.
 *
 * @param body begins with a marker
 * @throws Error if the body is too long, and for errors of the API
 */
export async function writeComment(api: GitHub, where: Repository & { pull: number }, body: string): Promise<Outcome> {
  requireLength(body);
  const { pull: issue_number, ...repository } = where;
  return createOnce(async () => {
    const existing = await findComment(api, where, body.split("\n", 1)[0] ?? "");
    if (existing?.body === body) return "unchanged";
    if (existing) {
      const { id: comment_id } = existing;
      await api.request("PATCH /repos/{owner}/{repo}/issues/comments/{comment_id}", {
        ...repository,
        comment_id,
        body,
      });
      return "edited";
    }
    const create = { ...repository, issue_number, body, request: { retries: 0 } };
    await api.request("POST /repos/{owner}/{repo}/issues/{issue_number}/comments", create);
    return "created";
  });
}

/** The open issue that begins with a marker. */
export async function findIssue(
  api: GitHub,
  repository: Repository,
  first: string,
): Promise<{ number: number; body?: string | null } | undefined> {
  const open = await api.paginate("GET /repos/{owner}/{repo}/issues", { ...repository, state: "open", per_page: 100 });
  const isOurs = carries(first);
  return open.find((issue) => issue.pull_request === undefined && isOurs(issue));
}

/** The open issue of a stack: created or edited with `body`, and closed without one. */
export async function writeIssue(
  api: GitHub,
  repository: Repository,
  { first, title, body }: { first: string; title: string; body?: string | undefined },
): Promise<Outcome | "closed"> {
  if (body !== undefined) requireLength(body);
  return createOnce(async () => {
    const existing = await findIssue(api, repository, first);
    if (existing === undefined) {
      if (body === undefined) return "unchanged";
      await api.request("POST /repos/{owner}/{repo}/issues", { ...repository, title, body, request: { retries: 0 } });
      return "created";
    }
    const { number: issue_number } = existing;
    if (existing.body === body) return "unchanged";
    const change =
      body === undefined ? { state: "closed" as const, state_reason: "completed" as const } : { title, body };
    await api.request("PATCH /repos/{owner}/{repo}/issues/{issue_number}", { ...repository, issue_number, ...change });
    return body === undefined ? "closed" : "edited";
  });
}

/** Sets the status of a commit. GitHub shows at most 140 characters of the description. */
export async function setStatus(
  api: GitHub,
  { sha, ...repository }: Repository & { sha: string },
  status: { state: "success" | "failure" | "error" | "pending"; context: string; description: string; target?: string },
): Promise<void> {
  const { target, description, ...rest } = status;
  const text = description.length > 140 ? `${description.slice(0, 139)}…` : description;
  await api.request("POST /repos/{owner}/{repo}/statuses/{sha}", {
    ...repository,
    ...rest,
    sha,
    description: text,
    target_url: target,
  });
}

/**
 * Looks again before it repeats a creation that failed: GitHub may have created the text although its answer was an error. Every other request may
 * be repeated as it is, which the client does.
 */
async function createOnce<T>(attempt: () => Promise<T>): Promise<T> {
  for (let left = 3; ; left--) {
    try {
      return await attempt();
    } catch (error) {
      const { status } = error as { status?: number };
      if (left === 0 || status === undefined || status < 500) throw error;
      await setTimeout(100);
    }
  }
}

function requireLength(body: string): void {
  if (body.length <= longestBody) return;
  throw new Error(`comment: ${body.length} characters, and GitHub accepts ${longestBody}; shorten it`);
}
