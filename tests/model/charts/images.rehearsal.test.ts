/** Compares the images in the rendered charts of the rehearsal with the list of images. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { imageRef, stackImages } from "../../../model/charts/images.ts";
import { chartLine, supportedChartVersions } from "../../../model/charts/lines.ts";
import { parseManifest } from "../../../model/charts/manifest.ts";
import { standIns } from "../../rehearsal/standins/chartRender.ts";
import { clusterOf } from "./clusterOf.ts";

for (const version of supportedChartVersions) {
  test(`chart ${version} uses exactly the listed images, pinned ones by their digest`, async () => {
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
    const manifest = await standIns[version].template(line.values(cluster), "pulsar", "pulsar");
    const asked = parseManifest(manifest).flatMap(({ spec }) => {
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
