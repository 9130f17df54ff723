import type { ChartLine } from "../cluster.ts";
import { sourceHash } from "../sourceHash.ts";
import { values } from "./values.ts";

/** Chart versions 4.x; in the supported versions: 4.7.0 (Pulsar 4.0.12, the long-term release). */
export const line4: ChartLine = {
  name: "4",
  values,
  makes: {
    statefulSets: ["zookeeper", "bookie", "recovery", "broker", "proxy", "toolset", "pulsar-manager"],
    deployments: [],
    services: [
      ...["zookeeper", "bookie", "recovery", "broker", "proxy", "toolset", "pulsar-manager"],
      ...["zookeeper-headless", "broker-headless", "pulsar-manager-admin"],
    ],
    initJobs: ["bookie-init", "pulsar-init", "pulsar-manager-init"],
    tasks: ["bookie-racks", "smoke-test"],
  },
  images: {
    pulsar: { repository: "apachepulsar/pulsar-all", tag: "4.0.12" },
    manager: { repository: "apachepulsar/pulsar-manager", tag: "v0.4.0" },
  },
  // The chart refuses older ones itself (4.7.0, Chart.yaml).
  kubernetes: { from: "1.25" },
  // Pulsar 4.0.
  actions: ["produce", "consume", "functions", "sources", "sinks", "packages"],
  manager: { role: "manager-admin", setUpBy: "chart", takesFrontEnd: true, asksBookies: true },
  // Its proxies are no longer root, so they cannot listen on their Service's port, 80.
  pods: { proxyHttp: { name: "sts-http", port: 8080 }, proxyHttps: 8443, functions: false },
  managerSecret: ({ database, login }) => ({
    DB_USERNAME: database.user,
    DB_PASSWORD: database.password,
    UI_USERNAME: login.user,
    UI_PASSWORD: login.password,
  }),
  givesPullSecret: true,
  postrender: "./model/charts/line4/postrender",
  postrenderHash: sourceHash(new URL("postrender", import.meta.url)),
};
