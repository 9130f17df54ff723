/** ZooKeeper, a bookie, a broker and a proxy with the certificates of PulsarTls and the configuration of the program's values. */
import assert from "node:assert/strict";
import { X509Certificate } from "node:crypto";
import { once } from "node:events";
import { mkdir, readFile, writeFile } from "node:fs/promises";
import { get } from "node:https";
import { connect, type Socket } from "node:net";
import { dirname, join } from "node:path";
import { createInterface } from "node:readline";
import { after, before, describe, test } from "node:test";
import { checkServerIdentity, connect as connectTls } from "node:tls";
import { execa } from "execa";
import { PulsarTls, type PulsarTlsArgs } from "../../components/pulsarTls.ts";
import { patch as patch27 } from "../../model/charts/line27/patches.ts";
import { patch as patch4 } from "../../model/charts/line4/patches.ts";
import { chartLine, type ChartVersion } from "../../model/charts/lines.ts";
import { parseManifest } from "../../model/charts/manifest.ts";
import { tlsSecrets } from "../../model/tls.ts";
import { freePorts } from "../../rehearsal/cluster/ports.ts";
import { waitFor } from "../../rehearsal/cluster/waiting.ts";
import { openWorkspace, type Workspace } from "../../rehearsal/engine/workspace.ts";
import { text } from "../../rehearsal/pulsar/configuration.ts";
import { startJava } from "../../rehearsal/pulsar/java.ts";
import { newPrivateKey } from "../../rehearsal/pulsar/pulsar.ts";
import {
  type Certificates,
  type Server,
  servers,
  tlsCluster,
  type TlsCluster,
} from "../../rehearsal/pulsar/tlsCluster.ts";
import { openMessaging } from "../../rehearsal/realCluster/messages/messaging.ts";
import { certificateSteps } from "../../resources/kubernetes/secretRollout.ts";
import { standIns } from "../rehearsal/standins/chartRender.ts";
import { clusterOf } from "../model/charts/clusterOf.ts";
import { register } from "../support/mocks.ts";
import { missingClient, startProxies } from "../support/proxies.ts";

const namespace = "pulsar";
const installation = { release: "pulsar", namespace, clusterDomain: "cluster.local" };
const limit = 120_000;

/** The stack's keys by logical name. They stay while its certificates change. */
const keys = new Map<string, string>();

/** The Secrets that the component creates. */
async function issued(args: Partial<PulsarTlsArgs> = {}): Promise<Certificates> {
  const program = () =>
    new PulsarTls("tls", {
      ...{ namespace, installation, hosts: [], generation: 1, authority: 1, trusted: [1] },
      ...{ lifetimeDays: 365, authorityLifetimeDays: 3650 },
      ...args,
    });
  const registered = await register(program, {
    newKey: (name) => {
      const key = keys.get(name) ?? newPrivateKey("asymmetric");
      keys.set(name, key);
      return key;
    },
  });
  const secrets = registered.filter(({ type }) => type === "kubernetes:core/v1:Secret");
  return Object.fromEntries(
    secrets.map(({ inputs }) => {
      const data = Object.entries(inputs.data as Record<string, string>);
      const content = data.map(([key, value]) => [key, Buffer.from(value, "base64").toString()]);
      return [(inputs.metadata as { name: string }).name, Object.fromEntries(content) as Record<string, string>];
    }),
  );
}

const isServer = (component: string): component is Server => servers.some((server) => server === component);

const secrets = tlsSecrets("pulsar");

/** The data of the release's ConfigMaps, by name. */
async function rendered(version: ChartVersion): Promise<Record<string, Record<string, string>>> {
  const patch = version === "4.7.0" ? patch4 : patch27;
  const settings = { ...clusterOf(version), ...installation, tls: secrets };
  const values = chartLine(version).values(settings);
  const objects = parseManifest(await standIns[version].template(values, installation.release, namespace));
  patch(objects);
  const configMaps = objects.filter(({ kind }) => kind === "ConfigMap");
  return Object.fromEntries(
    configMaps.map(({ metadata, data }) => [metadata.name, (data ?? {}) as Record<string, string>]),
  );
}
const caOf = (certificates: Certificates) => certificates[secrets.ca]?.["ca.crt"] ?? "";
const certificateOf = (certificates: Certificates, server: Server) =>
  new X509Certificate(certificates[secrets.components[server]]?.["tls.crt"] ?? "");

