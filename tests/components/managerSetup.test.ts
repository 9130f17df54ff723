import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, test } from "node:test";
import { keyedHash } from "../../model/encoding.ts";
import { clusterEntry, ManagerSetup, type ManagerSetupArgs, script } from "../../components/managerSetup.ts";
import { named, register, testEcKeyPem } from "../support/mocks.ts";

const password = "login-pass'word $1";

describe("ManagerSetup", () => {
  const args: ManagerSetupArgs = {
    namespace: "messaging",
    release: "demo",
    managerUrl: "http://demo-pulsar-pulsar-manager.messaging.svc:9527",
    login: { user: "admin", password },
    image: "pulsar-all:2.7.4",
    placement: { nodeSelector: {}, tolerations: [] },
  };

  interface Spec {
    backoffLimit: number;
    template: {
      spec: {
        containers: [{ args: string[]; env: { name: string; value: string }[]; volumeMounts: object[] }];
        volumes: object[];
      };
    };
  }

  async function made(changes: Partial<ManagerSetupArgs> = {}) {
    const registered = await register(() => new ManagerSetup("setup", { ...args, ...changes }));
    const [secret, job] = [named(registered, "setup-requests"), named(registered, "setup-job")];
    const { metadata, spec } = job.inputs as { metadata: { name: string; namespace: string }; spec: Spec };
    return {
      registered,
      secret,
      job,
      metadata,
      spec,
      pod: spec.template.spec,
      container: spec.template.spec.containers[0],
    };
  }

  test("has the bodies of the requests only in a Secret, mounted as files", async () => {
    const { secret, job, pod, container } = await made();
    const { data, metadata } = secret.inputs as { data: Record<string, string>; metadata: { name: string } };
    assert.deepEqual(secret.secretInputs, ["data"]);
    assert.deepEqual(decoded(data), {
      "login.json": { username: "admin", password },
      "superuser.json": { name: "admin", password, description: "made by the stack", email: "admin@example.com" },
      "environment.json": { name: "demo-pulsar", broker: "http://demo-pulsar-broker:8080" },
    });
    const items = ["login.json", "superuser.json", "environment.json"].map((file) => ({ key: file, path: file }));
    assert.deepEqual(pod.volumes, [{ name: "secret-0", secret: { secretName: metadata.name, items } }]);
    assert.deepEqual(container.volumeMounts, [{ name: "secret-0", mountPath: "/manager-setup", readOnly: true }]);
    assert.deepEqual(job.secretInputs, []);
    assert.ok(!JSON.stringify(job.inputs).includes("login-pass"));
    assert.ok(job.dependsOn.includes("setup-requests"));
  });

  test("gives its script the addresses and the time limits", async () => {
    const { container, spec, job } = await made();
    assert.deepEqual(container.args, [script]);
    assert.deepEqual(Object.fromEntries(container.env.map(({ name, value }) => [name, value])), {
      MANAGER_URL: args.managerUrl,
      MANAGER_USER: "admin",
      BROKER_URL: "http://demo-pulsar-broker:8080",
      REQUESTS: "/manager-setup",
      START_SECONDS: "240",
      CLUSTER_SECONDS: "180",
      PAUSE_SECONDS: "5",
    });
    assert.equal(spec.backoffLimit, 1);
    // All tries together, each with the longest request after its limit, are over before Pulumi's patience.
    assert.ok(2 * (240 + 90 + 180 + 90) + 60 < 25 * 60);
    assert.deepEqual(job.options.customTimeouts, { create: "25m" });
  });

  test("registers the brokers' https address with TLS", async () => {
    const { secret, container } = await made({ tls: true });
    const { data } = secret.inputs as { data: Record<string, string> };
    const address = "https://demo-pulsar-broker:8443";
    assert.deepEqual(decoded(data)["environment.json"], { name: "demo-pulsar", broker: address });
    assert.ok(container.env.some(({ name, value }) => name === "BROKER_URL" && value === address));
  });

  test("is a new Job only when the login, the cluster or its pod changes", async () => {
    const name = async (changes: Partial<ManagerSetupArgs> = {}) => (await made(changes)).metadata.name;
    const before = await name();
    assert.match(before, /^demo-pulsar-manager-setup-[0-9a-f]{8}$/);
    assert.equal(await name(), before);
    const others = [
      await name({ image: "pulsar-all:2.7.5" }),
      await name({ login: { user: "root", password } }),
      await name({ login: { user: "admin", password: "another-password" } }),
    ];
    assert.equal(new Set([before, ...others]).size, 4);
  });

  test("has a name against which nobody can test guesses of the password", async () => {
    const { registered } = await made();
    assert.equal(named(registered, "setup-seal").inputs.algorithm, "ECDSA");
    // Before the key is made, which nobody can guess, there is no name yet.
    const preview = await register(() => new ManagerSetup("setup", args), { preview: true });
    const { name } = named(preview, "setup-job").inputs.metadata as { name?: string };
    assert.doesNotMatch(name ?? "", /demo/);
    const text = JSON.stringify([script, "admin", password, clusterEntry("demo", false)]);
    assert.notEqual(keyedHash("another key", text), keyedHash(testEcKeyPem, text));
  });
});

