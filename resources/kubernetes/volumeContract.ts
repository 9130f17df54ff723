import * as pulumi from "@pulumi/pulumi";
import type { PodVolumes, VolumeContractArgs } from "../../model/volumeMoves.ts";
import { checkingProvider } from "../kit/storedProvider.ts";

export const volumeContractProvider = checkingProvider<VolumeContractArgs, VolumeContractArgs>(
  "./resources/kubernetes/volumeContractProvider.ts",
);

/**
 * Records in the state where each pod's data is; it creates nothing. A program cannot read the state, but the `check` of a resource receives the
 * previous inputs, also in a preview: a change that would leave data behind ends there, with what to do about it.
 *
 * Everything else must depend on it: what is registered earlier may already have changed when it refuses.
 *
 * It records the new places before the volumes are created there. If the run fails in between, going back is a move that must be accepted in the
 * same way.
 */
export class VolumeContract extends pulumi.dynamic.Resource {
  declare readonly volumes: pulumi.Output<Record<string, PodVolumes>>;

  /** @param args plain values, from `contractOf`: values that are unknown in a preview cannot be checked there */
  constructor(name: string, args: VolumeContractArgs, opts?: pulumi.CustomResourceOptions) {
    super(volumeContractProvider, name, { ...args }, opts, "pulsar", "VolumeContract");
  }
}
