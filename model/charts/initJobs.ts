import { shortHash } from "../encoding.ts";
import type { Manifest } from "./manifest.ts";
import { hashedJobName } from "./names.ts";

/** The Jobs that initialise a new cluster; all of them leave an initialised one as it is (charts 2.7.7 and 4.7.0). */
export function initJobs(objects: readonly Manifest[]): Manifest[] {
  return objects.filter((object) => object.kind === "Job" && object.metadata.name.endsWith("-init"));
}

/**
 * Names each init Job after its template. A Job's template is immutable, so an upgrade with another image or another number of ZooKeepers
 * would be refused (apache/pulsar-helm-chart#67, #241). With the template's hash in its name a changed Job is a new one, and Helm
 * removes the old. As `initialize` stays on, a first install that failed is initialised by the next.
 *
 * Chart 4.7.0 could have finished Jobs deleted instead (job.ttl.enabled), but not unfinished or failed ones.
 */
export function nameInitJobs(objects: readonly Manifest[]): void {
  for (const job of initJobs(objects)) {
    job.metadata.name = hashedJobName(job.metadata.name, shortHash(JSON.stringify(job.spec)));
  }
}
