import assert from "node:assert/strict";
import { test } from "node:test";
import type { Values } from "../../../model/charts/cluster.ts";
import { chartLine, supportedChartVersions } from "../../../model/charts/lines.ts";
import type { TokenKeys } from "../../../model/tokens.ts";
import { clusterOf } from "./clusterOf.ts";

for (const version of supportedChartVersions) {
  const algorithms = (keys: TokenKeys) => {
    const cluster = clusterOf(version);
    const values = chartLine(version).values({ ...cluster, tokens: { ...cluster.tokens, keys } });
    return Object.fromEntries(
      Object.entries(values).flatMap(([component, value]) => {
        const { configData } = (value ?? {}) as { configData?: Values };
        const said = configData?.PULSAR_PREFIX_tokenPublicAlg;
        return said === undefined ? [] : [[component, said]];
      }),
    );
  };

  test(`chart ${version}: brokers and proxies, which verify tokens, get an algorithm other than RS256`, () => {
    assert.deepEqual(algorithms("ecdsa"), { broker: "ES256", proxy: "ES256" });
    assert.deepEqual(algorithms("asymmetric"), {});
  });
}
