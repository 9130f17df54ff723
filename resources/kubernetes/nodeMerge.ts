import { isDeepStrictEqual } from "node:util";
import type { Taint } from "../../model/layouts/layout.ts";

/** The parts of a Node used here, as the API returns them. */
export interface LiveNode {
  metadata?: { resourceVersion?: string; labels?: Record<string, string>; annotations?: Record<string, string> };
  spec?: { taints?: LiveTaint[] };
}
/** An empty value is missing; controllers set `timeAdded` on some taints. */
export interface LiveTaint {
  key: string;
  value?: string;
  effect: string;
  timeAdded?: Date;
}

/** What the stack puts on a node. As in Kubernetes, a key identifies a label, and a key and effect a taint. */
export interface Marks {
  labels: Record<string, string>;
  taints: Taint[];
}

export const none: Marks = { labels: {}, taints: [] };

/** The marks of a node by the stack that needs them: those that it set, and those that it shares with a stack that did. */
export type Owners = Record<string, Marks>;

/** Annotation of a Node with its `Owners` as JSON. */
export const ownersAnnotation = "pulsar-stack/marks";

/** A JSON merge patch of a Node. `resourceVersion` makes the API server refuse it (409) when the node changed since it was read. */
export interface NodePatch {
  metadata: {
    resourceVersion: string;
    labels?: Record<string, string | null>;
    annotations?: Record<string, string | null>;
  };
  spec?: { taints: LiveTaint[] };
}

const same = (a: { key: string; effect: string }, b: { key: string; effect: string }) =>
  a.key === b.key && a.effect === b.effect;
const equal = (a: LiveTaint, b: Taint) => same(a, b) && (a.value ?? "") === b.value;

/**
 * The node's taints after a change of ours from `before` to `after`. Others are kept, in order; a taint with the key and effect of one of ours gets our
 * value; one that is no longer ours is removed, unless somebody gave it another value.
 */
export function mergeTaints(live: LiveTaint[], before: Taint[], after: Taint[]): LiveTaint[] {
  const kept = live.filter(
    (taint) => after.some((ours) => same(taint, ours)) || !before.some((ours) => equal(taint, ours)),
  );
  const set = kept.map((taint) => after.find((ours) => same(taint, ours) && !equal(taint, ours)) ?? taint);
  return [...set, ...after.filter((ours) => !live.some((taint) => same(taint, ours)))];
}

/** The labels to write (null: to remove) for a change from `before` to `after`, by the same rules as the taints. */
export function changedLabels(
  live: Record<string, string>,
  before: Record<string, string>,
  after: Record<string, string>,
): Record<string, string | null> {
  const written = Object.entries(after).filter(([key, value]) => live[key] !== value);
  const removed = Object.entries(before).filter(([key, value]) => !Object.hasOwn(after, key) && live[key] === value);
  return Object.fromEntries([...written, ...removed.map(([key]): [string, null] => [key, null])]);
}

/**
 * The owners in the node's annotation.
 * @throws SyntaxError if the annotation is not valid JSON
 */
export function ownersOf({ metadata }: LiveNode): Owners {
  return JSON.parse(metadata?.annotations?.[ownersAnnotation] ?? "{}") as Owners;
}

/** The marks in `wanted` that conflict with those of other stacks, one line each: a label, or a taint of one effect, has one value. */
export function conflicts(node: LiveNode, owner: string, wanted: Marks): string[] {
  return Object.entries(ownersOf(node))
    .filter(([other]) => other !== owner)
    .flatMap(([other, theirs]) => [
      ...Object.entries(wanted.labels)
        .filter(([key, value]) => Object.hasOwn(theirs.labels, key) && theirs.labels[key] !== value)
        .map(([key, value]) => `label ${key}=${value}, but stack ${other} needs ${key}=${theirs.labels[key]}`),
      ...wanted.taints.flatMap((ours) =>
        theirs.taints
          .filter((taint) => same(taint, ours) && !equal(taint, ours))
          .map((taint) => `taint ${textOf(ours)}, but stack ${other} needs ${textOf(taint)}`),
      ),
    ]);
}

const textOf = ({ key, value, effect }: Taint) => `${key}=${value}:${effect}`;

/**
 * The patch that puts `wanted` on the node for the stack `owner` and removes what the stack no longer needs; undefined if there is nothing to write.
 *
 * A mark is removed with its last owner. One that existed before any stack needed it has no owner, and is kept.
 */
export function patchFor(node: LiveNode, owner: string, wanted: Marks): NodePatch | undefined {
  const owners = ownersOf(node);
  const { [owner]: held = none, ...rest } = owners;
  const others = Object.values(rest);
  const liveLabels = node.metadata?.labels ?? {};
  const live = node.spec?.taints ?? [];

  const unshared = without(held, others);
  const taints = mergeTaints(live, unshared.taints, wanted.taints);
  const labels = changedLabels(liveLabels, unshared.labels, wanted.labels);
  const taintsChange = taints.length !== live.length || taints.some((taint, index) => taint !== live[index]);
  const labelsChange = Object.keys(labels).length > 0;

  const unowned = without(marksPresent(node, wanted), [held, ...others]);
  const owned = without(wanted, [unowned]);
  const owns = Object.keys(owned.labels).length + owned.taints.length > 0;
  const after: Owners = owns ? { ...rest, [owner]: owned } : rest;
  const ownersChange = !isDeepStrictEqual(owners, after);

  if (!taintsChange && !labelsChange && !ownersChange) return undefined;
  const record = Object.keys(after).length === 0 ? null : JSON.stringify(after);
  return {
    metadata: {
      resourceVersion: node.metadata?.resourceVersion ?? "",
      ...(labelsChange && { labels }),
      ...(ownersChange && { annotations: { [ownersAnnotation]: record } }),
    },
    ...(taintsChange && { spec: { taints } }),
  };
}

/** Those of `marks` that none of `others` has with the same value. */
function without(marks: Marks, others: readonly Marks[]): Marks {
  return {
    labels: Object.fromEntries(
      Object.entries(marks.labels).filter(([key, value]) => !others.some(({ labels }) => labels[key] === value)),
    ),
    taints: marks.taints.filter((ours) => !others.some(({ taints }) => taints.some((taint) => equal(taint, ours)))),
  };
}

/** Those of our marks that are on the node with our value. One with another value has been changed by somebody else and counts as gone. */
export function marksPresent(node: LiveNode, marks: Marks): Marks {
  const live = node.metadata?.labels ?? {};
  const taints = node.spec?.taints ?? [];
  return {
    labels: Object.fromEntries(Object.entries(marks.labels).filter(([key, value]) => live[key] === value)),
    taints: marks.taints.filter((ours) => taints.some((taint) => equal(taint, ours))),
  };
}

/** Whether two sets of marks are the same, in any order. */
export function sameMarks(a: Marks, b: Marks): boolean {
  const canonical = (marks: Marks) =>
    JSON.stringify([
      Object.entries(marks.labels).sort(([x], [y]) => (x < y ? -1 : 1)),
      marks.taints.map((taint) => [taint.key, taint.effect, taint.value].join()).sort(),
    ]);
  return canonical(a) === canonical(b);
}
