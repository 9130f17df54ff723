/** What a stack may change in a cluster that it shares with others. */
import { fullName } from "../../model/charts/names.ts";
import type { Settings } from "../../settings/resolve.ts";
import type { Inventory } from "../cluster/inventory.ts";
import type { Observation } from "../cluster/observe.ts";

/**
 * The objects of the stack's namespace, the cluster's objects with the stack's names, and the labels and taints that the stack sets. Others
 * may change meanwhile.
 */
export function ownPart({ objects, nodes }: Inventory, settings: Settings): Inventory {
  const { namespace, release, volumes, layout, plannedVolumes } = settings;
  const names = new Set([namespace, volumes.storageClass.name, ...plannedVolumes.map(({ claim }) => claim)]);
  const isOwn = (object: string): boolean => {
    const [, name = ""] = object.split(" ");
    return name.startsWith(`${namespace}/`) || names.has(name) || (!name.includes("/") && name.startsWith(fullName(release))); // prettier-ignore
  };
  const marks = layout.nodes.flatMap(({ labels, taints }) => [
    ...Object.keys(labels).map((key) => `label ${key}=`),
    ...taints.map(({ key }) => `taint ${key}`),
  ]);
  const isMark = (mark: string): boolean => [...marks, "label pulsar-stack/"].some((start) => mark.startsWith(start));
  return {
    objects: Object.fromEntries(Object.entries(objects).filter(([object]) => isOwn(object))),
    nodes: Object.fromEntries(Object.entries(nodes).map(([node, all]) => [node, all.filter(isMark)])),
  };
}

/** An observation without the volumes of other namespaces. */
export function ownVolumes(seen: Observation, namespace: string): Observation {
  return { ...seen, volumes: seen.volumes.filter(({ claim }) => claim?.startsWith(`${namespace}/`)) };
}
