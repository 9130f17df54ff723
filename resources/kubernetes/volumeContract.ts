import * as pulumi from "@pulumi/pulumi";
import { type ContractSettings, contractOf, type VolumeContractArgs } from "../../model/volumeMoves.ts";
import type { VolumePlaces } from "../../model/volumePlaces.ts";
import { checkingProvider } from "../kit/storedProvider.ts";
import type { ClusterRef } from "../../model/clusterRef.ts";
import { volumePlaceHooks } from "./volumePlaces.ts";

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
  constructor(
    name: string,
    settings: ContractSettings & Pick<VolumePlaces, "nodes"> & { cluster: ClusterRef },
    opts?: pulumi.CustomResourceOptions,
  ) {
    const hooks = volumePlaceHooks(settings.cluster, { ...settings, volumes: settings.plannedVolumes });
    super(volumeContractProvider, name, contractOf(settings), { ...opts, hooks }, "pulsar", "VolumeContract");
  }
}
