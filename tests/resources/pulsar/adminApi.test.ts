/** How the client of the admin API handles responses and missing responses. */
import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer, type RequestListener, type Server } from "node:http";
import { createServer as createSecureServer } from "node:https";
import type { AddressInfo } from "node:net";
import { afterEach, before, describe, test } from "node:test";
import { type AdminAccess, type AdminApi, Refusal, withAdminApi } from "../../../resources/pulsar/adminApi.ts";
import { makeCertificates } from "../../../rehearsal/cluster/certificates.ts";
import { tokenServers } from "../../support/tokenServer.ts";

const token = "eyJhbGciOiJub25lIn0.eyJzdWIiOiJhZG1pbiJ9.";
const serveTokens = tokenServers();
let accessWith: Awaited<ReturnType<typeof serveTokens>>;
before(async () => {
  accessWith = await serveTokens({ "pulsar-token-admin": token });
});

const servers: Server[] = [];
afterEach(() => {
  for (const server of servers.splice(0)) {
    server.close();
    server.closeAllConnections();
  }
});

async function serve(listener: RequestListener, server: Server = createServer()): Promise<number> {
  server.on("request", listener).listen(0, "127.0.0.1");
  servers.push(server);
  await once(server, "listening");
  return (server.address() as AddressInfo).port;
}

const access = (address: string, ca?: string) => accessWith("pulsar-token-admin", address, ca);

async function faultOf(where: AdminAccess, use: (api: AdminApi) => Promise<unknown>, limit = 0): Promise<Error> {
  const fault = await withAdminApi(where, use, limit).then(
    () => undefined,
    (error: unknown) => error,
  );
  assert.ok(fault instanceof Error, "no fault");
  assert.doesNotMatch(fault.message, /\n|eyJ/);
  return fault;
}

const tenants = (api: AdminApi) => api.get("/tenants");

/** Returns these responses in turn, and the last one again and again. */
function answering(...answers: [status: number, body: string][]): { listener: RequestListener; asked: () => number } {
  let count = 0;
  return {
    listener(_request, response) {
      const [status, body] = answers[Math.min(count, answers.length - 1)] ?? [500, ""];
      count += 1;
      response.writeHead(status, { location: "http://broker-0:8080/" }).end(body);
    },
    asked: () => count,
  };
}
const refusing = (status: number, reason: string) => answering([status, JSON.stringify({ reason })]);
const at = async ({ listener }: ReturnType<typeof answering>) => `http://127.0.0.1:${await serve(listener)}`;

describe("a request", () => {
  test("has the token, and goes to a path below the address with its body as JSON, including 0", async () => {
    const seen: unknown[] = [];
    const port = await serve((request, response) => {
      let body = "";
      request.on("data", (chunk: Buffer) => (body += chunk.toString()));
      request.on("end", () => {
        seen.push([request.method, request.url, request.headers.authorization, request.headers["content-type"], body]);
        response.writeHead(204).end();
      });
    });
    await withAdminApi(access(`http://127.0.0.1:${port}/below/`), async (api) => {
      await api.post("/namespaces/a/b/messageTTL", 0);
      await api.put("/persistent/a/b/c");
    });
    assert.deepEqual(seen, [
      ["POST", "/below/admin/v2/namespaces/a/b/messageTTL", `Bearer ${token}`, "application/json", "0"],
      ["PUT", "/below/admin/v2/persistent/a/b/c", `Bearer ${token}`, undefined, ""],
    ]);
  });

  test("to an https address trusts the given CA only", async () => {
    const { ca, certificate: cert, key } = await makeCertificates();
    const port = await serve(answering([200, "[]"]).listener, createSecureServer({ cert, key }));
    const address = `https://localhost:${port}`;
    assert.deepEqual(await withAdminApi(access(address, ca), tenants), []);
    const { message } = await faultOf(access(address), tenants);
    assert.match(
      message,
      /^the admin API at https:\/\/localhost:\d+ has a certificate of a CA that is not trusted \(pulsar:adminApi\.caFile is not set\); /,
    );
  });
});

