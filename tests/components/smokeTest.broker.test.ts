/** The smoke test's script against a real proxy and a real broker, with the command-line tools of both lines. */
import assert from "node:assert/strict";
import { once } from "node:events";
import { chmod, cp, readFile, rename, writeFile } from "node:fs/promises";
import { type AddressInfo, connect } from "node:net";
import { join } from "node:path";
import { pipeline } from "node:stream";
import { after, before, describe, test } from "node:test";
import { createServer, type Server } from "node:tls";
import { execa } from "execa";
import { makeCertificates } from "../../rehearsal/cluster/certificates.ts";
import { classpath } from "../../rehearsal/pulsar/classpath.ts";
import { clientTools } from "../../rehearsal/pulsar/clientTools.ts";
import { newPrivateKey, type Pulsar, startPulsar } from "../../rehearsal/pulsar/pulsar.ts";
import { signToken } from "../../model/tokens.ts";
import { freePorts } from "../../rehearsal/cluster/ports.ts";
import { openWorkspace, type Workspace } from "../../rehearsal/engine/workspace.ts";

const script = join(import.meta.dirname, "../../components/scripts/smokeTest.sh");

/** How long one run may take on a busy machine, in milliseconds. */
const limit = 600_000;

describe("the smoke test", () => {
  let workspace: Workspace;
  let pulsar: Pulsar;
  let oldTools: string;
  let token: string;

  before(async () => {
    workspace = await openWorkspace();
    const [started, oldJars] = await Promise.all([
      startPulsar({ workspace, keys: "asymmetric" }),
      classpath("tools-2.7", workspace),
    ]);
    pulsar = started;
    oldTools = await clientTools(join(workspace.dir, "tools-2.7"), oldJars);
    token = await pulsar.token({ role: "admin" });
  });

  after(() => workspace.close());

  /** Runs the script in a folder that stands for the image's /pulsar, and answers its exit status, its last line and all it said. */
  async function run(tools: string, env: Record<string, string> = {}, shown = token) {
    const tokenFile = join(workspace.dir, "token");
    await writeFile(tokenFile, shown);
    const given = { ADMIN_URL: pulsar.adminUrl, SERVICE_URL: pulsar.serviceUrl, TOKEN_FILE: tokenFile };
    const result = await execa("sh", ["-c", await readFile(script, "utf8")], {
      env: { ...workspace.env, ...given, ...env },
      extendEnv: false,
      cwd: tools,
      stdin: "ignore",
      all: true,
      timeout: limit,
      cancelSignal: workspace.signal,
      reject: false,
    });
    assert.ok(!result.all.includes(shown), "the token is shown");
    return { exitCode: result.exitCode, last: result.all.split("\n").at(-1) ?? "", all: result.all };
  }

  /** What is left of a run in the topic: the subscriptions, of whomever. */
  async function subscriptions(): Promise<string[]> {
    const path = "admin/v2/persistent/test-tenant/test-ns/test-topic/partitioned-stats";
    const response = await fetch(`${pulsar.adminUrl}/${path}`, { headers: { authorization: `Bearer ${token}` } });
    assert.equal(response.status, 200);
    const stats = (await response.json()) as { subscriptions: object; metadata: { partitions: number } };
    assert.equal(stats.metadata.partitions, 3);
    return Object.keys(stats.subscriptions);
  }

  /** The tools of 2.7 with something done before or after a command of pulsar-client. */
  async function tampered(name: string, lines: string): Promise<string> {
    const folder = join(workspace.dir, name);
    await cp(oldTools, folder, { recursive: true });
    await rename(join(folder, "bin/pulsar-client"), join(folder, "bin/original"));
    const foreign = `foreign() { bin/original --url ${pulsar.serviceUrl} --auth-plugin org.apache.pulsar.client.impl.auth.AuthenticationToken \\
      --auth-params "file://$TOKEN_FILE" produce --messages foreign persistent://test-tenant/test-ns/test-topic-partition-0; }`;
    await writeFile(join(folder, "bin/pulsar-client"), `#!/bin/sh\n${foreign}\n${lines}\n`);
    await chmod(join(folder, "bin/pulsar-client"), 0o755);
    return folder;
  }

  const passed = /^smoke test passed: 12 messages went through persistent:\/\/test-tenant\/test-ns\/test-topic, /;

  test("passes with the tools of 4.0 on a new cluster, and leaves no subscription", async () => {
    const { exitCode, last, all } = await run(pulsar.clientTools);
    assert.equal(exitCode, 0, all);
    assert.match(last, passed);
    assert.deepEqual(await subscriptions(), []);
  });

  test("passes with the tools of 2.7, and again with the existing topic", async () => {
    const { exitCode, last, all } = await run(oldTools);
    assert.equal(exitCode, 0, all);
    assert.match(last, passed);
    assert.deepEqual(await subscriptions(), []);
  });

  describe("with TLS", () => {
    /** The environment of a Job over TLS. */
    let tls: Record<string, string>;
    let otherName: string;
    const servers: Server[] = [];

    before(async () => {
      const { ca, certificate: cert, key } = await makeCertificates();
      /** A server that ends TLS in front of a port of the proxy. */
      const front = async (address: string, host = "127.0.0.1") => {
        const port = Number(new URL(address).port);
        const server = createServer({ cert, key }, (socket) => {
          pipeline(socket, connect(port, "127.0.0.1"), socket, () => undefined);
        });
        servers.push(server);
        await once(server.listen(0, host), "listening");
        return (server.address() as AddressInfo).port;
      };
      // Not in the certificate.
      const host = "127.0.0.2";
      otherName = `https://${host}:${await front(pulsar.adminUrl, host)}`;
      const [caFile, clientConf] = [join(workspace.dir, "ca.crt"), join(workspace.dir, "tls.conf")];
      await writeFile(caFile, ca);
      await writeFile(clientConf, `tlsTrustCertsFilePath=${caFile}\ntlsEnableHostnameVerification=true\n`);
      tls = {
        ADMIN_URL: `https://localhost:${await front(pulsar.adminUrl)}`,
        SERVICE_URL: `pulsar+ssl://localhost:${await front(pulsar.serviceUrl)}`,
        CA_FILE: caFile,
        PULSAR_CLIENT_CONF: clientConf,
        PLAIN_PORTS: (await freePorts(1)).join(" "),
      };
    });
    after(() => {
      for (const server of servers) server.close();
    });

    for (const line of ["4.0", "2.7"]) {
      const tools = () => (line === "4.0" ? pulsar.clientTools : oldTools);
      test(`passes with the tools of ${line}, and trusts no other CA`, async () => {
        const { exitCode, last, all } = await run(tools(), tls);
        assert.equal(exitCode, 0, all);
        assert.match(last, passed);
      });

      test(`reports with the tools of ${line} that the certificate has another host name`, async () => {
        const { exitCode, last } = await run(tools(), { ...tls, ADMIN_URL: otherName, WAIT_SECONDS: "1" });
        assert.equal(exitCode, 1);
        assert.match(last, /^smoke test failed: no answer from/);
      });
    }

    test("reports a port for plain text", async () => {
      const plain = new URL(pulsar.serviceUrl).port;
      const { exitCode, last, all } = await run(oldTools, { ...tls, PLAIN_PORTS: plain });
      assert.equal(exitCode, 1, all);
      assert.equal(last, `smoke test failed: localhost accepts connections without TLS on port ${plain}`);
    });

    test("reports a client that trusts any certificate", async () => {
      const conf = join(workspace.dir, "careless.conf");
      await writeFile(conf, "tlsAllowInsecureConnection=true\n");
      const { exitCode, last, all } = await run(oldTools, { ...tls, PULSAR_CLIENT_CONF: conf });
      assert.equal(exitCode, 1, all);
      assert.match(last, /^smoke test failed: the certificate is trusted without its CA: admin /);
    });
  });

  test("reports at once that its own token is rejected", async () => {
    const other = await signToken(newPrivateKey("asymmetric"), "asymmetric", { role: "admin" });
    for (const tools of [pulsar.clientTools, oldTools]) {
      const { exitCode, last } = await run(tools, {}, other);
      assert.equal(exitCode, 1);
      assert.equal(last, `smoke test failed: the administrators' token is refused at ${pulsar.adminUrl}`);
    }
  });

  test("reports a missing answer, and does not count it as a rejection", async () => {
    const [port = 0] = await freePorts(1);
    const nowhere = `http://127.0.0.1:${port}`;
    const { exitCode, last } = await run(oldTools, { ADMIN_URL: nowhere, WAIT_SECONDS: "1", CALL_SECONDS: "30" });
    assert.equal(exitCode, 1);
    assert.equal(last, `smoke test failed: no answer from ${nowhere} within 1 s`);
  });

  test("reports that clients do not reach the proxy, and leaves no subscription", async () => {
    const [port = 0] = await freePorts(1);
    const nowhere = `pulsar://127.0.0.1:${port}`;
    const { exitCode, last } = await run(oldTools, { SERVICE_URL: nowhere, CALL_SECONDS: "30" });
    assert.equal(exitCode, 1);
    assert.match(last, new RegExp(`^smoke test failed: cannot produce to partition 0 of .* at ${nowhere}$`));
    assert.deepEqual(await subscriptions(), []);
  });

  test("reports a message of another producer, and leaves no subscription", async () => {
    const before = 'case "$*" in *partition-0) foreign ;; esac\nexec bin/original "$@"';
    const { exitCode, last, all } = await run(await tampered("foreign-first", before));
    assert.equal(exitCode, 1, all);
    assert.match(last, /^smoke test failed: other messages were consumed from .* than were produced$/);
    assert.deepEqual(await subscriptions(), []);
  });

  test("reports more messages than it produced", async () => {
    const after = 'bin/original "$@" || exit\ncase "$*" in *" consume "*) foreign >/dev/null ;; esac';
    const { exitCode, last, all } = await run(await tampered("foreign-last", after));
    assert.equal(exitCode, 1, all);
    assert.match(last, /^smoke test failed: persistent:\/\/\S+ has messages that were not produced: 1$/);
    assert.deepEqual(await subscriptions(), []);
  });

  test("reports that no token is required", async () => {
    const changes = { authenticationEnabled: "false", authorizationEnabled: "false" };
    const open = await startPulsar({ workspace, keys: "asymmetric", changes });
    try {
      const { exitCode, last, all } = await run(oldTools, { ADMIN_URL: open.adminUrl, SERVICE_URL: open.serviceUrl });
      assert.equal(exitCode, 1, all);
      assert.equal(last, `smoke test failed: a request without a token to ${open.adminUrl} is accepted`);
    } finally {
      await open.stop();
    }
  });
});
