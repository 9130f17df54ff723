/** Compares the pods of the rendered charts of the rehearsal with the assumptions of network policies and monitoring. */
import assert from "node:assert/strict";
import { join } from "node:path";
import { before, describe, test } from "node:test";
import { chartLine, supportedChartVersions } from "../../../model/charts/lines.ts";
import { parseManifest } from "../../../model/charts/manifest.ts";
import { flowsOf, componentsOf } from "../../../model/network/flows.ts";
import { metricsPorts } from "../../../model/monitoring.ts";
import { standIns } from "../../rehearsal/standins/chartRender.ts";
import { clusterOf } from "./clusterOf.ts";

const program = join(import.meta.dirname, "../../..");

/** The pods that the stack creates itself. */
const stacksOwn = ["directories", "bookie-racks", "manager-setup", "smoke-test"];

interface Pods {
  labels: Record<string, string>;
  annotations: Record<string, string>;
  ports: { name?: string; containerPort: number }[];
}

for (const version of supportedChartVersions) {
  describe(`the pods of chart ${version}`, () => {
    const line = chartLine(version);
    const pods = new Map<string, Pods>();

    before(async () => {
      const patched = ["--post-renderer", join(program, line.postrender)];
      const manifest = await standIns[version].template(line.values(clusterOf(version)), "pulsar", "pulsar", patched);
      for (const { metadata, spec } of parseManifest(manifest)) {
        if (spec?.template === undefined) continue;
        // Empty lists are null in chart 4.7.0.
        const { labels = {}, annotations } = spec.template.metadata ?? {};
        assert.ok(labels.component, `the pods of ${metadata.name} have no label`);
        const containers = (spec.template.spec?.containers ?? []) as { ports?: Pods["ports"] | null }[];
        pods.set(labels.component, {
          labels,
          annotations: annotations ?? {},
          ports: containers.flatMap(({ ports }) => ports ?? []),
        });
      }
    });

    test("are exactly those that have policies, by the labels that the policies select", () => {
      const expected = componentsOf(line).filter((component) => !stacksOwn.includes(component));
      assert.deepEqual([...pods.keys()].sort(), [...expected].sort());
      for (const [component, { labels }] of pods) {
        const { app, release } = labels;
        assert.deepEqual({ app, release }, { app: "pulsar", release: "pulsar" }, component);
      }
    });

    test("listen on the ports of the network flows", () => {
      for (const { to, ports } of flowsOf(line)) {
        const pod = pods.get(to);
        if (pod === undefined || typeof ports === "string") continue;
        const listening = pod.ports.map(({ containerPort }) => containerPort);
        // Chart 2.7.7 does not declare port 7750 of the manager's backend (pulsar-manager v0.2.0, application.properties).
        if (to === "pulsar-manager" && line.name === "2.7") listening.push(7750);
        for (const port of ports) assert.ok(listening.includes(port), `${to} does not listen on ${port}`);
      }
    });

    test("declare their metrics in annotations and with a port name, on the port that Prometheus may access", () => {
      const metrics = metricsPorts(line);
      assert.equal(metrics.length, 5);
      for (const [component, name] of metrics) {
        const pod = pods.get(component);
        assert.ok(pod, component);
        const port = pod.ports.find((one) => one.name === name)?.containerPort;
        assert.ok(port, `${component} has no port ${name}`);
        const { "prometheus.io/scrape": scrape, "prometheus.io/port": annotated } = pod.annotations;
        assert.deepEqual({ scrape, annotated }, { scrape: "true", annotated: String(port) }, component);
        const letIn = flowsOf(line).filter(({ from, to }) => from.includes("monitoring") && to === component);
        assert.deepEqual(
          letIn.map(({ ports }) => ports),
          [[port]],
        );
      }
    });

    test("have no annotations if they have no metrics", () => {
      const metrics = new Set<string>(metricsPorts(line).map(([component]) => component));
      for (const [component, { annotations }] of pods) {
        assert.equal("prometheus.io/scrape" in annotations, metrics.has(component), component);
      }
    });
  });
}
