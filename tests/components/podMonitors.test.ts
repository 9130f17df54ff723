import assert from "node:assert/strict";
import { test } from "node:test";
import { line27 } from "../../model/charts/line27/line.ts";
import { line4 } from "../../model/charts/line4/line.ts";
import { PodMonitors, type PodMonitorsArgs } from "../../components/podMonitors.ts";
import { register } from "../support/mocks.ts";

interface PodMonitor {
  apiVersion: string;
  kind: string;
  metadata: { name: string; namespace: string; labels: Record<string, string> };
  spec: {
    selector: { matchLabels: Record<string, string> };
    podMetricsEndpoints: { port: string; path: string; interval: string; scrapeTimeout: string }[];
  };
}

const make = (changes: Partial<PodMonitorsArgs> = {}) =>
  register(
    () =>
      new PodMonitors("monitors", {
        namespace: "messaging",
        release: "demo",
        line: line27,
        interval: "30s",
        labels: { prometheus: "main" },
        cluster: {},
        ...changes,
      }),
  );

const monitors = (registered: Awaited<ReturnType<typeof make>>) =>
  registered.filter(({ custom }) => custom).map(({ inputs }) => inputs as unknown as PodMonitor);

test("each component with metrics has a PodMonitor with the given labels", async () => {
  const made = monitors(await make());
  const components = ["bookie", "broker", "proxy", "recovery", "zookeeper"];
  assert.deepEqual(
    made.map(({ metadata }) => metadata),
    components.map((component) => ({
      name: `demo-pulsar-${component}`,
      namespace: "messaging",
      labels: { prometheus: "main" },
    })),
  );
  for (const { apiVersion, kind } of made) assert.equal(`${apiVersion} ${kind}`, "monitoring.coreos.com/v1 PodMonitor");
});

test("a PodMonitor selects only the pods of its release and component, at the port of their chart", async () => {
  for (const [line, proxyPort] of [
    [line27, "http"],
    [line4, "sts-http"],
  ] as const) {
    for (const { metadata, spec } of monitors(await make({ line }))) {
      const component = metadata.name.slice("demo-pulsar-".length);
      assert.deepEqual(spec.selector, { matchLabels: { app: "pulsar", release: "demo", component } });
      const [endpoint, ...others] = spec.podMetricsEndpoints;
      assert.deepEqual(others, []);
      const { port, path, interval, scrapeTimeout } = endpoint ?? {};
      assert.deepEqual(
        { port, path, interval, scrapeTimeout },
        {
          port: component === "proxy" ? proxyPort : "http",
          path: "/metrics",
          interval: "30s",
          scrapeTimeout: "30s",
        },
      );
    }
  }
});

test("only the first checks for the PodMonitor kind, so that the error appears once", async () => {
  const registered = (await make()).filter(({ custom }) => custom);
  const asking = registered.filter(({ options }) => options.beforeCreate !== undefined);
  assert.deepEqual(
    asking.map(({ name, options }) => [name, options.beforeCreate]),
    [["monitors-zookeeper", ["check-kind-PodMonitor"]]],
  );
  for (const { name, dependsOn } of registered) {
    assert.deepEqual(dependsOn, name === "monitors-zookeeper" ? [] : ["monitors-zookeeper"]);
  }
});
