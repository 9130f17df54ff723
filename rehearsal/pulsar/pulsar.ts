import { generateKeyPairSync } from "node:crypto";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { type Claims, keyPair, signToken, symmetricKey, type TokenKeys } from "../../model/tokens.ts";
import { freePorts } from "../cluster/ports.ts";
import type { Workspace } from "../engine/workspace.ts";
import { classpath } from "./classpath.ts";
import { clientTools } from "./clientTools.ts";
import {
  type AuthFiles,
  brokerConfiguration,
  type Configuration,
  proxyConfiguration,
  superUsers,
  text,
} from "./configuration.ts";
import { moduleAccess, type Running, shortLived, startJava } from "./java.ts";

/** The addresses of a proxy or a broker. */
export interface PulsarAddress {
  /** For the binary protocol: `pulsar://127.0.0.1:port` */
  serviceUrl: string;
  /** For the REST API: `http://127.0.0.1:port` */
  adminUrl: string;
}

/** A real Pulsar on the loopback interface: a standalone broker with bookie and metadata, and a proxy. */
export interface Pulsar extends PulsarAddress {
  /** The broker, without the proxy. */
  brokerServiceUrl: string;
  brokerAdminUrl: string;
  /** Name of the cluster, for the allowed clusters of tenants. */
  cluster: string;
  /** PEM of the private key that signs its tokens. */
  readonly privateKey: string;
  /** Absolute path of the key that verifies tokens: the public key or, with symmetric keys, the secret key. */
  keyFile: string;
  /** Creates a token as the stack does. */
  token(claims: Claims): Promise<string>;
  /** Absolute path of a folder that replaces the image's /pulsar, with bin/pulsar-admin, bin/pulsar-client and their conf/client.conf. */
  clientTools: string;
  /**
   * Replaces the key of broker and proxy and restarts them, as a rotation of the stack does.
   *
   * @param privateKey PEM of the new key
   * @param steps programs to restart together; the next step starts when all programs of a step answer
   */
  rotate(privateKey: string, steps: Program[][]): Promise<void>;
  /** Stops broker and proxy and deletes their data, unless it is in the folder `data` of the caller. */
  stop(): Promise<void>;
}

export type Program = "broker" | "proxy";

const cluster = "pulsar";

/**
 * Starts a broker and a proxy with the classes from Maven Central, in a folder of the workspace and on free ports of the loopback interface, with
 * authentication and authorization as in the stack's clusters. Super users are the default roles of the settings.
 *
 * @throws RehearsalError if Java or Maven is missing
 */