function decoded(data: Record<string, string>): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(data).map(([key, value]) => [key, JSON.parse(Buffer.from(value, "base64").toString()) as unknown]),
  );
}

interface Account {
  name: string;
  password: string;
}

/** What the manager behaves like in a test. */
interface Behavior {
  /** Accounts it has already. */
  users?: Account[];
  /** Clusters it has already. */
  environments?: { name: string; broker: string }[];
  /** Requests for which it is not up yet: nginx answers alone. */
  starting?: number;
  /** Registrations of the cluster that it refuses, as it cannot ask the brokers. */
  refusals?: number;
  /** The same, with nginx losing its patience first. */
  timeouts?: number;
  /** The whole answer to a registration. */
  registration?: [status: number, body: object];
}

/** A request as the manager has seen it. */
interface Seen {
  request: string;
  body: unknown;
}

/**
 * A server that behaves as Pulsar Manager v0.2.0 does behind the nginx of its image: CsrfTokenController, LoginController, UsersController,
 * EnvironmentsController, AdminHandlerInterceptor, SecurityConfig (CookieCsrfTokenRepository), docker/default.conf.
 */
async function manager(behavior: Behavior) {
  const users = [...(behavior.users ?? [])];
  const environments = [...(behavior.environments ?? [])];
  const sessions = new Map<string, { token: string; name: string }>();
  const seen: Seen[] = [];
  let { starting = 0, refusals = 0, timeouts = 0 } = behavior;
  let made = 0;

  const answer = async (request: IncomingMessage, response: ServerResponse) => {
    let text = "";
    for await (const part of request) text += String(part);
    const path = (request.url ?? "").replace("/pulsar-manager/", "");
    const send = (status: number, body: object | string, headers: Record<string, string | string[]> = {}) =>
      response.writeHead(status, headers).end(typeof body === "string" ? body : JSON.stringify(body));
    // Its page for 502 is not in the image.
    if (starting-- > 0) return send(404, "<html>404 Not Found</html>");
    if (path === "csrf-token") {
      const csrf = `csrf-${++made}`;
      return send(200, csrf, { "Set-Cookie": `XSRF-TOKEN=${csrf}; Path=/`, "X-Csrf-Token": csrf });
    }
    const body: unknown = JSON.parse(text);
    seen.push({ request: `${request.method ?? ""} ${path}`, body });
    const cookies = new Map(
      (request.headers.cookie ?? "").split("; ").map((cookie) => cookie.split("=") as [string, string]),
    );
    const csrf = request.headers["x-xsrf-token"];
    if (csrf === undefined || csrf !== cookies.get("XSRF-TOKEN")) return send(403, { message: "Forbidden" });
    if (request.headers["content-type"] !== "application/json") return send(415, { message: "Unsupported" });

    if (path === "login") {
      const login = body as { username: string; password: string };
      const user = users.find(({ name }) => name === login.username);
      if (user === undefined) return send(200, { error: "The user is not exist" });
      if (user.password !== login.password) return send(200, { error: "The user name or password not incorrect" });
      const [session, token] = [`session${++made}`, `token-${++made}`];
      sessions.set(session, { token, name: user.name });
      return send(
        200,
        { login: "success" },
        { "Set-Cookie": `JSESSIONID=${session}; Path=/`, token, username: user.name },
      );
    }
    if (path === "users/superuser") {
      if (users.length > 0) {
        return send(200, { error: "Super user role is exist, this interface is no longer available" });
      }
      const { name, password, email } = body as Account & { email?: string };
      if (!/^[A-Za-z0-9_]+$/.test(name)) return send(200, { error: "User name illegal" });
      if (email === undefined) return send(200, { error: "User email cannot be empty" });
      users.push({ name, password });
      return send(200, { message: "Add super user success, please login" });
    }
    const session = sessions.get(cookies.get("JSESSIONID") ?? "");
    const { token, username } = request.headers;
    if (session === undefined || session.token !== token || session.name !== username) {
      return send(401, { message: "Please login." });
    }
    if (behavior.registration !== undefined) return send(...behavior.registration);
    const environment = body as { name: string; broker: string };
    const known = environments.find(({ name }) => name === environment.name);
    if (request.method === "PUT") {
      if (environments.some(({ broker }) => broker === environment.broker))
        return send(200, { error: "Broker is exist" });
      if (known !== undefined) return send(200, { error: "Environment is exist" });
    }
    if (timeouts-- > 0) return send(404, "<html>404 Not Found</html>");
    if (refusals-- > 0) return send(200, { error: "This environment is error. Please check it" });
    if (known !== undefined) {
      known.broker = environment.broker;
      return send(200, { message: "Update environment success" });
    }
    environments.push(environment);
    return send(200, { message: "Add environment success" });
  };
  const server = createServer((request, response) => void answer(request, response));
  await new Promise<void>((listening) => server.listen(0, "127.0.0.1", listening));
  const { port } = server.address() as AddressInfo;
  return { port, users, environments, seen, close: () => server.close() };
}

