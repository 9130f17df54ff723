/** A local server in place of the GitHub API: comments and issues in pages, commit statuses, and failures on request. */
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { text } from "node:stream/consumers";

export interface Text {
  id: number;
  number?: number;
  title?: string;
  state?: string;
  body: string;
  user: { login: string; type: string };
  author_association: string;
}

/** An answer in place of the real one. `applied`: the request takes effect all the same, as when a gateway times out. */
export interface Failure {
  method: string;
  status: number;
  headers?: Record<string, string>;
  applied?: boolean;
}

export interface Pull {
  number: number;
  state: string;
  head: { ref: string; sha: string; repo: { full_name: string } | null };
  merge_commit_sha: string | null;
}

export interface FakeGitHub {
  url: string;
  pulls: Pull[];
  /** Of workflow runs. */
  runs: { id: number; head_sha: string }[];
  /** Comments on the only pull request, and the issues. */
  comments: Text[];
  issues: Text[];
  statuses: { sha: string; state: string; context: string; description: string; target_url?: string }[];
  /** Used up one by one, by the next request of the method. */
  failures: Failure[];
  /** `METHOD path` of every request. */
  requests: string[];
  /** Empties all lists. */
  reset(): void;
  close(): Promise<void>;
}

export const bot = { login: "github-actions[bot]", type: "Bot" };

export async function fakeGitHub(): Promise<FakeGitHub> {
  const state: State = { pulls: [], runs: [], comments: [], issues: [], statuses: [], failures: [], requests: [] };
  const server = createServer((request, response) => {
    void answer(state, request, response);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return Object.assign(state, {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    reset: () => {
      for (const list of Object.values(state)) if (Array.isArray(list)) list.length = 0;
    },
    close: () =>
      new Promise<void>((resolve) => {
        server.close(() => {
          resolve();
        });
        server.closeAllConnections();
      }),
  });
}

type State = Omit<FakeGitHub, "url" | "reset" | "close">;

async function answer(state: State, request: IncomingMessage, response: ServerResponse): Promise<void> {
  const { method = "GET", url = "/" } = request;
  const { pathname, searchParams } = new URL(url, "http://localhost");
  const sent = await text(request);
  state.requests.push(`${method} ${pathname}`);
  const send = (status: number, body: unknown, headers: Record<string, string> = {}) => {
    response.writeHead(status, { "content-type": "application/json", ...headers }).end(JSON.stringify(body));
  };
  const failing = state.failures.findIndex((failure) => failure.method === method);
  const [failure] = failing < 0 ? [] : state.failures.splice(failing, 1);
  const fail = () => {
    send(failure?.status ?? 500, { message: "no" }, failure?.headers);
  };
  if (failure && !failure.applied) {
    fail();
    return;
  }
  const reply = failure ? fail : send;
  const body = (sent === "" ? {} : JSON.parse(sent)) as Partial<Text> & { sha?: string };
  const [, kind, id, comments] =
    /^\/repos\/o\/r\/(issues|statuses)(?:\/(?:comments\/)?([\w]+))?(\/comments)?$/.exec(pathname) ?? [];
  if (request.headers.authorization !== "token secret-token") send(401, { message: "Bad credentials" });
  else if (/\/(pulls|actions)\b/.test(pathname)) answerPulls(state, pathname, searchParams, reply);
  else if (kind === "statuses") {
    state.statuses.push({ sha: id ?? "", ...(body as unknown as Omit<FakeGitHub["statuses"][number], "sha">) });
    reply(201, {});
  } else if (kind !== "issues") send(404, { message: "Not Found" });
  else {
    const onPull = comments !== undefined || pathname.includes("/comments/");
    const list = onPull ? state.comments : state.issues;
    if (method === "GET") {
      const wanted = searchParams.get("state") === "open" ? list.filter(({ state }) => state === "open") : list;
      const size = Number(searchParams.get("per_page") ?? 30);
      const page = Number(searchParams.get("page") ?? 1);
      const next = new URL(url, `http://${request.headers.host ?? ""}`);
      next.searchParams.set("page", String(page + 1));
      const link = page * size < wanted.length ? { link: `<${next.href}>; rel="next"` } : undefined;
      send(200, wanted.slice((page - 1) * size, page * size), link);
    } else if (method === "POST") {
      const created = { body: "", user: bot, author_association: "NONE", state: "open", ...body, id: list.length + 1 };
      list.push({ ...created, number: created.id });
      reply(201, created);
    } else {
      const found = list.find((one) => String(one.id) === id);
      if (found) Object.assign(found, body);
      reply(found ? 200 : 404, found ?? {});
    }
  }
}

function answerPulls(
  { pulls, runs }: State,
  pathname: string,
  query: URLSearchParams,
  reply: (status: number, body: unknown) => void,
): void {
  const [, list, number, merged, workflow] =
    /^\/repos\/o\/r\/(?:(pulls)|pulls\/(\d+)|commits\/(\w+)\/pulls|actions\/workflows\/([\w.]+)\/runs)$/.exec(
      pathname,
    ) ?? [];
  if (list) {
    const isHead = ({ head }: Pull) => query.get("head") === `${head.repo?.full_name.split("/")[0] ?? ""}:${head.ref}`;
    reply(
      200,
      pulls.filter((pull) => pull.state === "open" && isHead(pull)),
    );
  } else if (number) {
    const pull = pulls.find((pull) => pull.number === Number(number));
    reply(pull ? 200 : 404, pull ?? {});
  } else if (merged) {
    reply(
      200,
      pulls.filter(({ head, merge_commit_sha }) => [head.sha, merge_commit_sha].includes(merged)),
    );
  } else if (workflow) {
    reply(200, { workflow_runs: runs.filter(({ head_sha }) => head_sha === query.get("head_sha")) });
  } else reply(/\/runs\/\d+\/rerun$/.test(pathname) ? 201 : 404, {});
}
