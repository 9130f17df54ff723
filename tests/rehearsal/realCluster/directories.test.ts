import assert from "node:assert/strict";
import { it } from "node:test";
import type { Api } from "../../../rehearsal/cluster/api.ts";
import { removeDirectories } from "../../../rehearsal/realCluster/directories.ts";
import type { Settings } from "../../../settings/resolve.ts";

it("removeDirectories does not wait for a node that cannot pull the image, and names its folders", async () => {
  const plannedVolumes = ["a", "b"].map((node) => ({ node, path: `/data/run/${node}` }));
  const images = { pulsar: { repository: "pulsar", tag: "4" } };
  const settings = { volumes: { createDirectories: true }, plannedVolumes, images } as unknown as Settings;
  const waiting = { reason: "ImagePullBackOff" };
  const created: string[] = [];
  const api = {
    objects: { create: async ({ metadata }: { metadata: { name: string } }) => void created.push(metadata.name) },
    batch: {
      listNamespacedJob: async () => ({ items: [{ metadata: { name: "remove-0" }, status: { succeeded: 1 } }] }),
    },
    core: {
      listNamespacedPod: async () => ({
        items: [{ metadata: { name: "remove-1-x" }, status: { containerStatuses: [{ name: "remove", state: { waiting } }] } }], // prettier-ignore
      }),
      deleteNamespace: async () => undefined,
      listNamespace: async () => ({ items: [] }),
    },
  };
  assert.deepEqual(await removeDirectories(api as unknown as Api, settings, "run"), ["directory /data/run on node b"]);
  assert.deepEqual(created, ["run", "remove-0", "remove-1"]);
});
