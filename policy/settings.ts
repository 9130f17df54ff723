import { type OwnComponent, componentsOf } from "../model/network/flows.ts";
import { allTolerations, type Component, type Toleration } from "../model/layouts/layout.ts";
import type { Settings } from "../settings/resolve.ts";
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

/** The row of the plan for each label `component`. The Jobs run as `init`, except that of the directories, which visits every data node. */
const plannedAs: Record<Exclude<OwnComponent, "directories">, Component> = {
  zookeeper: "zookeeper",
  bookie: "bookkeeper",
  recovery: "autorecovery",
  broker: "broker",
  proxy: "proxy",
  toolset: "toolset",
  "pulsar-manager": "manager",
  "bookie-init": "init",
  "pulsar-init": "init",
  "pulsar-manager-init": "init",
  "bookie-racks": "init",
  "manager-setup": "init",
  "smoke-test": "init",
};

export function policySettings(settings: Settings): PolicySettings {
  const { layout, line, movedVolumes, namespace, plannedVolumes, policyWaivers, production, registry, release } =
    settings;
  const moved = movedVolumes.map(({ pod }) => pod);
  const placements = new Map<string, PlannedPods>();
  for (const component of componentsOf(line)) {
    const { nodeSelector, tolerations } =
      component === "directories"
        ? { nodeSelector: {}, tolerations: allTolerations(layout) }
        : layout.placements[plannedAs[component]];
    const key = JSON.stringify([nodeSelector, tolerations]);
    const components = [...(placements.get(key)?.components ?? []), component];
    placements.set(key, { components, nodeSelector, tolerations });
  }
  return {
    production,
    namespace,
    release,
    ...(registry === undefined ? {} : { registry }),
    placements: [...placements.values()],
    givenUp: plannedVolumes.filter(({ pod }) => moved.includes(pod)).map(({ claim }) => claim),
    waivers: policyWaivers,
  };
}