/** These certificates, but a server has the one of another program, or of another set. */
const given = (certificates: Certificates, server: Server, from: Certificates, of: Server = server): Certificates => ({
  ...certificates,
  [secrets.components[server]]: from[secrets.components[of]] ?? {},
});

/** All that a server answers in plain text before it closes the connection or keeps silent. "closed port" if nothing listens. */
async function plainAnswer(address: string, port: number, request: Buffer | string): Promise<string> {
  const socket = connect(port, address).setTimeout(2_000, () => socket.destroy());
  const answer: Buffer[] = [];
  socket.on("data", (chunk) => answer.push(chunk)).write(request);
  const fault = await once(socket, "close").then(
    () => undefined,
    (cause: unknown) => cause as NodeJS.ErrnoException,
  );
  return fault?.code === "ECONNREFUSED" ? "closed port" : Buffer.concat(answer).toString("latin1");
}

/** A request of BookKeeper's protocol (version 3): its size, a header with the operation, and a field of the request. */
function bookkeeperRequest(operation: number, field: number[]): Buffer {
  const message = [0x0a, 6, 0x08, 3, 0x10, operation, 0x18, 1, ...field];
  return Buffer.from([0, 0, 0, message.length, ...message]);
}
const readEntry = bookkeeperRequest(1, [0xa2, 6, 4, 0x08, 0, 0x10, 0]);
const startTls = bookkeeperRequest(9, [0xd2, 6, 0]);

/** The status in a bookie's response: 0 is success, 402 "no such ledger", 502 "unauthorized access". */
async function bookieStatus(socket: Socket, request: Buffer): Promise<number> {
  socket.write(request);
  const [response] = (await once(socket, "data")) as [Buffer];
  const at = 6 + response.readUInt8(5) + 1;
  const low = response.readUInt8(at);
  return low < 0x80 ? low : (low & 0x7f) | (response.readUInt8(at + 1) << 7);
}