describe("a response", () => {
  test("of 404 is not an error of a read or a deletion", async () => {
    const address = await at(refusing(404, "Tenant does not exist"));
    assert.equal(await withAdminApi(access(address), tenants), undefined);
    await withAdminApi(access(address), (api) => api.delete("/tenants/shop"));
    const { message } = await faultOf(access(address), (api) => api.post("/tenants/shop", {}));
    assert.equal(
      message,
      `the admin API at ${address} answers 404 to POST /admin/v2/tenants/shop: Tenant does not exist; fix the cause, then run the command again`,
    );
  });

  const secret = "the token of Secret pulsar/pulsar-token-admin";
  const refusals: [status: number, reason: string, expected: string][] = [
    [401, "Unauthorized", `refuses ${secret} (401: Unauthorized); use a super user's, signed with the key that`],
    [403, "Forbidden", `does not permit GET /admin/v2/tenants to ${secret} (403: Forbidden); use a super user's`],
    [409, "Tenant already exist", "answers 409 to GET /admin/v2/tenants: Tenant already exist"],
    [500, "java.lang.Boom\n at x", "answers 500 to GET /admin/v2/tenants: java.lang.Boom at x"],
    [307, "", "redirects GET /admin/v2/tenants (307); set pulsar:adminApi.address to a proxy"],
  ];
  for (const [status, reason, expected] of refusals) {
    test(`${status} is one line with the sender and the message`, async () => {
      const address = await at(refusing(status, reason));
      const fault = await faultOf(access(address), tenants);
      assert.ok(fault.message.startsWith(`the admin API at ${address} ${expected}`), fault.message);
      assert.ok(fault instanceof Refusal);
      assert.equal(fault.status, status);
    });
  }

  test("of another server is reported with the text of its page, or as not JSON", async () => {
    const page = "<html><style>p {}</style><h2>HTTP ERROR 401</h2>\n<p>Authentication required</p></html>";
    assert.match(
      (await faultOf(access(await at(answering([401, page]))), tenants)).message,
      /\(401: HTTP ERROR 401 Authentication required\)/,
    );
    const { message } = await faultOf(access(await at(answering([200, "<html>Welcome</html>"]))), tenants);
    assert.match(
      message,
      /answers \/admin\/v2\/tenants without JSON, so it is not Pulsar's admin API; set pulsar:adminApi\.address to a proxy$/,
    );
  });
});

describe("a temporary failure", () => {
  const passing: [status: number, body: string][] = [
    [503, ""],
    [502, "<html>Bad Gateway</html>"],
    [409, '{"reason":"Concurrent modification"}'],
  ];

  test("is retried until it succeeds", async () => {
    const answers = answering(...passing, [200, "[]"]);
    assert.deepEqual(await withAdminApi(access(await at(answers)), tenants), []);
    assert.equal(answers.asked(), 4);
  });

  test("is reported at the time limit", async () => {
    for (const answer of passing) {
      const answers = answering(answer);
      const fault = await faultOf(access(await at(answers)), tenants, 700);
      assert.ok(fault instanceof Refusal);
      assert.ok(answers.asked() > 1);
    }
  });

  test("may be an address where nothing listens yet", async () => {
    const port = await serve(() => undefined);
    for (const server of servers.splice(0)) server.close();
    const { message } = await faultOf(access(`http://127.0.0.1:${port}`), tenants, 700);
    assert.match(message, /^the admin API at http:\/\/127\.0\.0\.1:\d+ cannot be reached: connect ECONNREFUSED/);
  });
});

test("a missing response is reported after ten seconds", async (t) => {
  const port = await serve(() => undefined);
  const limits: number[] = [];
  const timeout = AbortSignal.timeout.bind(AbortSignal);
  // The clock runs twenty times as fast.
  t.mock.method(AbortSignal, "timeout", (limit: number) => {
    limits.push(limit);
    return timeout(limit / 20);
  });
  const { message } = await faultOf(access(`http://127.0.0.1:${port}`), tenants, 60_000);
  assert.match(message, /does not answer within 10 s; check the proxies, the network and pulsar:adminApi$/);
  assert.equal(limits.at(-1), 10_000);
});

test("without the Secret, no request is sent", async () => {
  const where = { ...access("http://127.0.0.1:9"), token: { secret: "gone", key: "TOKEN" } };
  assert.equal(
    (await faultOf(where, tenants)).message,
    "the Secret pulsar/gone with the administrators' token does not exist; run pulumi up --refresh, which creates it",
  );
});
