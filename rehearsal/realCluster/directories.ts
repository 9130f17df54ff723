/** Directories on the nodes that belong to one rehearsal only. */
import { posix } from "node:path";
import { imageRef } from "../../model/charts/images.ts";
import type { Settings } from "../../settings/resolve.ts";
import type { Api } from "../cluster/api.ts";
import { waitFor } from "../cluster/waiting.ts";
import { troublesOf } from "./troubles.ts";

/** The configuration that moves each volume of the plan into a new folder `name`, because old data would disturb Pulsar. */
export function newDirectories({ volumes, plannedVolumes }: Settings, name: string): Record<string, string> {
  // Somebody else creates the directories.
  if (!volumes.createDirectories) return {};
  return Object.fromEntries(
    plannedVolumes.map(({ setting, path }) => [
      setting,
      posix.join(setting === "pulsar:volumes.dataDirectory" ? volumes.dataDirectory : path, name),
    ]),
  );
}

/** For the removal of the directories, and of the namespace, in milliseconds. */
const waiting = { limit: 120_000, every: 500 };

/**
 * Removes the folders `name` from the nodes, with a Job on each node in a namespace of that name.
 * @returns the folders that are left
 */
export async function removeDirectories(api: Api, settings: Settings, name: string): Promise<string[]> {
  const volumes = settings.volumes.createDirectories ? settings.plannedVolumes : [];
  const nodes = [...new Set(volumes.map(({ node }) => node))];
  if (nodes.length === 0) return [];
  await api.objects.create({ apiVersion: "v1", kind: "Namespace", metadata: { name } });
  try {
    const jobs = nodes.map((node, i) => {
      const folders = volumes.filter((volume) => volume.node === node).map(({ path }) => folderIn(path, name));
      return { node, job: `remove-${i}`, folders: [...new Set(folders)] };
    });
    await Promise.all(
      jobs.map(({ node, job, folders }) =>
        api.objects.create(removalJob(job, name, node, folders, imageRef(settings.images.pulsar))),
      ),
    );
    let left = jobs;
    await waitFor(
      async () => {
        const { items } = await api.batch.listNamespacedJob({ namespace: name });
        const done = items.filter(({ status }) => status?.succeeded === 1).map(({ metadata }) => metadata?.name);
        left = left.filter(({ job }) => !done.includes(job));
        // Without the image, a folder remains: the kubelet created it before it pulled the image.
        const pods = await api.core.listNamespacedPod({ namespace: name });
        const stuck = troublesOf(pods.items, [], Date.now()).filter(({ kind }) => kind === "image");
        return left.every(({ job }) => stuck.some(({ pod }) => pod.startsWith(`${job}-`))) || undefined;
      },
      { what: "the removal of the directories", ...waiting },
    ).catch(() => undefined);
    return left.flatMap(({ node, folders }) => folders.map((folder) => `directory ${folder} on node ${node}`));
  } finally {
    await api.core.deleteNamespace({ name });
    await waitFor(
      async () => {
        const { items } = await api.core.listNamespace();
        return items.every(({ metadata }) => metadata?.name !== name) || undefined;
      },
      { what: `the removal of the namespace ${name}`, ...waiting },
    );
  }
}

/** The folder of the rehearsal in the path of a volume. */
function folderIn(path: string, name: string): string {
  const parts = path.split("/");
  return parts.slice(0, parts.indexOf(name) + 1).join("/");
}

function removalJob(name: string, namespace: string, nodeName: string, folders: readonly string[], image: string) {
  return {
    apiVersion: "batch/v1",
    kind: "Job",
    metadata: { name, namespace },
    spec: {
      template: {
        spec: {
          restartPolicy: "Never",
          nodeName,
          tolerations: [{ operator: "Exists" }],
          automountServiceAccountToken: false,
          containers: [
            {
              name: "remove",
              image,
              // The directories were written by other users.
              securityContext: { runAsUser: 0 },
              command: ["sh", "-c", 'rm -rf "$@"', "remove", ...folders.map((folder, i) => `/parent-${i}/${posix.basename(folder)}`)], // prettier-ignore
              volumeMounts: folders.map((_, i) => ({ name: `parent-${i}`, mountPath: `/parent-${i}` })),
            },
          ],
          volumes: folders.map((folder, i) => ({ name: `parent-${i}`, hostPath: { path: posix.dirname(folder) } })),
        },
      },
    },
  };
}