// Elsewhere, the loopback interface has one address.
describe("a cluster with TLS", { skip: process.platform !== "linux" }, () => {
  let workspace: Workspace;
  let cluster: TlsCluster;
  let certificates: Certificates;

  before(async () => {
    workspace = await openWorkspace();
    certificates = await issued();
    // In a second instead of five minutes.
    const soon = { tlsCertRefreshCheckDurationSec: "1" };
    const changes = { broker: soon, proxy: soon };
    cluster = await tlsCluster({ workspace, installation, configMaps: await rendered("4.7.0"), certificates, changes });
    await cluster.start();
  });

  after(async () => {
    await cluster.stop();
    await workspace.close();
  });

  /** Ends after the timeout if the connection fails. */
  const pulsarAdmin = () =>
    cluster.toolset("client.conf", "org.apache.pulsar.admin.cli.PulsarAdminTool", [
      ...["--request-timeout", "5", "tenants", "list"],
    ]);

  /** The status of the brokers' REST API through the proxy, for a client that connects as ingress-nginx does: without SNI, for its own host. */
  async function throughProxy(): Promise<number | undefined> {
    const request = get({
      ...{ host: cluster.relayed("proxy"), port: 8443, servername: "", ca: caOf(certificates) },
      checkServerIdentity: (_, certificate) => checkServerIdentity("pulsar-proxy.pulsar.svc", certificate),
      ...{ path: "/admin/v2/tenants", agent: false },
      headers: { host: "pulsar-admin.example.com", authorization: `Bearer ${cluster.tokens.admin}` },
    });
    const [response] = (await once(request, "response")) as [{ statusCode?: number; resume(): void }];
    response.resume();
    return response.statusCode;
  }

  /** Gives the programs these certificates, and waits until broker and proxy present theirs. */
  async function mountUntilServed(mounted: Certificates): Promise<void> {
    await cluster.mount(mounted);
    for (const server of ["broker", "proxy"] as const) {
      const wanted = certificateOf(mounted, server).fingerprint256;
      const served = async () => {
        const host = cluster.relayed(server);
        const found = await Promise.all(
          [6651, 8443].map(async (port) => {
            const socket = connectTls({ host, port, servername: "any", rejectUnauthorized: false });
            await once(socket, "secureConnect");
            const fingerprint = socket.getPeerX509Certificate()?.fingerprint256;
            socket.destroy();
            return fingerprint;
          }),
        );
        return found.every((one) => one === wanted) || undefined;
      };
      await waitFor(served, { what: `the new certificate of ${server}`, limit, signal: workspace.signal });
    }
  }

  test("the toolset reaches proxy and bookies", async () => {
    const produced = await cluster.toolset("client.conf", "org.apache.pulsar.client.cli.PulsarClientTool", [
      ...["produce", "--messages", "hello", "public/default/toolset"],
    ]);
    assert.ok(!produced.failed, produced.output);
    const written = await cluster.toolset(
      "bookkeeper.conf",
      "org.apache.bookkeeper.bookie.BookieShell",
      ["simpletest", "-ensemble", "1", "-writeQuorum", "1", "-ackQuorum", "1", "-numEntries", "3"],
      ["-conf"],
    );
    assert.ok(!written.failed, written.output);
  });

  test("no port for data answers in plain text", async () => {
    const { zookeeper, broker, proxy } = cluster.addresses;
    assert.equal(await plainAnswer(zookeeper, 2181, "ruok"), "closed port");
    assert.equal(await plainAnswer(broker, 6650, "x"), "closed port");
    assert.equal(await plainAnswer(proxy, 6650, "x"), "closed port");
    assert.doesNotMatch(await plainAnswer(zookeeper, 2281, "ruok"), /imok/);
    for (const address of [broker, proxy]) {
      assert.doesNotMatch(await plainAnswer(address, 8443, "GET /metrics/ HTTP/1.0\r\n\r\n"), /HTTP/);
      // The command CONNECT without a token. In plain text the answer would be an error with a message.
      const hello = Buffer.from([0, 0, 0, 14, 0, 0, 0, 10, 8, 2, 0x12, 6, 0x0a, 2, 0x61, 0x62, 0x20, 16]);
      assert.doesNotMatch(await plainAnswer(address, 6651, hello), /[a-z]{4}/i);
    }
  });

  test("a bookie refuses clients in plain text, and those without a component's certificate", async () => {
    const open = () => connect(3181, cluster.relayed("bookie"));
    const plain = open();
    assert.equal(await bookieStatus(plain, readEntry), 502);
    plain.destroy();

    /** The answer to a client with TLS, or the reason of the failure. */
    const encrypted = async (own: { cert?: string | undefined; key?: string | undefined }) => {
      const socket = open();
      assert.equal(await bookieStatus(socket, startTls), 0);
      const secure = connectTls({ socket, servername: "pulsar-bookie", ca: caOf(certificates), ...own });
      try {
        return await bookieStatus(secure, readEntry);
      } catch (fault) {
        return (fault as Error).message;
      } finally {
        secure.destroy();
      }
    };
    assert.match(String(await encrypted({})), /certificate required/);
    const broker = certificates[secrets.components.broker];
    assert.equal(await encrypted({ cert: broker?.["tls.crt"], key: broker?.["tls.key"] }), 402);
  });

  test("proxies and clients refuse certificates of another CA, for another name, and expired ones", async () => {
    const short = await issued({ lifetimeDays: 1 / 24 / 3600 });
    const expired = certificateOf(short, "broker").validToDate;
    await waitFor(async () => new Date() > expired || undefined, { what: "the end of a certificate", limit });
    const foreign = await issued({ trusted: [2], authority: 2 });
    const wrong: [string, (server: Server) => Certificates][] = [
      ["another CA", (server) => given(certificates, server, foreign)],
      ["another name", (server) => given(certificates, server, certificates, "zookeeper")],
      ["expired", (server) => given(certificates, server, short)],
    ];
    for (const [what, certificatesWith] of wrong) {
      await mountUntilServed(certificatesWith("broker"));
      assert.equal(await throughProxy(), 502, what);
      await mountUntilServed(certificatesWith("proxy"));
      const { failed, output } = await pulsarAdmin();
      assert.ok(failed, `${what}: ${output}`);
    }
    await mountUntilServed(certificates);
    assert.equal(await throughProxy(), 200);
    const { failed, output } = await pulsarAdmin();
    assert.ok(!failed, output);
  });

  test("the CA is rotated by overlap, without a failed send", async (t) => {
    const trust = join(workspace.dir, "trust.crt");
    const token = join(workspace.dir, "traffic.token");
    await writeFile(trust, caOf(certificates));
    await writeFile(token, cluster.tokens.admin, { mode: 0o600 });
    const source = join(import.meta.dirname, "../../rehearsal/pulsar/Producer.java");
    const address = ["pulsar+ssl://pulsar-proxy:6651", "persistent://public/default/traffic"];
    const traffic = execa("java", ["-Xmx128m", ...cluster.java, source, ...address, token, trust], {
      env: workspace.env,
      extendEnv: false,
      stdin: "pipe",
      buffer: false,
      reject: false,
    });
    const sent = new Set<string>();
    const received = new Set<string>();
    const failed: string[] = [];
    createInterface(traffic.stdout).on("line", (line) => {
      const [, state, number] = /^(received |failed )?(\d+)/.exec(line) ?? [];
      if (number === undefined) return;
      if (state === "failed ") failed.push(line);
      else (state === undefined ? sent : received).add(number);
    });
    const more = async (what: string) => {
      const wanted = received.size + 50;
      const waiting = { what: `messages ${what}`, limit, signal: workspace.signal };
      await waitFor(async () => received.size >= wanted || undefined, waiting);
    };
    await more("before the rotation");

    const steps: [string, Certificates][] = [
      ["trust both", await issued({ trusted: [1, 2] })],
      ["issue from the new one", await issued({ trusted: [1, 2], authority: 2 })],
      ["trust the new one", await issued({ trusted: [2], authority: 2 })],
    ];
    for (const [step, mounted] of steps) {
      const begun = performance.now();
      await writeFile(trust, caOf(mounted));
      await cluster.mount(mounted);
      for (const server of certificateSteps.flat().filter(isServer)) await cluster.restart(server);
      await more(`after "${step}"`);
      t.diagnostic(`${step}: ${((performance.now() - begun) / 1000).toFixed(0)} s, ${sent.size} sent`);
      certificates = mounted;
    }
    traffic.stdin.end("\n");
    assert.equal((await traffic).exitCode, 0);
    assert.deepEqual(failed, []);
    assert.deepEqual(
      [...sent].filter((number) => !received.has(number)),
      [],
    );
    assert.equal(await throughProxy(), 200);
  });

  test("a rehearsal on a real cluster", { skip: missingClient ?? false }, async (t) => {
    const foreign = caOf(await issued({ trusted: [9], authority: 9 }));
    const { access, setCa } = await startProxies(workspace, {
      namespace,
      token: cluster.tokens.admin,
      ca: foreign,
      forward: { address: cluster.relayed("proxy"), ports: { 8443: 8443, 6651: 6651 } },
    });
    const messaging = await openMessaging(access);
    try {
      // The client tries again until its timeout.
      await assert.rejects(messaging.startTraffic(), /timeout/i);
      await setCa(caOf(certificates));
      await messaging.trust();
      const checks = await messaging.checks();
      t.diagnostic(JSON.stringify(checks));
      assert.deepEqual(
        checks.filter(({ ok }) => !ok),
        [],
      );
      assert.match(checks[0]?.detail ?? "", /CN=pulsar proxy, until \d/);
      const traffic = await messaging.startTraffic();
      await traffic.during("restart", () => cluster.restart("proxy"));
      const rows = await traffic.stop();
      t.diagnostic(JSON.stringify(rows));
      assert.deepEqual(rows.map(({ step, lost }) => [step, lost]), [["between steps", 0], ["restart", 0]]); // prettier-ignore
    } finally {
      await messaging.close();
    }
  });

  test("ZooKeeper trusts all CAs of the trust store that the script of line 2.7 makes", async () => {
    const mounted = await issued({ trusted: [1, 2] });
    const { "pulsar-keytool-configmap": keytool } = await rendered("2.7.7");
    const home = await workspace.folder("line27");
    const write = async (path: string, content = "") => {
      await mkdir(dirname(join(home, path)), { recursive: true });
      await writeFile(join(home, path), content, { mode: 0o600 });
      return join(home, path);
    };
    const environment = await write("conf/pulsar_env.sh");
    await write("certs/ca/ca.crt", caOf(mounted));
    const script = await write("keytool.sh", keytool?.["keytool.sh"]?.replaceAll("/pulsar/", `${home}/`));
    await execa("bash", [script, "zookeeper", "pulsar-zookeeper", "false"], { cwd: home });
    const trustStore = (await readFile(environment, "utf8")).match(/-D[^" ]+/g) ?? [];

    const combined = mounted[secrets.components.zookeeper]?.["tls-combined.pem"];
    const keyStore = `-Dzookeeper.ssl.keyStore.location=${await write("zookeeper.pem", combined)}`;
    const [port = 0] = await freePorts(1);
    const settings = {
      dataDir: join(home, "data"),
      serverCnxnFactory: "org.apache.zookeeper.server.NettyServerCnxnFactory",
      secureClientPort: String(port),
      "admin.enableServer": "false",
    };
    const main = ["org.apache.zookeeper.server.quorum.QuorumPeerMain", await write("zoo.cfg", text(settings))];
    const args = [...trustStore, keyStore, ...cluster.java, ...main];
    const { process, ready } = startJava(workspace, { name: "zookeeper-2.7", heap: "128m", args, dir: home });
    /** What it answers to a client with the toolset's certificate. Empty if it refuses that. */
    const answerTo = async (given: Certificates) => {
      const { "tls.crt": cert, "tls.key": key } = given[secrets.components.toolset] ?? {};
      const socket = connectTls({ port, servername: "pulsar-zookeeper", ca: caOf(mounted), cert, key });
      const answer: Buffer[] = [];
      socket.on("data", (chunk: Buffer) => answer.push(chunk)).write("srvr");
      await once(socket, "close").catch(() => undefined);
      return Buffer.concat(answer).toString();
    };
    try {
      await ready(async () => (await answerTo(mounted)) !== "" || undefined);
      assert.match(await answerTo(await issued({ trusted: [1, 2], authority: 2 })), /^Zookeeper version/);
      assert.equal(await answerTo(await issued({ trusted: [3], authority: 3 })), "");
    } finally {
      process.kill("SIGKILL");
      await process;
    }
  });

  test("no token crosses the network in plain text", async () => {
    const tokens = Object.entries(cluster.tokens);
    for (const [role, token] of tokens) assert.ok(!cluster.relay.saw(token), role);
    // The same search finds a token that is sent to the proxies' port for metrics.
    await cluster.relay.open(cluster.relayed("proxy"), cluster.addresses.proxy, 8080);
    const headers = { authorization: `Bearer ${cluster.tokens.admin}` };
    await (await fetch(`http://${cluster.relayed("proxy")}:8080/metrics/`, { headers })).text();
    assert.ok(cluster.relay.saw(cluster.tokens.admin));
  });
});
