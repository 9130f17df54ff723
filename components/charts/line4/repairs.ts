import { nameInitJobs } from "../initJobs.ts";
import type { Manifest } from "../manifest.ts";

/** Raise with every change of what `repair` does: it is an input of the release, which would otherwise not be upgraded. */
export const repairsVersion = "1";

/** The manifest of a release of chart 4.7.0, fit to be upgraded. Changes the objects in place. */
export function repair(objects: Manifest[]): void {
  nameInitJobs(objects);
}
