import { dedicatedLayout, type DedicatedLayoutArgs } from "./dedicated.ts";
import type { Layout } from "./layout.ts";
import { mixedLayout, type MixedLayoutArgs } from "./mixed.ts";

/** The names of the layouts, as in a stack's configuration. */
export const layoutNames = ["mixed", "dedicated"] as const;

/** Input of each layout: a list of nodes, and groups of nodes. */
type Args = MixedLayoutArgs & { layout: (typeof layoutNames)[number]; nodeGroups: DedicatedLayoutArgs["groups"] };

/** The layout of a stack. */
export function layoutOf(args: Args): Layout {
  switch (args.layout) {
    case "mixed":
      return mixedLayout(args);
    case "dedicated":
      return dedicatedLayout({ ...args, groups: args.nodeGroups });
  }
}
