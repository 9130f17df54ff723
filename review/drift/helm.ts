/** What Helm has installed: the manifest in the release's record. */
import { promisify } from "node:util";
import { gunzip } from "node:zlib";
import { parseManifest } from "../../model/charts/manifest.ts";
import type { Installed } from "./compare.ts";
import type { ReleaseRef } from "./state.ts";

/** A Secret `sh.helm.release.v1.<release>.v<revision>`, without its data. */
export interface HelmRecord {
  metadata: { name: string; labels?: Record<string, string> };
}

const revisionOf = ({ metadata: { labels } }: HelmRecord) => Number(labels?.["version"]);
const newestFirst = (a: HelmRecord, b: HelmRecord) => revisionOf(b) - revisionOf(a);

/**
 * The record of what the stack has deployed: its own revision if that is still recorded, else the newest that is deployed. So after a `helm upgrade`
 * by hand, the objects are compared with those of the stack.
 */
export function recordOf(records: readonly HelmRecord[], { revision }: ReleaseRef): HelmRecord | undefined {
  const succeeded = records.filter(({ metadata }) =>
    ["deployed", "superseded"].includes(metadata.labels?.["status"] ?? ""),
  );
  return (
    succeeded.find((record) => revisionOf(record) === revision) ??
    succeeded.filter(({ metadata }) => metadata.labels?.["status"] === "deployed").sort(newestFirst)[0]
  );
}

/** The newest revision and its status, such as "4 (pending-upgrade)"; undefined if it is the stack's and deployed. */
export function otherRevision(records: readonly HelmRecord[], { revision }: ReleaseRef): string | undefined {
  const [newest] = records.toSorted(newestFirst);
  const status = newest?.metadata.labels?.["status"] ?? "";
  if (newest === undefined || revision === undefined) return undefined;
  return revisionOf(newest) === revision && status === "deployed"
    ? undefined
    : `${String(revisionOf(newest))} (${status})`;
}

/** The manifest in a record. @param stored the Secret's `release` key: gzipped JSON in base64, in the base64 of every Secret */
export async function manifestIn(stored: string): Promise<string> {
  const zipped = Buffer.from(Buffer.from(stored, "base64").toString(), "base64");
  const { manifest = "" } = JSON.parse((await promisify(gunzip)(zipped)).toString()) as { manifest?: string };
  return manifest;
}

/** The objects of a manifest, with the marks that Helm sets on each when it creates it. Hooks are not part of a manifest. */
export function installedByHelm(manifest: string, { name, namespace }: ReleaseRef): Installed[] {
  return parseManifest(manifest).map((object): Installed => {
    const { metadata, ...rest } = object;
    const labels = { ...metadata.labels, "app.kubernetes.io/managed-by": "Helm" };
    const annotations = {
      ...metadata.annotations,
      "meta.helm.sh/release-name": name,
      "meta.helm.sh/release-namespace": namespace,
    };
    return {
      object: { ...rest, metadata: { ...metadata, labels, annotations } },
      by: "Helm",
      // Helm 3 uses the name of its program as field manager; in the Kubernetes plugin, that is the plugin's.
      managers: ["helm", "pulumi-resource-kubernetes", "pulumi-kubernetes"],
      hidden: [],
      partial: false,
    };
  });
}
