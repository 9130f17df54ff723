import type { ChartLine } from "../charts/cluster.ts";

/**
 * Who talks to whom: the one table that the network policies, docs/network.md and their tests are made from. What is not in it does not
 * happen where policies are on. Each row was read from the charts (2.7.7 and 4.7.0: containers, init containers, Jobs, ConfigMaps), and
 * from what the programs do by themselves.
 */

/** Pods of the release and of the stack's Jobs, by their label `component`. */
export const everyone = [
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
export type Own = (typeof everyone)[number];

/** Everybody else; which pods or addresses they are, the settings say. */
export type Outsider =
  "functions" | "clients" | "ingress controller" | "monitoring" | "cluster DNS" | "manager's database" | "elsewhere";

export interface Flow {
  from: readonly (Own | Outsider)[];
  to: Own | Outsider;
  /**
   * Ports as the pods listen on them, which is what policies count, not those of their Services. TCP, and for DNS also UDP. The database's
   * port is a setting; the brokers reach all others.
   */
  ports: readonly number[] | "the database's" | "all but the database's";
  /** What breaks without. */
  why: string;
}

/** What the flows differ by between chart lines. */
export type FlowLine = Pick<ChartLine, "manager" | "pods">;

/** The pods there are with a chart line. */
export function ownPods({ manager }: FlowLine): Own[] {
  const none = manager.setUpBy === "chart" ? "manager-setup" : "pulsar-manager-init";
  return everyone.filter((one) => one !== none);
}

const zookeeper = { client: 2181, follower: 2888, election: 3888, http: 8000 };
const bookie = { bookie: 3181, http: 8000 };
const recovery = { http: 8000 };
const broker = { pulsar: 6650, http: 8080 };
const manager = { page: 9527, api: 7750 };

/** The table for a chart line, by whom they lead to. */
export function flowsOf(line: FlowLine): Flow[] {
  const proxy = { pulsar: 6650, http: line.pods.proxyHttp.port };
  const brokers = [broker.pulsar, broker.http];
  const proxies = [proxy.pulsar, proxy.http];
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
      ports: [zookeeper.client],
      why: "all metadata; the init Jobs write the first of it",
    },
    {
      from: ["proxy"],
      to: "zookeeper",
      ports: [zookeeper.client],
      why: "an init container waits for the cluster's metadata; the proxy itself asks the brokers",
    },
    {
      from: ["broker", "recovery", "toolset"],
      to: "bookie",
      ports: [bookie.bookie],
      why: "entries are written, read and copied; bookies do not talk to each other, as the recovery runs apart",
    },
    {
      from: ["broker"],
      to: "broker",
      ports: brokers,
      why: "topics are looked up, and requests passed on to the broker that owns the topic",
    },
    { from: ["proxy"], to: "broker", ports: brokers, why: "what clients and administrators ask is passed on" },
    {
      from: ["toolset"],
      to: "broker",
      ports: brokers,
      why: "operators look at one broker of several",
    },
    {
      from: ["pulsar-manager"],
      to: "broker",
      ports: [broker.http],
      why: "the manager shows and changes what the admin API does",
    },
    ...only(line.manager.asksBookies, {
      from: ["pulsar-manager"],
      to: "bookie",
      ports: [bookie.http],
      why: "the manager lists the bookies, where its bookie.enable is switched on",
    }),
    {
      from: ["functions"],
      to: "broker",
      ports: brokers,
      why: "the pods of functions, sources and sinks, where there are any, fetch their package, consume and produce",
    },
    { from: ["clients"], to: "proxy", ports: proxies, why: "the way in for applications" },
    {
      from: ["toolset", "smoke-test"],
      to: "proxy",
      ports: proxies,
      why: "messages and administration by the way that clients take",
    },
    { from: ["bookie-racks"], to: "proxy", ports: [proxy.http], why: "the bookies' racks are told by the admin API" },
    {
      from: ["ingress controller"],
      to: "proxy",
      ports: [proxy.http],
      why: "the admin API under its host name",
    },
    { from: ["ingress controller"], to: "pulsar-manager", ports: [manager.page], why: "the manager's page" },
    line.manager.setUpBy === "chart"
      ? {
          from: ["pulsar-manager-init"],
          to: "pulsar-manager",
          ports: [manager.page, manager.api],
          why: "the chart's Job makes the login and registers the cluster",
        }
      : {
          from: ["manager-setup"],
          to: "pulsar-manager",
          ports: [manager.page],
          why: "the stack's Job makes the login, as the chart does not, and registers the cluster",
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
    { from: ["monitoring"], to: "broker", ports: [broker.http], why: "metrics; the admin API is on the same port" },
    { from: ["monitoring"], to: "proxy", ports: [proxy.http], why: "metrics; the admin API is on the same port" },
    {
      from: ["broker"],
      to: "elsewhere",
      ports: "all but the database's",
      why: "other clusters (geo-replication), object stores (offloading), the Kubernetes API and the pods of functions",
    },
    {
      // The Jobs that make directories do nothing but to mount them.
      from: ownPods(line).filter((one) => one !== "directories"),
      to: "cluster DNS",
      ports: [53],
      why: "names of Services and pods",
    },
  ];
}

function only(there: boolean, flow: Flow): Flow[] {
  return there ? [flow] : [];
}
