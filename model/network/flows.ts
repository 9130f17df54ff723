import type { ChartLine } from "../charts/cluster.ts";

/**
 * All connections: the one table from which the network policies, docs/network.md and their tests are generated. Policies block everything
 * else. The rows come from the charts (2.7.7 and 4.7.0: containers, init containers, Jobs, ConfigMaps) and from the programs' behavior.
 */

/** Pods of the release and of the stack's Jobs, by their label `component`. */
export const ownComponents = [
  "zookeeper",
  "bookie",
  "recovery",
  "broker",
  "proxy",
  "toolset",
  "pulsar-manager",
  "bookie-init",
  "pulsar-init",
  "pulsar-manager-init",
  "directories",
  "bookie-racks",
  "manager-setup",
  "smoke-test",
] as const;
export type OwnComponent = (typeof ownComponents)[number];

/** Peers outside the stack. The settings say which pods or addresses they are. */
export type ExternalPeer =
  | "functions"
  | "clients"
  | "ingress controller"
  | "monitoring"
  | "cluster DNS"
  | "manager's database"
  | "elsewhere";

export interface Flow {
  from: readonly (OwnComponent | ExternalPeer)[];
  to: OwnComponent | ExternalPeer;
  /**
   * The ports of the pods, which policies apply to, not those of their Services. TCP, and for DNS also UDP. The database's port is a setting;
   * the brokers may connect to all others.
   */
  ports: readonly number[] | "the database's" | "all but the database's";
  /** The purpose of the connections. */
  why: string;
}

/** The properties of a chart line that the flows depend on. */
export type FlowLine = Pick<ChartLine, "manager" | "pods">;

/** The components of a chart line. */
export function componentsOf({ manager }: FlowLine): OwnComponent[] {
  const none = manager.setUpBy === "chart" ? "manager-setup" : "pulsar-manager-init";
  return ownComponents.filter((one) => one !== none);
}

const zookeeper = { follower: 2888, election: 3888, http: 8000 };
const bookie = { bookie: 3181, http: 8000 };
const recovery = { http: 8000 };
const manager = { page: 9527, api: 7750 };

/** The table for a chart line. With TLS, the ports in plain text remain open to monitoring only. */
export function flowsOf(line: FlowLine, tls = false): Flow[] {
  const { proxyHttp, proxyHttps } = line.pods;
  const zookeeperClient = tls ? 2281 : 2181;
  const brokerHttp = 8080;
  const broker = tls ? { pulsar: 6651, admin: 8443 } : { pulsar: 6650, admin: brokerHttp };
  const proxy = tls ? { pulsar: 6651, admin: proxyHttps } : { pulsar: 6650, admin: proxyHttp.port };
  const brokers = [broker.pulsar, broker.admin];
  const proxies = [proxy.pulsar, proxy.admin];
  return [
    {
      from: ["zookeeper"],
      to: "zookeeper",
      ports: [zookeeper.follower, zookeeper.election],
      why: "the ensemble elects its leader and follows it",
    },
    {
      from: ["bookie", "recovery", "broker", "toolset", "bookie-init", "pulsar-init"],
      to: "zookeeper",
      ports: [zookeeperClient],
      why: "all metadata; the init Jobs create it",
    },
    ...only(!tls, {
      from: ["proxy"],
      to: "zookeeper",
      ports: [zookeeperClient],
      why: "an init container waits for the cluster's metadata; the proxy itself asks the brokers",
    }),
    {
      from: ["broker", "recovery", "toolset"],
      to: "bookie",
      ports: [bookie.bookie],
      why: "write, read and copy entries; bookies do not connect to each other, because the recovery runs in pods of its own",
    },
    {
      from: ["broker"],
      to: "broker",
      ports: brokers,
      why: "look up topics and forward requests to the broker that owns the topic",
    },
    { from: ["proxy"], to: "broker", ports: brokers, why: "forward the requests of clients and administrators" },
    {
      from: ["toolset"],
      to: "broker",
      ports: brokers,
      why: "operators query a single broker",
    },
    {
      from: ["pulsar-manager"],
      to: "broker",
      ports: [broker.admin],
      why: "the manager uses the admin API",
    },
    ...only(line.manager.asksBookies, {
      from: ["pulsar-manager"],
      to: "bookie",
      ports: [bookie.http],
      why: "the manager lists the bookies if its bookie.enable is set",
    }),
    {
      from: ["functions"],
      to: "broker",
      ports: brokers,
      why: "the pods of functions, sources and sinks fetch their package, consume and produce",
    },
    { from: ["clients"], to: "proxy", ports: proxies, why: "applications and administrators" },
    {
      from: ["toolset", "smoke-test"],
      to: "proxy",
      ports: proxies,
      why: "messages and administration, on the same path as clients",
    },
    {
      from: ["bookie-racks"],
      to: "proxy",
      ports: [proxy.admin],
      why: "the Job sets the bookies' racks through the admin API",
    },
    {
      from: ["ingress controller"],
      to: "proxy",
      ports: [proxy.admin],
      why: "the admin API under its host name",
    },
    { from: ["ingress controller"], to: "pulsar-manager", ports: [manager.page], why: "the manager's page" },
    line.manager.setUpBy === "chart"
      ? {
          from: ["pulsar-manager-init"],
          to: "pulsar-manager",
          ports: [manager.page, manager.api],
          why: "the chart's Job creates the login and registers the cluster",
        }
      : {
          from: ["manager-setup"],
          to: "pulsar-manager",
          ports: [manager.page],
          why: "the stack's Job creates the login and registers the cluster, because the chart does not",
        },
    {
      from: ["pulsar-manager"],
      to: "manager's database",
      ports: "the database's",
      why: "logins, environments and statistics",
    },
    { from: ["monitoring"], to: "zookeeper", ports: [zookeeper.http], why: "metrics" },
    { from: ["monitoring"], to: "bookie", ports: [bookie.http], why: "metrics" },
    { from: ["monitoring"], to: "recovery", ports: [recovery.http], why: "metrics" },
    { from: ["monitoring"], to: "broker", ports: [brokerHttp], why: "metrics; the admin API is on the same port" },
    { from: ["monitoring"], to: "proxy", ports: [proxyHttp.port], why: "metrics; the admin API is on the same port" },
    {
      from: ["broker"],
      to: "elsewhere",
      ports: "all but the database's",
      why: "other clusters (geo-replication), object stores (offloading), the Kubernetes API and the pods of functions",
    },
    {
      // The Jobs that create directories only mount them.
      from: componentsOf(line).filter((one) => one !== "directories"),
      to: "cluster DNS",
      ports: [53],
      why: "resolve names of Services and pods",
    },
  ];
}

function only(there: boolean, flow: Flow): Flow[] {
  return there ? [flow] : [];
}
