/** A release with TLS as processes of this machine, each with an address of its own on the loopback interface. Needs Linux. */
import { randomInt } from "node:crypto";
import { mkdir, mkdtemp, readFile, rename, symlink, writeFile } from "node:fs/promises";
import { hostname } from "node:os";
import { delimiter, join } from "node:path";
import { execa } from "execa";
import type { Installation } from "../../model/charts/names.ts";
import { keyPair, signToken } from "../../model/tokens.ts";
import { type TlsComponent, tlsSecrets } from "../../model/tls.ts";
import type { Workspace } from "../engine/workspace.ts";
import { classpath, distribution } from "./classpath.ts";
import { type Configuration, superUsers, text } from "./configuration.ts";
import { moduleAccess, type Running, shortLived, startJava, startLimit } from "./java.ts";
import { newPrivateKey } from "./pulsar.ts";
import { Relay } from "./relay.ts";

type Program = Exclude<TlsComponent, "recovery">;

/** The home of Pulsar in its image. */
const home = "/pulsar/";

/** The data of the Secrets with certificates, by name and key. */
export type Certificates = Record<string, Record<string, string>>;

interface ProgramSpec {
  /** The file of the distribution that its configuration changes. */
  conf: string;
  /** The main class, and its arguments before the configuration file. */
  main: string[];
  heap: string;
  /** The role of its token. */
  role?: string;
  /** The StatefulSet's Service, for the name of the pod. */
  governing: string;
  /** Its ports with TLS. */
  ports: number[];
  /** An address in plain text, for probes and metrics only, that answers once it is ready. */
  ready: string;
}

const programs: Record<Exclude<Program, "toolset">, ProgramSpec> = {
  zookeeper: {
    conf: "zookeeper.conf",
    main: ["org.apache.zookeeper.server.quorum.QuorumPeerMain"],
    heap: "128m",
    governing: "pulsar-zookeeper-headless",
    ports: [2281],
    ready: ":9990/commands/ruok",
  },
  bookie: {
    conf: "bookkeeper.conf",
    main: ["org.apache.bookkeeper.server.Main", "--conf"],
    heap: "256m",
    governing: "pulsar-bookie",
    ports: [3181],
    ready: ":8000/api/v1/bookie/is_ready",
  },
  broker: {
    conf: "broker.conf",
    main: ["org.apache.pulsar.PulsarBrokerStarter", "--broker-conf"],
    heap: "512m",
    role: superUsers.broker,
    governing: "pulsar-broker-headless",
    ports: [6651, 8443],
    ready: ":8080/admin/v2/brokers/ready",
  },
  proxy: {
    conf: "proxy.conf",
    main: ["org.apache.pulsar.proxy.server.ProxyServiceStarter", "--config"],
    heap: "256m",
    role: superUsers.proxy,
    governing: "pulsar-proxy",
    ports: [6651, 8443],
    ready: ":8080/metrics/",
  },
};
export type Server = keyof typeof programs;
/** In the order in which each can start. */
export const servers = Object.keys(programs) as Server[];

export interface TlsCluster {
  /** Passes all connections between programs, and from clients to them. */
  relay: Relay;
  /** The programs' own addresses. */
  addresses: Record<Server, string>;
  /** The address of a program's relay. Its Service's name leads there. */
  relayed(server: Server): string;
  /** Options of a JVM that runs a client of the cluster, up to its main class. It finds the names of Services and pods. */
  java: string[];
  /** The tokens of broker, proxy and administrators. */
  tokens: { broker: string; proxy: string; admin: string };
  /** Replaces the certificates in all programs, as the kubelet does. Nothing restarts. */
  mount(certificates: Certificates): Promise<void>;
  /** Starts all programs, and initializes the metadata as the init Jobs do. */
  start(): Promise<void>;
  restart(server: Server): Promise<void>;
  /** Runs a main class with the toolset's certificates. The configuration file is between `first` and `args`. @returns its output */
  toolset(
    conf: "client.conf" | "bookkeeper.conf",
    main: string,
    args: string[],
    first?: string[],
  ): Promise<{ failed: boolean; output: string }>;
  stop(): Promise<void>;
}

/** As the chart's scripts append them to conf/pulsar_env.sh (4.7.0, `pulsar.component.zookeeper.tls.settings`). */
function zookeeperOptions(program: Program): string[] {
  const client = {
    clientCnxnSocket: "org.apache.zookeeper.ClientCnxnSocketNetty",
    "client.secure": "true",
    "client.certReload": "true",
  };
  const options = {
    ...(program === "zookeeper" ? {} : client),
    "ssl.keyStore.location": `${home}certs/${program}/tls-combined.pem`,
    "ssl.keyStore.type": "PEM",
    "ssl.trustStore.location": `${home}certs/ca/ca.crt`,
    "ssl.trustStore.type": "PEM",
  };
  return Object.entries(options).map(([key, value]) => `-Dzookeeper.${key}=${value}`);
}

