import { nameInitJobs } from "../initJobs.ts";
import { probeManager } from "../managerProbe.ts";
import type { Manifest } from "../manifest.ts";

/** Increase with every change of what `repair` does: it is an input of the release, which would otherwise not be upgraded. */
export const repairsVersion = "2";

/** The manifest of a release of chart 4.7.0, repaired for waiting and upgrades. Changes the objects in place. */
export function repair(objects: Manifest[]): void {
  probeManager(objects);
  nameInitJobs(objects);
}
