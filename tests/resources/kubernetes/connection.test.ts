import assert from "node:assert/strict";
import { once } from "node:events";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { createServer } from "node:http";
import { type AddressInfo, createServer as createSocketServer, type Server } from "node:net";
import { homedir, tmpdir } from "node:os";
import { delimiter, join } from "node:path";
import { after, before, beforeEach, describe, test } from "node:test";
import { stringify } from "yaml";
import { ask, connect, statusOf } from "../../../resources/kubernetes/connection.ts";

const secret = "not-to-be-seen";

interface Contents {
  contexts?: string[];
  current?: string;
  server?: string;
}

/** A kubeconfig with one cluster and a token, and contexts named after the arguments. */
function kubeconfig({ contexts = ["test"], current, server = "http://127.0.0.1:9" }: Contents): string {
  return stringify({
    apiVersion: "v1",
    kind: "Config",
    ...(current !== undefined && { "current-context": current }),
    contexts: contexts.map((name) => ({ name, context: { cluster: name, user: name } })),
    clusters: contexts.map((name) => ({ name, cluster: { server, "insecure-skip-tls-verify": true } })),
    users: contexts.map((name) => ({ name, user: { token: secret } })),
  });
}

let dir: string;
const userKubeconfig = process.env.KUBECONFIG;
before(async () => {
  dir = await mkdtemp(join(tmpdir(), "cluster-test-"));
});
beforeEach(() => {
  process.env.KUBECONFIG = join(dir, "absent");
});
after(async () => {
  if (userKubeconfig === undefined) delete process.env.KUBECONFIG;
  else process.env.KUBECONFIG = userKubeconfig;
  await rm(dir, { recursive: true });
});

async function file(name: string, contents: Contents | string): Promise<string> {
  const path = join(dir, name);
  await writeFile(path, typeof contents === "string" ? contents : kubeconfig(contents));
  return path;
}

/** The error as the one line that a user reads. */
async function faultOf(attempt: Promise<unknown>): Promise<Error> {
  const fault = await attempt.then(
    () => undefined,
    (error: unknown) => error,
  );
  assert.ok(fault instanceof Error);
  assert.ok(!fault.message.includes("\n"), fault.message);
  assert.equal(fault.stack, fault.message);
  assert.ok(!fault.message.includes(secret));
  return fault;
}
const messageOf = async (attempt: Promise<unknown>) => (await faultOf(attempt)).message;

