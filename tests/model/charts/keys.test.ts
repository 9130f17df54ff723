import assert from "node:assert/strict";
import { readdirSync } from "node:fs";
import { describe, test } from "node:test";
import type { PulsarCluster, Values } from "../../../model/charts/cluster.ts";
import { knownKeys, unknownKeys } from "../../../model/charts/keys.ts";
import { chartLine, supportedChartVersions } from "../../../model/charts/lines.ts";
import { cluster, encrypted, everything } from "./support.ts";

/** Each variant sets something that the others do not. */
const clusters: Record<string, PulsarCluster> = {
  "a plain cluster": cluster,
  "everything that can be asked for": everything,
  "an ECDSA key and a registry": {
    ...cluster,
    tokens: { ...cluster.tokens, keys: "ecdsa" },
    images: { ...cluster.images, registry: "harbor.example.com/library" },
  },
  TLS: encrypted,
  "no pull secret": { ...cluster, images: { ...cluster.images, pullSecret: undefined } },
};

const paths = (values: Values, known: ReadonlySet<string>) => unknownKeys(values, known).map((path) => path.join("."));

for (const version of supportedChartVersions) {
  describe(`the values for chart ${version}`, () => {
    const known = knownKeys(version);

    for (const [what, wanted] of Object.entries(clusters)) {
      test(`have only keys that the chart knows: ${what}`, () => {
        assert.deepEqual(unknownKeys(chartLine(version).values(wanted), known), []);
      });
    }

    test("would fail with a key that is misspelled, outdated or nested too deeply", () => {
      const wrong: Values = {
        ...chartLine(version).values(cluster),
        broker: { replicacount: 3, configData: { whatever: "1" } },
        brokers: { replicaCount: 3 },
        initialize: { enabled: true },
      };
      assert.deepEqual(paths(wrong, known), ["initialize.enabled", "broker.replicacount", "brokers.replicaCount"]);
      assert.deepEqual(unknownKeys({ broker: {}, proxy: null, brokers: {} }, known), [["brokers"]]);
    });
  });
}

test("the values of one chart line do not fit the chart of another", () => {
  const crossed = (of: "2.7.7" | "4.7.0", on: "2.7.7" | "4.7.0") => paths(chartLine(of).values(cluster), knownKeys(on));
  assert.ok(crossed("2.7.7", "4.7.0").includes("auth.authentication.provider"));
  assert.ok(crossed("2.7.7", "4.7.0").includes("pulsar_manager.existingSecretName"));
  assert.ok(crossed("4.7.0", "2.7.7").includes("auth.authentication.jwt.enabled"));
});

test("exactly the supported versions have a list of keys", () => {
  const files = readdirSync(new URL("../../../model/charts/keys/", import.meta.url));
  assert.deepEqual(files.sort(), supportedChartVersions.map((version) => `${version}.txt`).sort());
});
