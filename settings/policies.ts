import { allTolerations, type Component } from "../model/layouts/layout.ts";
import { componentsOf, type OwnComponent } from "../model/network/flows.ts";
import type { PlannedPods, PolicySettings } from "../policy/settings.ts";
import type { Settings } from "./resolve.ts";

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

/** What the policies check a stack against. */
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