/** Runs the script against a manager that behaves so, as often as is said. */
async function setUp(behavior: Behavior, { times = 1, port = 0, limit = 2, user = "admin" } = {}) {
  const state = await manager(behavior);
  const [requests, temporary] = ["requests", "private"].map((name) => mkdtempSync(join(tmpdir(), `manager-${name}-`)));
  assert.ok(requests !== undefined && temporary !== undefined);
  const bodies = {
    login: { username: user, password },
    superuser: { name: user, password, description: "", email: `${user}@example.com` },
    environment: { name: "demo-pulsar", broker: "http://demo-pulsar-broker:8080" },
  };
  for (const [name, body] of Object.entries(bodies)) {
    writeFileSync(join(requests, `${name}.json`), JSON.stringify(body));
  }
  const env = {
    PATH: process.env.PATH,
    TMPDIR: temporary,
    MANAGER_URL: `http://127.0.0.1:${port === 0 ? state.port : port}`,
    MANAGER_USER: user,
    BROKER_URL: "http://demo-pulsar-broker:8080",
    REQUESTS: requests,
    START_SECONDS: String(limit),
    CLUSTER_SECONDS: String(limit),
    PAUSE_SECONDS: "0.1",
  };
  const runs: { ok: boolean; said: string; last: string }[] = [];
  for (let i = 0; i < times; i++) {
    runs.push(
      await new Promise((done) => {
        execFile("sh", ["-c", script], { env }, (error, stdout, stderr) => {
          const said = stdout.trimEnd();
          done({ ok: error === null, said: `${said}\n${stderr}`, last: said.split("\n").at(-1) ?? "" });
        });
      }),
    );
  }
  state.close();
  for (const { said } of runs) assert.doesNotMatch(said, /login-pass|token-\d|csrf-\d|session\d/);
  assert.deepEqual(readdirSync(temporary), [], "something private is left behind");
  for (const folder of [requests, temporary]) rmSync(folder, { recursive: true });
  return { ...state, runs, asked: state.seen.map(({ request }) => request) };
}

