import type { Toleration } from "../model/layouts/layout.ts";
import type { Waiver } from "./waivers.ts";

/** Where the pods of some components must run. */
export interface PlannedPods {
  /** The labels `component` of the pods, including those of Jobs. */
  components: string[];
  nodeSelector: Record<string, string>;
  tolerations: Toleration[];
}

/** The settings that the policies depend on, as plain data: the output `policies` of the stack. */
export interface PolicySettings {
  /** Whether violations are mandatory to fix. In test they are advisory. */
  production: boolean;
  namespace: string;
  /** Name of the Helm release. */
  release: string;
  registry?: string;
  placements: PlannedPods[];
  /** The volumes whose data `pulsar:movedVolumes` gives up. */
  givenUp: string[];
  waivers: Waiver[];
}
