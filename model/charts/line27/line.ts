import type { ChartLine } from "../cluster.ts";
import { sourceHash } from "../sourceHash.ts";
import { values } from "./values.ts";

/** Chart versions 2.7.x; in the supported versions: 2.7.7 (Pulsar 2.7.4), of the reference deployment. */
export const line27: ChartLine = {
  name: "2.7",
  values,
  makes: {
    statefulSets: ["zookeeper", "bookie", "recovery", "broker", "proxy", "toolset"],
    deployments: ["pulsar-manager"],
    services: ["zookeeper", "bookie", "recovery", "broker", "proxy", "toolset", "pulsar-manager"],
    initJobs: ["bookie-init", "pulsar-init"],
    tasks: ["bookie-racks", "manager-setup", "smoke-test"],
  },
  images: {
    pulsar: { repository: "apachepulsar/pulsar-all", tag: "2.7.4" },
    // The chart's own, v0.1.0, cannot be given a token (apache/pulsar-helm-chart#133).
    manager: { repository: "apachepulsar/pulsar-manager", tag: "v0.2.0" },
  },
  // Its own objects are older, and what the post-renderer makes of its PodDisruptionBudgets, policy/v1, is of 1.21.
  kubernetes: { from: "1.22" },
  // Pulsar 2.7.4.
  actions: ["produce", "consume", "functions", "sources", "sinks"],
  manager: { setUpBy: "stack", takesFrontEnd: false, asksBookies: false },
  pods: { proxyHttp: { name: "http", port: 80 }, proxyHttps: 443, functions: true },
  managerSecret: ({ database: { user, password } }) => ({
    PULSAR_MANAGER_ADMIN_USER: user,
    PULSAR_MANAGER_ADMIN_PASSWORD: password,
  }),
  givesPullSecret: false,
  postrender: "./model/charts/line27/postrender",
  postrenderHash: sourceHash(new URL("postrender", import.meta.url)),
};
