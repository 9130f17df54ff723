import { shortHash } from "../encoding.ts";
import type { Manifest } from "./manifest.ts";
import { hashedJobName } from "./names.ts";

/** The Jobs that initialize a new cluster. They do not change an initialized one (charts 2.7.7 and 4.7.0). */
export function initJobs(objects: readonly Manifest[]): Manifest[] {
  return objects.filter((object) => object.kind === "Job" && object.metadata.name.endsWith("-init"));
}

/**
 * Adds the hash of its template to the name of each init Job. A Job's template is immutable, so an upgrade with another image or another number
 * of ZooKeepers would fail (apache/pulsar-helm-chart#67, #241). A changed Job has a new name, and Helm removes the old one.
 *
 * `initialize` stays on, so the next install initializes the cluster if the first one failed. Chart 4.7.0 can delete finished Jobs instead
 * (job.ttl.enabled), but not unfinished or failed ones.
 */
export function nameInitJobs(objects: readonly Manifest[]): void {
  for (const job of initJobs(objects)) {
    job.metadata.name = hashedJobName(job.metadata.name, shortHash(JSON.stringify(job.spec)));
  }
}
