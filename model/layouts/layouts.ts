import { dedicatedLayout, type DedicatedLayoutArgs } from "./dedicated.ts";
import type { Layout, StackNode } from "./layout.ts";
import { mixedLayout, type MixedLayoutArgs } from "./mixed.ts";

/** The names of the layouts, as a stack's configuration has them. */
export const layoutNames = ["mixed", "dedicated"] as const;

/** What any layout is made from: a list of nodes, or the groups of them. */
export type LayoutArgs = Omit<MixedLayoutArgs, "nodes"> &
  Omit<DedicatedLayoutArgs, "groups"> & {
    layout: (typeof layoutNames)[number];
    nodes: StackNode[];
    nodeGroups: DedicatedLayoutArgs["groups"];
  };

/** The layout a stack asks for. */
export function layoutOf(args: LayoutArgs): Layout {
  switch (args.layout) {
    case "mixed":
      return mixedLayout(args);
    case "dedicated":
      return dedicatedLayout({ ...args, groups: args.nodeGroups });
  }
}
