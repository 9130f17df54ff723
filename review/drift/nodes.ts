/** The stack's labels and taints on nodes. */
import type { LiveTaint } from "../../resources/kubernetes/nodeMerge.ts";
import type { NodeMarksArgs } from "../../resources/kubernetes/nodeMarksProvider.ts";
import { changeAt, type Finding, type LiveObject } from "./compare.ts";

/** What differs on a node: labels and taints of the stack, and that it is cordoned. Labels and taints of others are not compared. */
export function compareNode({ labels, taints }: NodeMarksArgs, live: LiveObject | undefined): Finding[] {
  if (live === undefined) return [{ path: [], installed: "a node of the stack", live: undefined }];
  const { taints: found = [], unschedulable } = (live["spec"] ?? {}) as {
    taints?: LiveTaint[];
    unschedulable?: boolean;
  };
  const marks = [
    ...Object.entries(labels).map(([key, value]) => ({
      path: [".metadata", ".labels", `.${key}`],
      installed: value,
      live: live.metadata.labels?.[key],
    })),
    ...taints.map((taint) => {
      const same = found.find(({ key, effect }) => key === taint.key && effect === taint.effect);
      return { path: [".spec", ".taints", `[${taint.key}]`], installed: textOf(taint), live: same && textOf(same) };
    }),
  ].filter((mark) => mark.installed !== mark.live);
  const cordoned =
    unschedulable === true ? [{ path: [".spec", ".unschedulable"], installed: undefined, live: true }] : [];
  return [...marks, ...cordoned].map((mark) => ({ ...mark, by: changeAt(live, mark.path) }));
}

function textOf({ key, value = "", effect }: LiveTaint): string {
  return `${key}=${value}:${effect}`;
}
