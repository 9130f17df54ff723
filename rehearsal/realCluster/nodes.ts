/** Which node of an existing cluster takes the place of each node of the stack. */
import type { V1Node } from "@kubernetes/client-node";
import type { SettingsNode } from "../../settings/resolve.ts";
import { isReady } from "../cluster/controlPlane.ts";
import { compareNames } from "../cluster/observe.ts";
import type { Plain } from "../cluster/api.ts";
import { enumerate } from "../report/explain.ts";

const hostnameLabel = "kubernetes.io/hostname";

/**
 * The configuration that puts the cluster's nodes in the place of the stack's.
 *
 * @param chosen the cluster's node by the stack's; the others keep their names
 */
export function nodeOverrides(
  nodes: readonly Pick<SettingsNode, "name" | "setting">[],
  chosen: ReadonlyMap<string, string>,
  found: readonly Plain<V1Node>[],
): Record<string, string> {
  return Object.fromEntries(
    nodes.flatMap(({ name, setting }) => {
      const to = chosen.get(name);
      if (to === undefined || to === name) return [];
      const hostname = found.find(({ metadata }) => metadata?.name === to)?.metadata?.labels?.[hostnameLabel];
      return [
        [`${setting}.name`, to],
        [`${setting}.hostname`, hostname ?? to],
      ];
    }),
  );
}

/**
 * Why the chosen nodes cannot be used, with the `--nodes` to give if the cluster has enough others.
 *
 * @param nodes names of the stack's nodes, as in its file
 */
export function nodeFaults(
  nodes: readonly string[],
  chosen: ReadonlyMap<string, string>,
  found: readonly Plain<V1Node>[],
): string[] {
  const unknown = [...chosen.keys()].filter((name) => !nodes.includes(name));
  const names = new Set(found.map(({ metadata }) => metadata?.name ?? ""));
  const absent = nodes.map((name) => chosen.get(name) ?? name).filter((name) => !names.has(name));
  return [
    ...unknown.map((name) => `--nodes: the stack has no node ${name}; it has ${nodes.join(", ")}`),
    ...(absent.length === 0
      ? []
      : [`--nodes: the cluster has no node ${enumerate(absent)}; ${suggestion(nodes, found)}`]),
  ];
}

function suggestion(nodes: readonly string[], found: readonly Plain<V1Node>[]): string {
  const free = found.filter(isUsable).map(({ metadata }) => metadata?.name ?? "");
  // Nodes that have the right names keep their place.
  const others = free.filter((name) => !nodes.includes(name)).sort(compareNames);
  if (free.length < nodes.length) {
    return `the stack needs ${nodes.length} nodes, and the cluster has ${free.length} that are Ready and without taints`;
  }
  const pairs = nodes.map((name) => `${name}=${free.includes(name) ? name : (others.shift() ?? "")}`);
  return `use --nodes ${pairs.join(",")}`;
}

/** Whether any pod could run there: Ready, not cordoned, and without a taint that keeps pods away. */
function isUsable(node: Plain<V1Node>): boolean {
  const taints = node.spec?.taints ?? [];
  return (
    isReady(node) && node.spec?.unschedulable !== true && taints.every(({ effect }) => effect === "PreferNoSchedule")
  );
}
