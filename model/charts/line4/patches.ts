import { nameInitJobs } from "../initJobs.ts";
import { probeManager } from "../managerProbe.ts";
import type { Manifest } from "../manifest.ts";
import { serviceSpecs } from "../serviceSpec.ts";
import { patchTls } from "../tlsPatches.ts";

/** Patches the manifest of a release of chart 4.7.0 for Helm's wait and for upgrades. Changes the objects in place. */
export function patch(objects: Manifest[]): void {
  serviceSpecs(objects);
  patchTls(objects);
  probeManager(objects);
  nameInitJobs(objects);
}