describe("the script of ManagerSetup", { concurrency: true }, () => {
  test("creates the login and registers the cluster", async () => {
    const { runs, users, environments, asked } = await setUp({});
    assert.deepEqual(runs, [
      { ok: true, said: "the login admin is created\nthe cluster is registered\n", last: "the cluster is registered" },
    ]);
    assert.deepEqual(users, [{ name: "admin", password }]);
    assert.deepEqual(environments, [{ name: "demo-pulsar", broker: "http://demo-pulsar-broker:8080" }]);
    assert.deepEqual(asked, ["POST login", "PUT users/superuser", "POST login", "PUT environments/environment"]);
  });

  test("creates nothing the second time", async () => {
    const { runs, users, environments, asked } = await setUp({}, { times: 2 });
    assert.equal(runs[1]?.said, "the login admin exists already\nthe cluster is registered already\n");
    assert.ok(runs[1].ok);
    assert.deepEqual([users.length, environments.length], [1, 1]);
    assert.deepEqual(asked.slice(4), ["POST login", "PUT environments/environment"]);
  });

  test("registers another address of the cluster, such as after TLS is enabled, when the brokers answer there", async () => {
    const environments = [{ name: "demo-pulsar", broker: "https://demo-pulsar-broker:8443" }];
    const users = [{ name: "admin", password }];
    const { runs, asked, ...state } = await setUp({ users, environments, refusals: 1 });
    assert.deepEqual([runs[0]?.ok, runs[0]?.last], [true, "the cluster is registered"]);
    assert.deepEqual(state.environments, [{ name: "demo-pulsar", broker: "http://demo-pulsar-broker:8080" }]);
    const [add, update] = ["PUT environments/environment", "POST environments/environment"];
    assert.deepEqual(asked, ["POST login", add, update, update]);
  });

  test("does not change a login with another password, and names the place to change it", async () => {
    const users = [{ name: "admin", password: "changed-since" }];
    const { runs, asked, ...state } = await setUp({ users });
    assert.equal(runs[0]?.ok, false);
    assert.match(
      runs[0].last,
      /^pulsar:managerPassword: admin has another password in Pulsar Manager; .*docs\/access.md/,
    );
    assert.deepEqual([asked, state.users], [["POST login"], users]);
  });

  test("reports that another super user exists", async () => {
    const { runs, environments } = await setUp({ users: [{ name: "root", password: "another" }] });
    assert.equal(runs[0]?.ok, false);
    assert.match(runs[0].last, /^pulsar:manager\.user: Pulsar Manager has no login admin, .*; name that one$/);
    assert.deepEqual(environments, []);
  });

  test("reports why the manager does not create a login", async () => {
    const { runs } = await setUp({}, { user: "o.brien" });
    assert.equal(runs[0]?.ok, false);
    assert.equal(
      runs[0].last,
      "pulsar:manager.user: Pulsar Manager does not create the login o.brien (User name illegal); change it, or pulsar:managerPassword",
    );
  });

  test("waits for a manager that is still starting", async () => {
    const { runs, environments } = await setUp({ starting: 3 }, { limit: 20 });
    assert.deepEqual([runs[0]?.ok, environments.length], [true, 1]);
  });

  test("stops waiting for a manager that never starts", async () => {
    const { runs } = await setUp({ starting: 1_000_000 }, { limit: 1 });
    assert.equal(runs[0]?.ok, false);
    assert.match(
      runs[0].last,
      /^Pulsar Manager: http:\/\/127\.0\.0\.1:\d+ does not answer within 1 s \(status 404\); see the log/,
    );
  });

  test("stops waiting if nothing listens", async () => {
    const { runs } = await setUp({}, { limit: 1, port: 1 });
    assert.equal(runs[0]?.ok, false);
    assert.match(
      runs[0].last,
      /^Pulsar Manager: http:\/\/127\.0\.0\.1:1 does not answer within 1 s \(status no answer\); see the log/,
    );
  });

  test("retries while the brokers do not answer the manager", async () => {
    const { runs, environments, asked } = await setUp({ refusals: 2, timeouts: 1 }, { limit: 20 });
    assert.deepEqual([runs[0]?.ok, environments.length], [true, 1]);
    assert.equal(asked.filter((request) => request === "PUT environments/environment").length, 4);
  });

  test("stops retrying if they never answer, and reports their address", async () => {
    const { runs, users } = await setUp({ refusals: 1_000_000 }, { limit: 1 });
    assert.equal(runs[0]?.ok, false);
    assert.equal(
      runs[0].last,
      "Pulsar Manager: it gets no answer from the brokers at http://demo-pulsar-broker:8080 within 1 s " +
        "(This environment is error. Please check it); see the log of its pod",
    );
    assert.equal(users.length, 1);
  });

  test("accepts no other answer", async () => {
    for (const [registration, reason] of [
      [[200, { error: "Environment is exist" }], "Environment is exist"],
      [[200, { error: "User does not have permission to operate" }], "User does not have permission to operate"],
      [[401, { message: "Please login." }], "Please login."],
      [[200, {}], "status 200"],
    ] as const) {
      const { runs } = await setUp({ registration: [...registration] });
      assert.equal(runs[0]?.ok, false);
      assert.equal(
        runs[0].last,
        `Pulsar Manager: it does not register the cluster (${reason}); see the log of its pod, then run pulumi up again`,
      );
    }
  });

  test("does not accept an error that only mentions an existing cluster", async () => {
    const registration: [number, object] = [500, { message: 'relation "environments" does not exist' }];
    const { runs } = await setUp({ registration }, { limit: 1 });
    assert.equal(runs[0]?.ok, false);
    assert.match(runs[0].last, / \(relation 'environments' does not exist\); /);
  });
});
