import type { Taint } from "../layouts/layout.ts";

/** What of a Node matters here, as the API answers it. */
export interface LiveNode {
  metadata?: { resourceVersion?: string; labels?: Record<string, string> };
  spec?: { taints?: LiveTaint[] };
}
/** An empty value is left out; `timeAdded` is set on some taints of controllers. */
export interface LiveTaint {
  key: string;
  value?: string;
  effect: string;
  timeAdded?: Date;
}

/** What the stack puts on a node. A label is known by its key; a taint by its key and effect, as Kubernetes does. */
export interface Marks {
  labels: Record<string, string>;
  taints: Taint[];
}

/** A JSON merge patch of a Node. `resourceVersion` makes the API server refuse it (409) when the node changed since it was read. */
export interface NodePatch {
  metadata: { resourceVersion: string; labels?: Record<string, string | null> };
  spec?: { taints: LiveTaint[] };
}

const same = (a: { key: string; effect: string }, b: { key: string; effect: string }) =>
  a.key === b.key && a.effect === b.effect;
const equal = (a: LiveTaint, b: Taint) => same(a, b) && (a.value ?? "") === b.value;

/**
 * The node's taints once `after` holds instead of `before`: everybody else's stay as they are, in order; a taint with the key and
 * effect of one of ours gets our value; one of `before` that `after` no longer has goes, unless somebody gave it another value.
 */
export function mergeTaints(live: LiveTaint[], before: Taint[], after: Taint[]): LiveTaint[] {
  const kept = live.filter(
    (taint) => after.some((ours) => same(taint, ours)) || !before.some((ours) => equal(taint, ours)),
  );
  const set = kept.map((taint) => after.find((ours) => same(taint, ours) && !equal(taint, ours)) ?? taint);
  return [...set, ...after.filter((ours) => !live.some((taint) => same(taint, ours)))];
}

/** The labels to write (null: to remove) so that `after` holds instead of `before`, by the same rules as the taints. */
export function changedLabels(
  live: Record<string, string>,
  before: Record<string, string>,
  after: Record<string, string>,
): Record<string, string | null> {
  const written = Object.entries(after).filter(([key, value]) => live[key] !== value);
  const removed = Object.entries(before).filter(([key, value]) => !Object.hasOwn(after, key) && live[key] === value);
  return Object.fromEntries([...written, ...removed.map(([key]): [string, null] => [key, null])]);
}

/** The one write that makes `after` hold on the node instead of `before`; undefined when it already does. */
export function patchFor(node: LiveNode, before: Marks, after: Marks): NodePatch | undefined {
  const live = node.spec?.taints ?? [];
  const taints = mergeTaints(live, before.taints, after.taints);
  const labels = changedLabels(node.metadata?.labels ?? {}, before.labels, after.labels);
  const taintsChange = taints.length !== live.length || taints.some((taint, index) => taint !== live[index]);
  const labelsChange = Object.keys(labels).length > 0;
  if (!taintsChange && !labelsChange) return undefined;
  return {
    metadata: { resourceVersion: node.metadata?.resourceVersion ?? "", ...(labelsChange && { labels }) },
    ...(taintsChange && { spec: { taints } }),
  };
}

/** Those of our marks that are on the node with our value. One with another value is somebody else's by now, so it counts as gone. */
export function standing(node: LiveNode, marks: Marks): Marks {
  const live = node.metadata?.labels ?? {};
  const taints = node.spec?.taints ?? [];
  return {
    labels: Object.fromEntries(Object.entries(marks.labels).filter(([key, value]) => live[key] === value)),
    taints: marks.taints.filter((ours) => taints.some((taint) => equal(taint, ours))),
  };
}

/** Whether two sets of marks are the same; the order in which they are written down means nothing. */
export function sameMarks(a: Marks, b: Marks): boolean {
  const canonical = (marks: Marks) =>
    JSON.stringify([
      Object.entries(marks.labels).sort(([x], [y]) => (x < y ? -1 : 1)),
      marks.taints.map((taint) => [taint.key, taint.effect, taint.value].join()).sort(),
    ]);
  return canonical(a) === canonical(b);
}