describe("a kubeconfig", () => {
  test("may consist of several files: the first one with a value takes precedence, missing ones are skipped", async () => {
    const first = await file("first", { contexts: ["a", "b"], server: "http://first:1" });
    const second = await file("second", { contexts: ["b", "c"], current: "c", server: "http://second:2" });
    const third = await file("third", { contexts: ["d"], current: "d" });
    process.env.KUBECONFIG = [join(dir, "absent"), first, second, "", third].join(delimiter);

    const { context, server } = await connect({});
    assert.deepEqual({ context, server }, { context: "c", server: "http://second:2" });
    assert.equal((await connect({ context: "b" })).server, "http://first:1");
    assert.equal((await connect({ context: "d" })).context, "d");
  });

  test("in the settings is the only one that is read", async () => {
    process.env.KUBECONFIG = await file("environment", { contexts: ["environment"], current: "environment" });
    const named = await file("named", { contexts: ["named"], current: "named" });
    assert.equal((await connect({ kubeconfig: named })).context, "named");
    assert.equal(
      await messageOf(connect({ kubeconfig: named, context: "environment" })),
      `kubeconfig ${named}: has no context "environment"; use named`,
    );
  });

  test("that is missing is reported with the origin of its name", async () => {
    const absent = join(dir, "absent");
    assert.equal(
      await messageOf(connect({})),
      `kubeconfig ${absent} (from KUBECONFIG): does not exist; create it, or use another`,
    );
    assert.equal(
      await messageOf(connect({ kubeconfig: absent })),
      `kubeconfig ${absent}: does not exist; create it, or use another`,
    );
    assert.equal(
      await messageOf(connect({ kubeconfig: "~/no/such/kubeconfig" })),
      `kubeconfig ${homedir()}/no/such/kubeconfig: does not exist; create it, or use another`,
    );
  });

  test("without the given context, or without a current one, is reported with its contexts", async () => {
    const path = await file("two", { contexts: ["a", "b"] });
    assert.equal(
      await messageOf(connect({ kubeconfig: path, context: "c" })),
      `kubeconfig ${path}: has no context "c"; use a, b`,
    );
    assert.equal(
      await messageOf(connect({ kubeconfig: path })),
      `kubeconfig ${path}: has no current context; use a, b`,
    );
    const empty = await file("empty", "\n");
    assert.match(
      await messageOf(connect({ kubeconfig: empty, context: "c" })),
      /; it has none, so use another kubeconfig$/,
    );
  });

  test("with a context for an unknown cluster is refused", async () => {
    const path = await file(
      "dangling",
      stringify({ contexts: [{ name: "a", context: { cluster: "gone", user: "a" } }], "current-context": "a" }),
    );
    assert.match(
      await messageOf(connect({ kubeconfig: path })),
      /: context "a" names a cluster that it does not have; add the cluster, or use/,
    );
  });

  test("that is not YAML is reported without its content", async () => {
    const path = await file("broken", `users:\n- token: ${secret}\n  : [`);
    assert.match(
      await messageOf(connect({ kubeconfig: path })),
      /^kubeconfig .*broken: cannot be read \(.*\); fix it, or use another$/,
    );
    assert.match(await messageOf(connect({ kubeconfig: dir })), /^kubeconfig .*: cannot be read \(EISDIR/);
  });
});

describe("an API server", () => {
  /** Sends a request with a kubeconfig for `server`. */
  async function nodesOf(server: string): Promise<unknown> {
    const path = await file("server", { current: "test", server });
    return ask(await connect({ kubeconfig: path }, 0.3), (api) => api.listNode());
  }

  async function serving<T>(server: Server, use: (address: string) => Promise<T>): Promise<T> {
    server.listen(0, "127.0.0.1");
    await once(server, "listening");
    try {
      return await use(`http://127.0.0.1:${(server.address() as AddressInfo).port}`);
    } finally {
      server.close();
    }
  }

  const answering = (status: number, body: string) =>
    serving(
      createServer((_request, response) => {
        response.writeHead(status, { "content-type": "application/json", connection: "close" }).end(body);
      }),
      (address) => faultOf(nodesOf(address)),
    );

  test("that does not run is reported with the context", async () => {
    const gone = await serving(createSocketServer(), async (address) => address);
    assert.equal(
      await messageOf(nodesOf(gone)),
      `the API server ${gone} of context "test" cannot be reached: connect ECONNREFUSED ${gone.slice("http://".length)}; ` +
        "check it with kubectl --context test version",
    );
  });

  test("that never responds causes a timeout", async () => {
    const silent = createSocketServer((socket) => {
      socket.on("error", () => undefined).unref();
    });
    const message = await serving(silent, (address) => messageOf(nodesOf(address)));
    assert.match(
      message,
      /^the API server http:\S+ of context "test" does not answer in time; check it with kubectl --context test version$/,
    );
  });

  test("that refuses a request is reported with the reason, and the status is available", async () => {
    const unauthorized = await answering(401, "{}");
    assert.match(unauthorized.message, /does not accept the credentials; log in again$/);
    assert.equal(statusOf(unauthorized), 401);

    const forbidden = await answering(403, JSON.stringify({ kind: "Status", message: "nodes is forbidden" }));
    assert.match(
      forbidden.message,
      /^the API server \S+ of context "test" answers 403: nodes is forbidden; grant the context's user this permission$/,
    );
    assert.equal(statusOf(forbidden), 403);
  });

  test("gets no request if the credential plugin fails, and the plugin's output is not shown", async () => {
    const withPlugin = async (script: string) => {
      const exec = { apiVersion: "client.authentication.k8s.io/v1", command: "node", args: ["-e", script] };
      const path = await file(
        "plugin",
        stringify({
          "current-context": "test",
          contexts: [{ name: "test", context: { cluster: "test", user: "test" } }],
          clusters: [{ name: "test", cluster: { server: "https://127.0.0.1:9" } }],
          users: [{ name: "test", user: { exec } }],
        }),
      );
      return messageOf(ask(await connect({ kubeconfig: path }), (api) => api.listNode()));
    };
    assert.match(
      await withPlugin("console.error('no session'); process.exit(3)"),
      /cannot be queried: no session; check it with/,
    );
    assert.match(
      await withPlugin(`console.log("${secret}")`),
      /a credential plugin does not return JSON; check it with/,
    );
  });

  test("that is actually a proxy with an HTML page is reported without the page", async () => {
    assert.match(
      (await answering(502, "<html>\nbad gateway")).message,
      / answers 502: no reason given; fix the cause, then run the command again$/,
    );
  });
});
