import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { describe, test } from "node:test";
import type { PulsarCluster, Value, Values } from "../../../components/charts/cluster.ts";
import { chartLine, supportedChartVersions } from "../../../components/charts/lines.ts";
import { cluster, everything } from "./support.ts";

/** The keys of a chart version: those of its values.yaml and those that only its templates read. `a.b.*` has whatever below it. */
function keysOf(version: string): Set<string> {
  const file = new URL(`keys/${version}.txt`, import.meta.url);
  return new Set(readFileSync(file, "utf8").trimEnd().split("\n"));
}

/** The keys of the values that the chart knows nothing of, as `a.b.c`. */
function unknownKeys(values: Values, known: ReadonlySet<string>, path: readonly string[] = []): string[] {
  return Object.entries(values).flatMap(([key, value]) => {
    const here = [...path, key];
    const name = here.join(".");
    if (known.has(`${name}.*`) || known.has(`${path.join(".")}.*`)) return [];
    if (isMap(value) && Object.keys(value).length > 0) return unknownKeys(value, known, here);
    return known.has(name) ? [] : [name];
  });
}

function isMap(value: Value): value is Values {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** Each with something that the others are without. */
const clusters: Record<string, PulsarCluster> = {
  "a plain cluster": cluster,
  "everything that can be asked for": everything,
  "an ECDSA key and a registry": {
    ...cluster,
    auth: { ...cluster.auth, publicAlgorithm: "ES256" },
    images: { ...cluster.images, registry: "harbor.example.com/library" },
  },
  "no pull secret": { ...cluster, images: { ...cluster.images, pullSecret: undefined } },
};

for (const version of supportedChartVersions) {
  describe(`the values for chart ${version}`, () => {
    const known = keysOf(version);

    for (const [what, wanted] of Object.entries(clusters)) {
      test(`have no key that the chart does not know: ${what}`, () => {
        assert.deepEqual(unknownKeys(chartLine(version).values(wanted), known), []);
      });
    }

    test("would be found out with a key misspelt, outdated, or a level too deep", () => {
      const wrong: Values = {
        ...chartLine(version).values(cluster),
        broker: { replicacount: 3, configData: { whatever: "1" } },
        brokers: { replicaCount: 3 },
        initialize: { enabled: true },
      };
      assert.deepEqual(unknownKeys(wrong, known), [
        "initialize.enabled",
        "broker.replicacount",
        "brokers.replicaCount",
      ]);
    });
  });
}

test("the lines' values would not do for each other's charts", () => {
  const crossed = (of: "2.7.7" | "4.7.0", on: string) => unknownKeys(chartLine(of).values(cluster), keysOf(on));
  assert.ok(crossed("2.7.7", "4.7.0").includes("auth.authentication.provider"));
  assert.ok(crossed("2.7.7", "4.7.0").includes("pulsar_manager.existingSecretName"));
  assert.ok(crossed("4.7.0", "2.7.7").includes("auth.authentication.jwt.enabled"));
});

test("every supported version has its list of keys, and no other has", () => {
  const files = readdirSync(new URL("keys/", import.meta.url));
  assert.deepEqual(files.sort(), supportedChartVersions.map((version) => `${version}.txt`).sort());
});