/**
 * @param installation the names in the certificates. Its release is `pulsar`.
 * @param configMaps the data of the chart's ConfigMaps, by name
 * @param changes overrides the configuration of the programs
 */
export async function tlsCluster({
  workspace,
  installation: { namespace, clusterDomain },
  configMaps,
  certificates,
  changes = {},
}: {
  workspace: Workspace;
  installation: Installation;
  configMaps: Record<string, Configuration>;
  certificates: Certificates;
  changes?: Partial<Record<Server, Configuration>>;
}): Promise<TlsCluster> {
  const folder = await distribution(workspace);
  const dir = await mkdtemp(join(workspace.dir, "pulsar-tls-"));
  const resolver = join(dir, "resolver");
  const jars = await classpath("server", workspace);
  const source = join(import.meta.dirname, "DefaultHostsFileEntriesResolver.java");
  await execa("javac", ["-cp", jars, "-d", resolver, source], { env: workspace.env, extendEnv: false });

  const network = `127.${randomInt(1, 255)}.${randomInt(0, 256)}`;
  const byServer = <Value>(valueOf: (server: Server, i: number) => Value) =>
    Object.fromEntries(servers.map((server, i) => [server, valueOf(server, i)])) as Record<Server, Value>;
  const addresses = byServer((_, i) => `${network}.${i + 1}`);
  const relayAddresses = byServer((_, i) => `${network}.${i + 101}`);
  const domain = `${namespace}.svc.${clusterDomain}`;
  const podName = (server: Server) => `pulsar-${server}-0.${programs[server].governing}.${domain}`;
  const hostsFor = (own?: Server) => {
    const lines = servers.flatMap((server) => {
      const service = `pulsar-${server}`;
      const names = [podName(server), service, `${service}.${namespace}.svc`, `${service}.${domain}`];
      return names.map((name) => `${server === own ? addresses[server] : relayAddresses[server]} ${name}`);
    });
    // Java looks up the machine's own name. The first name of an address is its canonical one: the pod's.
    return [
      ...lines,
      `${own === undefined ? "127.0.0.1" : addresses[own]} ${hostname()}`,
      "127.0.0.1 localhost",
      "",
    ].join("\n");
  };
  const javaFor = (hosts: string) => [
    ...[...moduleAccess, ...shortLived, `-Djdk.net.hosts.file=${hosts}`],
    ...["-cp", [resolver, jars].join(delimiter)],
  ];

  const relay = new Relay();
  for (const server of servers) {
    for (const port of programs[server].ports) await relay.open(relayAddresses[server], addresses[server], port);
  }

  const key = newPrivateKey("asymmetric");
  const token = (role: string) => signToken(key, "asymmetric", { role });
  const tokens = {
    broker: await token(superUsers.broker),
    proxy: await token(superUsers.proxy),
    admin: await token(superUsers.client),
  };

  /** A path of the image, or a text with such paths, in a program's folder. */
  const inFolder = (program: Program, content: string) => content.replaceAll(home, `${join(dir, program)}/`);
  const writeIn = async (program: Program, path: string, content: string | Buffer) => {
    const file = inFolder(program, path);
    await mkdir(join(file, ".."), { recursive: true });
    await writeFile(file, content, { mode: 0o600 });
    return file;
  };
  /** As the kubelet does: each file is a link into a folder that is replaced as a whole. */
  const mountSecret = async (program: Program, path: string, secret: string, data: Certificates) => {
    const version = `..${randomInt(1e9)}`;
    const mount = inFolder(program, path);
    for (const [name, content] of Object.entries(data[secret] ?? {})) {
      await writeIn(program, `${path}/${version}/${name}`, content);
      await symlink(join("..data", name), join(mount, name)).catch(() => undefined);
    }
    await symlink(version, join(mount, "..data_tmp"));
    await rename(join(mount, "..data_tmp"), join(mount, "..data"));
  };
  const names = tlsSecrets("pulsar");
  const everyProgram: Program[] = [...servers, "toolset"];
  const mount = async (data: Certificates) => {
    for (const program of everyProgram) {
      await mountSecret(program, `${home}certs/ca`, names.ca, data);
      await mountSecret(program, `${home}certs/${program}`, names.components[program], data);
    }
  };

  /** Keeps a program at its own address, and a single bookie enough. */
  const local: Record<Program, Configuration> = {
    zookeeper: {
      secureClientPortAddress: addresses.zookeeper,
      "admin.serverAddress": addresses.zookeeper,
      "metricsProvider.httpHost": addresses.zookeeper,
    },
    bookie: {
      listeningInterface: "lo",
      allowLoopback: "true",
      advertisedAddress: podName("bookie"),
      httpServerHost: addresses.bookie,
    },
    broker: {
      bindAddress: addresses.broker,
      managedLedgerDefaultEnsembleSize: "1",
      managedLedgerDefaultWriteQuorum: "1",
      managedLedgerDefaultAckQuorum: "1",
    },
    proxy: { bindAddress: addresses.proxy },
    // The pod's port: the Service's needs root.
    toolset: { webServiceUrl: "https://pulsar-proxy:8443/" },
  };
  /**
   * Changes a file of the distribution as the image does: a variable replaces the key of the same name, and with a prefix it also adds one.
   *
   * @returns its path
   */
  const writeConf = async (program: Program, conf: string, more: Configuration) => {
    const lines = (await readFile(join(folder, "conf", conf), "utf8")).split("\n");
    const configuration: Configuration = {};
    for (const line of lines) {
      const [, key, value = ""] = /^([^#=]+)=(.*)/.exec(line) ?? [];
      if (key !== undefined) configuration[key] = value;
    }
    for (const [name, value] of Object.entries(configMaps[`pulsar-${program}`] ?? {})) {
      const key = name.replace(/^PULSAR_PREFIX_/, "");
      if (key !== name || key in configuration) configuration[key] = value.trim();
    }
    return writeIn(
      program,
      `${home}${conf}`,
      inFolder(program, text({ ...configuration, ...local[program], ...more })),
    );
  };

  const running = new Map<Server, Running>();
  const launch = async (server: Server) => {
    const { conf, main, heap, role } = programs[server];
    const file = await writeConf(server, conf, changes[server] ?? {});
    if (role !== undefined) {
      await writeIn(server, `${home}tokens/${server}/token`, await token(role));
      await writeIn(server, `${home}keys/token/public.key`, Buffer.from(keyPair(key).PUBLICKEY, "base64"));
    }
    const hosts = await writeIn(server, `${home}hosts`, hostsFor(server));
    const options = zookeeperOptions(server).map((option) => inFolder(server, option));
    const args = [...options, ...javaFor(hosts), ...main, file];
    const { process, ready } = startJava(workspace, { name: server, heap, args, dir, cwd: join(dir, server) });
    running.set(server, process);
    const headers = { authorization: `Bearer ${tokens.admin}` };
    await ready(async () => {
      const answer = await fetch(`http://${addresses[server]}${programs[server].ready}`, { headers });
      await answer.text();
      return answer.ok || undefined;
    });
  };

  const hosts = join(dir, "hosts");
  await writeFile(hosts, hostsFor());
  await mount(certificates);
  await writeIn("toolset", `${home}tokens/client/token`, tokens.admin);
  const java = javaFor(hosts);
  const run = (main: string, args: string[]) => {
    const options = zookeeperOptions("toolset").map((option) => inFolder("toolset", option));
    return execa("java", [...options, "-Xmx128m", ...java, main, ...args], {
      env: workspace.env,
      extendEnv: false,
      stdin: "ignore",
      all: true,
      timeout: startLimit,
      reject: false,
    });
  };

  return {
    relay,
    addresses,
    relayed: (server) => relayAddresses[server],
    java,
    tokens,
    mount,
    async start() {
      await launch("zookeeper");
      const zookeeper = "pulsar-zookeeper:2281";
      const init = await run("org.apache.pulsar.PulsarClusterMetadataSetup", [
        ...["--cluster", "pulsar", "--zookeeper", zookeeper, "--configuration-store", zookeeper],
        ...["--web-service-url", `http://pulsar-broker.${domain}:8080/`],
        ...["--web-service-url-tls", `https://pulsar-broker.${domain}:8443/`],
        ...["--broker-service-url-tls", `pulsar+ssl://pulsar-broker.${domain}:6651/`],
      ]);
      if (init.failed) throw new Error(`the metadata could not be initialized:\n${init.all}`);
      await launch("bookie");
      await Promise.all([launch("broker"), launch("proxy")]);
    },
    async restart(server) {
      running.get(server)?.kill("SIGTERM");
      await running.get(server);
      await launch(server);
    },
    async toolset(conf, main, args, first = []) {
      const file = await writeConf("toolset", conf, {});
      const { failed, all } = await run(main, [...first, file, ...args]);
      return { failed, output: all };
    },
    async stop() {
      for (const server of running.values()) server.kill("SIGKILL");
      await Promise.all(running.values());
      relay.close();
    },
  };
}
