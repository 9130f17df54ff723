import * as pulumi from "@pulumi/pulumi";
import type { PodVolumes, VolumeContractArgs } from "../../model/volumeMoves.ts";
import { checkingProvider } from "../kit/storedProvider.ts";

export const volumeContractProvider = checkingProvider<VolumeContractArgs, VolumeContractArgs>(
  "./resources/kubernetes/volumeContractProvider.ts",
);

/**
 * Where each pod's data is, noted down in the state; it makes nothing. A program does not see the state, but the `check` of a resource is
 * given the inputs of last time, at preview too: a change that would leave data behind ends there, with what to do about it.
 *
 * It must be the first of all: what is registered before it may be changed already when it refuses. So everything else depends on it.
 *
 * It notes the new places down before the volumes are made there: should the run fail in between, the way back is a move as well, to be accepted
 * in the same way.
 */
export class VolumeContract extends pulumi.dynamic.Resource {
  declare readonly volumes: pulumi.Output<Record<string, PodVolumes>>;

  /** @param args plain values, from `contractOf`: what is unknown at preview cannot be checked there */
  constructor(name: string, args: VolumeContractArgs, opts?: pulumi.CustomResourceOptions) {
    super(volumeContractProvider, name, { ...args }, opts, "pulsar", "VolumeContract");
  }
}