export async function startPulsar({
  workspace,
  keys,
  privateKey = newPrivateKey(keys),
  changes = {},
  data,
}: {
  workspace: Workspace;
  /** The algorithm of the tokens. */
  keys: TokenKeys;
  /** PEM of the key that signs them. @default a new one */
  privateKey?: string;
  /** Overrides the configuration of broker and proxy. */
  changes?: Configuration;
  /** Absolute path of a folder for ledgers and metadata, possibly with those of an earlier Pulsar. @default one that is deleted on stop */
  data?: string;
}): Promise<Pulsar> {
  const jars = await classpath("server", workspace);
  const dir = await mkdtemp(join(workspace.dir, "pulsar-"));
  let signingKey = privateKey;
  const sign = (claims: Claims) => signToken(signingKey, keys, claims);
  const writePrivate = async (name: string, content: string | Buffer): Promise<string> => {
    const file = join(dir, name);
    await writeFile(file, content, { mode: 0o600 });
    return file;
  };
  const writeAuthFiles = async (): Promise<AuthFiles> => ({
    keys,
    key: await writePrivate("token.key", verifyingKey(signingKey, keys)),
    brokerToken: await writePrivate("broker.token", await sign({ role: superUsers.broker })),
    proxyToken: await writePrivate("proxy.token", await sign({ role: superUsers.proxy })),
  });
  const auth = await writeAuthFiles();

  const running = new Map<Program, Running>();
  /** Starts a program and waits until it answers. @throws Error with the last lines of its log if it does not answer */
  const run = async (name: Program, heap: string, main: string[], adminUrl: string) => {
    const args = [...moduleAccess, ...shortLived, "-cp", jars, ...main];
    const { process, ready } = startJava(workspace, { name, title: `Pulsar's ${name}`, heap, args, dir });
    running.set(name, process);
    const admin = await sign({ role: superUsers.client });
    await ready(() => answersAdmin(adminUrl, admin));
  };

  const [brokerBinary = 0, brokerHttp = 0, proxyBinary = 0, proxyHttp = 0] = await freePorts(4);
  const ports = { brokerBinary, brokerHttp, proxyBinary, proxyHttp };
  const broker = addressOf(brokerBinary, brokerHttp);
  const brokerFile = await writePrivate(
    "broker.conf",
    text({ ...brokerConfiguration(cluster, ports, auth), ...changes }),
  );
  const standalone = [
    ...["org.apache.pulsar.PulsarStandaloneStarter", "-c", brokerFile, "--no-functions-worker", "--no-stream-storage"],
    ...["--bookkeeper-dir", join(data ?? dir, "bookkeeper"), "--metadata-dir", join(data ?? dir, "metadata")],
  ];
  const proxy = addressOf(proxyBinary, proxyHttp);
  const proxyFile = await writePrivate("proxy.conf", text({ ...proxyConfiguration(cluster, ports, auth), ...changes }));
  const programs: Record<Program, () => Promise<void>> = {
    broker: () => run("broker", "1g", standalone, broker.adminUrl),
    proxy: () =>
      run("proxy", "256m", ["org.apache.pulsar.proxy.server.ProxyServiceStarter", "-c", proxyFile], proxy.adminUrl),
  };
  await Promise.all([programs.broker(), programs.proxy()]);

  return {
    ...proxy,
    brokerServiceUrl: broker.serviceUrl,
    brokerAdminUrl: broker.adminUrl,
    cluster,
    get privateKey() {
      return signingKey;
    },
    keyFile: auth.key,
    token: sign,
    clientTools: await clientTools(join(dir, "tools"), jars),
    async rotate(next, steps) {
      signingKey = next;
      await writeAuthFiles();
      for (const step of steps) {
        const restart = async (name: Program) => {
          running.get(name)?.kill("SIGTERM");
          await running.get(name);
          await programs[name]();
        };
        await Promise.all(step.map(restart));
      }
    },
    async stop() {
      for (const server of running.values()) server.kill("SIGKILL");
      await Promise.all(running.values());
      await rm(dir, { recursive: true, force: true });
    },
  };
}

/** The key in the form that the stack's Secrets have. */
function verifyingKey(privateKey: string, keys: TokenKeys): Buffer {
  const key = keys === "symmetric" ? symmetricKey(privateKey).SECRETKEY : keyPair(privateKey).PUBLICKEY;
  return Buffer.from(key, "base64");
}

/** A private key like the stack's `auth-key`. */
export function newPrivateKey(keys: TokenKeys): string {
  const { privateKey } =
    keys === "ecdsa"
      ? generateKeyPairSync("ec", { namedCurve: "P-256" })
      : generateKeyPairSync("rsa", { modulusLength: 2048 });
  return privateKey.export({ type: "pkcs8", format: "pem" }).toString();
}

function addressOf(binary: number, http: number): PulsarAddress {
  return { serviceUrl: `pulsar://127.0.0.1:${binary}`, adminUrl: `http://127.0.0.1:${http}` };
}

/** Whether the namespace exists that a standalone broker creates last. */
async function answersAdmin(adminUrl: string, token: string): Promise<true | undefined> {
  const response = await fetch(`${adminUrl}/admin/v2/namespaces/public`, {
    headers: { authorization: `Bearer ${token}` },
    signal: AbortSignal.timeout(5_000),
  });
  if (!response.ok) throw new Error(`${response.status} ${await response.text()}`);
  return ((await response.json()) as string[]).includes("public/default") || undefined;
}
