/** Compares the names in the rendered and patched charts of the rehearsal with the list of names that limits the length of a release name. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { patch as patch27 } from "../../../model/charts/line27/patches.ts";
import { patch as patch4 } from "../../../model/charts/line4/patches.ts";
import { chartLine, supportedChartVersions } from "../../../model/charts/lines.ts";
import { type Manifest, parseManifest } from "../../../model/charts/manifest.ts";
import { builtNames } from "../../../model/charts/names.ts";
import { releaseFaults } from "../../../settings/lengths.ts";
import { standIns } from "../../rehearsal/standins/chartRender.ts";
import { clusterOf } from "./clusterOf.ts";

const patches = { "2.7.7": patch27, "4.7.0": patch4 };

/** The names and label values that may have 63 characters. A StatefulSet adds a revision to a label of its pods. */
function limited(objects: readonly Manifest[]): string[] {
  return objects.flatMap(({ kind, metadata, spec }) => {
    const { template } = spec ?? {};
    const {
      containers = [],
      initContainers = [],
      volumes = [],
    } = (template?.spec ?? {}) as Record<string, { name: string }[] | null>;
    const claims = (spec?.["volumeClaimTemplates"] ?? []) as Manifest[];
    const named = [...(containers ?? []), ...(initContainers ?? []), ...(volumes ?? [])].map(({ name }) => name);
    return [
      ...(["Job", "Service", "Deployment"].includes(kind) ? [metadata.name] : []),
      ...(kind === "StatefulSet" ? [`${metadata.name}-4294967295`] : []),
      ...[metadata.labels, template?.metadata?.labels].flatMap((labels) => Object.values(labels ?? {})),
      ...claims.map((claim) => claim.metadata.name),
      ...named,
    ];
  });
}

for (const version of supportedChartVersions) {
  for (const start of ["x", "pulsar"]) {
    test(`chart ${version} renders no name that is too long for the longest release "${start}...", and one for a longer release`, async () => {
      const line = chartLine(version);
      const texts = async (release: string) => {
        const values = line.values({ ...clusterOf(version), release });
        const objects = parseManifest(await standIns[version].template(values, release, "pulsar"));
        patches[version](objects);
        return { objects, texts: limited(objects) };
      };
      const chart = { version, source: "", timeoutMinutes: 1 };
      const fits = (release: string) => {
        let fits = true;
        releaseFaults({ release, chart, line }, () => {
          fits = false;
        });
        return fits;
      };
      let longest = start;
      while (fits(`${longest}x`)) longest += "x";

      const { objects, texts: made } = await texts(longest);
      assert.deepEqual(
        [...new Set(made)].filter((text) => text.length > 63),
        [],
      );
      assert.ok(objects.every(({ metadata }) => metadata.name.length <= 253));

      // All names with the release name are in the list. With chart 2.7.7, the longest one is a Job of the stack, which is not rendered.
      const masked = (text: string) => text.replace(/-[0-9a-f]{8}$/, "-00000000");
      const listed = builtNames(longest, line.makes).map(({ text }) => text);
      const kinds = ["Job", "Service", "Deployment", "StatefulSet"];
      const unlisted = objects
        .filter(({ kind }) => kinds.includes(kind))
        .map(({ kind, metadata }) => (kind === "StatefulSet" ? `${metadata.name}-4294967295` : masked(metadata.name)))
        .filter((name) => !listed.includes(name));
      assert.deepEqual(unlisted, []);

      const rendered = (await texts(`${longest}x`)).texts.map(masked);
      const stackJobs = line.makes.tasks.map((task) => `-${task}-00000000`);
      const tooLong = builtNames(`${longest}x`, line.makes).filter(({ text, limit }) => text.length > limit);
      assert.ok(tooLong.length > 0);
      for (const { text } of tooLong) {
        assert.ok(rendered.includes(text) || stackJobs.some((end) => text.endsWith(end)), text);
      }
    });
  }
}
