/** Compares the images in the rendered charts of the rehearsal with the list of images. */
import assert from "node:assert/strict";
import { join } from "node:path";
import { test } from "node:test";
import { execa } from "execa";
import { stringify } from "yaml";
import { imageRef, stackImages } from "../../../model/charts/images.ts";
import { chartLine, supportedChartVersions } from "../../../model/charts/lines.ts";
import { parseManifest } from "../../../model/charts/manifest.ts";
import { prepareTools } from "../../../rehearsal/tools/tools.ts";
import { clusterOf } from "./clusterOf.ts";

const charts = join(import.meta.dirname, "../../../rehearsal/standins/charts");

for (const version of supportedChartVersions) {
  test(`chart ${version} uses exactly the listed images, pinned ones by their digest`, async () => {
    const { tools } = await prepareTools({ log: () => undefined, signal: new AbortController().signal });
    const line = chartLine(version);
    const { pulsar, manager } = line.images;
    const digest = `sha256:${"0123456789abcdef".repeat(4)}`;
    const cluster = clusterOf(version, {
      "pulsar:images": {
        pulsar: `${imageRef(pulsar)}@${digest}`,
        manager: imageRef(manager),
        pullSecret: "regsecret",
      },
    });
    const args = ["template", "pulsar", join(charts, `pulsar-${line.name}`), "--namespace", "pulsar", "--values", "-"];
    const { stdout } = await execa(tools.helm, args, { input: stringify(line.values(cluster)) });
    const asked = parseManifest(stdout).flatMap(({ spec }) => {
      // An empty list is null in YAML.
      const { initContainers, containers } = (spec?.template?.spec ?? {}) as Partial<
        Record<string, { image: string }[]>
      >;
      return [...(initContainers ?? []), ...(containers ?? [])].map(({ image }) => image);
    });
    const listed = stackImages(cluster.images).map(({ image }) => imageRef(image));
    assert.deepEqual([...new Set(asked)].sort(), listed.sort());
  });
}
