import assert from "node:assert/strict";
import { test } from "node:test";
import type { PulsarCluster, Values } from "../../../model/charts/cluster.ts";
import { chartLine, supportedChartVersions } from "../../../model/charts/lines.ts";
import { clusterOf } from "./clusterOf.ts";

for (const version of supportedChartVersions) {
  const algorithms = (publicAlgorithm: PulsarCluster["auth"]["publicAlgorithm"]) => {
    const cluster = clusterOf(version);
    const values = chartLine(version).values({ ...cluster, auth: { ...cluster.auth, publicAlgorithm } });
    return Object.fromEntries(
      Object.entries(values).flatMap(([component, value]) => {
        const { configData } = (value ?? {}) as { configData?: Values };
        const said = configData?.PULSAR_PREFIX_tokenPublicAlg;
        return said === undefined ? [] : [[component, said]];
      }),
    );
  };

  test(`chart ${version}: brokers and proxies, which verify tokens, get an algorithm other than RS256`, () => {
    assert.deepEqual(algorithms("ES256"), { broker: "ES256", proxy: "ES256" });
    assert.deepEqual(algorithms(undefined), {});
  });
}
