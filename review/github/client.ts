/** A client of the GitHub API that waits for rate limits and tries again after failures. */
import { Octokit } from "@octokit/core";
import { paginateRest } from "@octokit/plugin-paginate-rest";
import { retry } from "@octokit/plugin-retry";
import { RehearsalError } from "../../rehearsal/engine/fault.ts";

/** The longest time to wait for a rate limit, in seconds. A job that waits longer would exceed its own limit. */
const longestWait = 300;
const attempts = 3;

interface RateLimited {
  status?: number;
  request?: { request?: object };
  response?: { headers?: Record<string, string | number | undefined> };
}

/** Waits as long as GitHub says. The retry plugin (8.1) does not read `retry-after`, so this must come before it. */
function waitForRateLimits(octokit: Octokit): void {
  octokit.hook.error("request", (error) => {
    const seconds = secondsToWait(error as RateLimited, Date.now());
    const { request } = error as RateLimited;
    if (request && seconds !== undefined && seconds <= longestWait) {
      request.request = { ...request.request, retries: attempts, retryAfter: seconds };
    }
    throw error;
  });
}

/** The seconds that a refused request has to wait; undefined if it was not refused because of a rate limit. */
export function secondsToWait({ status, response }: RateLimited, now: number): number | undefined {
  if (status !== 403 && status !== 429) return undefined;
  const headers = response?.headers ?? {};
  if (headers["retry-after"] !== undefined) return Number(headers["retry-after"]);
  if (Number(headers["x-ratelimit-remaining"] ?? 1) > 0) return status === 429 ? 60 : undefined;
  return Math.max(1, Math.ceil(Number(headers["x-ratelimit-reset"]) - now / 1000));
}

const Client = Octokit.plugin(waitForRateLimits, paginateRest, retry);
export type GitHub = InstanceType<typeof Client>;

export interface Access {
  token: string;
  /** @default GitHub.com's */
  baseUrl?: string;
  /** Milliseconds that stand for one second of waiting. @default 1000 */
  second?: number;
}

export function github({ token, baseUrl, second = 1000 }: Access): GitHub {
  return new Client({
    auth: token,
    userAgent: "pulsar-stack",
    baseUrl,
    retry: { doNotRetry: [400, 401, 403, 404, 410, 422, 429, 451], retries: attempts, retryAfterBaseValue: second },
  });
}

/** A client with the token and the address of the environment. @throws RehearsalError without a token */
export function githubOfEnvironment(environment = process.env): GitHub {
  const token = environment["GITHUB_TOKEN"];
  if (!token) throw new RehearsalError("GITHUB_TOKEN: not set; set the variable to a token for the repository");
  return github({ token, baseUrl: environment["GITHUB_API_URL"] });
}

/** @throws RehearsalError if the value of an option is not `owner/name` */
export function repositoryIn(text: string | undefined, option = "--repository"): { owner: string; repo: string } {
  const [, owner, repo] = /^([\w.-]+)\/([\w.-]+)$/.exec(text ?? "") ?? [];
  if (owner !== undefined && repo !== undefined) return { owner, repo };
  throw new RehearsalError(`${option}: ${text === undefined ? "not set" : `"${text}" is not valid`}; use owner/name`);
}
