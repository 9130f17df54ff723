import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { chartLine, supportedChartVersions } from "../../../model/charts/lines.ts";
import { builtNames, claimName, fullName } from "../../../model/charts/names.ts";
import { shortened } from "../../../components/localVolumes.ts";
import { faults, hasOneFault } from "../../support/faults.ts";
import { groups } from "../../support/nodeGroups.ts";
import { stackConfig } from "../../support/stackFile.ts";

const longestName = { "2.7.7": 33, "4.7.0": 27 };
const release = (length: number, start: string) => start.padEnd(length, "x");
const accepted = (version: string, name: string) => {
  // Without a context there always is a fault.
  const changes = { "pulsar:chart": { version }, "pulsar:release": name, "kubernetes:context": undefined };
  return !faults(stackConfig("test", changes)).some((line) => line.startsWith("pulsar:release"));
};

for (const version of supportedChartVersions) {
  describe(`release names with chart ${version}`, () => {
    const names = (name: string) => builtNames(name, chartLine(version).makes);

    // The chart adds nothing to a release name that contains "pulsar".
    for (const [start, more] of [
      ["x", 0],
      ["pulsar", "-pulsar".length],
    ] as const) {
      test(`are accepted if all names derived from them fit: ${start}...`, () => {
        for (let length = start.length; length <= 60; length++) {
          const name = release(length, start);
          const fits = names(name).every(({ text, limit }) => text.length <= limit);
          assert.equal(fits, length <= longestName[version] + more, `${length}`);
          assert.equal(accepted(version, name), fits, `${length}`);
        }
      });
    }

    test("result in claim names of at most 253 characters", () => {
      const longest = release(53, "x");
      assert.ok(claimName(longest, "zookeeper-data", 999).length <= 253);
      assert.ok(names(longest).every(({ text }) => text.startsWith(longest)));
    });
  });
}

test("a release name that is too long is refused, with the name that is too long", () => {
  hasOneFault(
    stackConfig("test", { "pulsar:chart": { version: "4.7.0" }, "pulsar:release": "messaging-platform-production1" }),
    'pulsar:release: "messaging-platform-production1" (30 characters) is too long: the Job would ' +
      "be messaging-platform-production1-pulsar-pulsar-manager-init-00000000, which has 66 characters and may have 63; use 27 characters at most with chart 4.7.0",
  );
});

test("the label key of the nodes leaves room for the name of the group", () => {
  const value = (length: number) => ({ "pulsar:nodeLabel": { value: release(length, "x") } });
  hasOneFault(
    stackConfig("prod", { ...value(53), "pulsar:nodeGroups": groups({}) }),
    `pulsar:nodeLabel.value: "${release(53, "x")}" (53 characters) is too long: with the group's name it would be ${release(53, "x")}-bookkeeper, which has 64 characters and may have 63; use 52 characters at most`,
  );
  assert.ok(
    faults(stackConfig("prod", { ...value(52), "pulsar:layout": "mixed" })).every((line) => !/nodeLabel/.test(line)),
  );
});

test("the name of a directories Job is truncated to the length of a label and stays a DNS name", () => {
  for (let length = 1; length < 80; length++) {
    for (const separator of [".", "-"]) {
      const name = shortened(`pulsar-directories-${"n".repeat(length)}${separator}example.com`);
      assert.match(name, /^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$/);
      assert.ok(name.length <= 63);
    }
  }
  assert.notEqual(shortened("a".repeat(70)), shortened("a".repeat(71)));
});

test("fullName", () => {
  assert.deepEqual(["pulsar", "my-pulsar-1", "foo"].map(fullName), ["pulsar", "my-pulsar-1", "foo-pulsar"]);
});
