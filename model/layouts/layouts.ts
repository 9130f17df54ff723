import { dedicatedLayout, type DedicatedLayoutArgs } from "./dedicated.ts";
import type { Layout, StackNode } from "./layout.ts";
import { mixedLayout, type MixedLayoutArgs } from "./mixed.ts";

/** The names of the layouts, as in a stack's configuration. */
export const layoutNames = ["mixed", "dedicated"] as const;

/** Input of every layout: a list of nodes, or groups of nodes. */
export type LayoutArgs = Omit<MixedLayoutArgs, "nodes"> &
  Omit<DedicatedLayoutArgs, "groups"> & {
    layout: (typeof layoutNames)[number];
    nodes: StackNode[];
    nodeGroups: DedicatedLayoutArgs["groups"];
  };

/** The layout of a stack. */
export function layoutOf(args: LayoutArgs): Layout {
  switch (args.layout) {
    case "mixed":
      return mixedLayout(args);
    case "dedicated":
      return dedicatedLayout({ ...args, groups: args.nodeGroups });
  }
}
