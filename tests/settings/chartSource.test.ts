import assert from "node:assert/strict";
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { create } from "tar";
import { parseSettings } from "../../settings/settings.ts";
import { chartSchema } from "../../model/charts/lines.ts";
import { chartSourceFaults } from "../../settings/chartSource.ts";
import { stackConfig } from "../support/stackFile.ts";

let folder: string;

/** A chart of 4.6.0 as a folder and packed, beside files that are none. */
before(async () => {
  folder = await mkdtemp(join(tmpdir(), "charts-"));
  const chart = async (path: string, version: string) => {
    await mkdir(join(folder, path), { recursive: true });
    await writeFile(join(folder, path, "Chart.yaml"), `apiVersion: v2\nname: pulsar\nversion: ${version}\n`);
  };
  await chart("pulsar", "4.6.0");
  await chart("pulsar/charts/monitoring", "0.1.0");
  await chart("float", "4.7");
  await chart("invalid", "a: b: c");
  await create({ file: join(folder, "pulsar.tgz"), gzip: true, cwd: folder }, ["pulsar/charts", "pulsar/Chart.yaml"]);
  await create({ file: join(folder, "empty.tgz"), gzip: true, cwd: folder }, ["pulsar/charts"]);
  await writeFile(join(folder, "text.tgz"), "no archive");
  await mkdir(join(folder, "apache/pulsar"), { recursive: true });
});
after(() => rm(folder, { recursive: true }));

const lines = (source: string, version: "4.7.0" | "2.7.7" = "4.7.0") =>
  chartSourceFaults({ chart: chartSchema.parse({ source, version }) }, folder).map(
    ({ key, problem, remedy }) => `${key}: ${problem}; ${remedy}`,
  );

describe("a chart on disk", () => {
  test("of another version is refused with both versions", () => {
    for (const source of ["pulsar", "./pulsar", "./pulsar.tgz", "pulsar.tgz", join(folder, "pulsar")]) {
      assert.deepEqual(lines(source), [
        `pulsar:chart.source: ${source} is a chart of version 4.6.0; use a chart of version 4.7.0 (pulsar:chart.version)`,
      ]);
    }
  });

  test("of the right version is accepted", () => {
    const charts = join(import.meta.dirname, "../../rehearsal/standins/charts");
    assert.deepEqual(lines(join(charts, "pulsar-4")), []);
    assert.deepEqual(lines(join(charts, "pulsar-2.7"), "2.7.7"), []);
    assert.equal(lines(join(charts, "pulsar-2.7")).length, 1);
  });

  test("that cannot be read is refused with the reason", () => {
    const reasons = {
      "text.tgz": /\(it is not a packed chart, or it is damaged\)/,
      "empty.tgz": /no Chart\.yaml/,
      float: /no version/,
      invalid: /at line 3, column 10\)/,
    };
    for (const [source, reason] of Object.entries(reasons)) {
      const [line = "", ...more] = lines(source);
      assert.deepEqual(more, []);
      assert.match(line, new RegExp(`^pulsar:chart\\.source: ${source} cannot be read \\(.*\\); use a folder`));
      assert.match(line, reason);
    }
  });

  test("that does not exist is refused, unless the source can be a repository's name", () => {
    for (const source of ["./none", "../none/chart.tgz", "/none/chart", "none.tgz"]) {
      assert.match(
        lines(source).join("\n"),
        /^pulsar:chart\.source: there is no chart at \S+; use .*repository\/chart/,
      );
    }
  });
});

test("a remote source is not searched on disk, nor a folder with a repository's name", () => {
  for (const source of [
    "https://charts.example.com",
    "oci://registry.example.com/pulsar",
    "apache/pulsar",
    "none/pulsar",
  ])
    assert.deepEqual(lines(source), []);
});

test("its fault is reported together with all others", () => {
  const config = stackConfig("test", {
    "pulsar:chart": { version: "4.7.0", source: "./pulsar" },
    "pulsar:layout": "spread",
  });
  assert.throws(
    () => parseSettings(config, "test", true, { folder }),
    /2 faults[^]*pulsar:layout[^]*\.\/pulsar is a chart of version 4\.6\.0/,
  );
});
