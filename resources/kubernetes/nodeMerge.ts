import { isDeepStrictEqual } from "node:util";
import type { Taint } from "../../model/layouts/layout.ts";

/** What of a Node matters here, as the API answers it. */
export interface LiveNode {
  metadata?: { resourceVersion?: string; labels?: Record<string, string>; annotations?: Record<string, string> };
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

/** No marks. */
export const none: Marks = { labels: {}, taints: [] };

/** By stack, the marks of a node that are there for it: those it has put there, and those it shares with a stack that has. */
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

/**
 * The owners that the node names.
 * @throws SyntaxError if somebody has written something else into the annotation
 */
export function ownersOf({ metadata }: LiveNode): Owners {
  return JSON.parse(metadata?.annotations?.[ownersAnnotation] ?? "{}") as Owners;
}

/** What `wanted` contradicts among the marks of other stacks, one line each: a label, or a taint of one effect, has one value. */
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
 * The one write that makes `wanted` hold on the node for the stack `owner`, and takes off what the stack no longer wants; undefined when
 * there is nothing to write.
 *
 * A mark is taken off with its last owner. One that was there before any stack wanted it has no owner, and stays.
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

  const somebodyElses = without(standing(node, wanted), [held, ...others]);
  const owned = without(wanted, [somebodyElses]);
  const owns = Object.keys(owned.labels).length + owned.taints.length > 0;
  const after: Owners = owns ? { ...rest, [owner]: owned } : rest;
  const ownersChange = !isDeepStrictEqual(owners, after);

  if (!taintsChange && !labelsChange && !ownersChange) return undefined;
  const noted = Object.keys(after).length === 0 ? null : JSON.stringify(after);
  return {
    metadata: {
      resourceVersion: node.metadata?.resourceVersion ?? "",
      ...(labelsChange && { labels }),
      ...(ownersChange && { annotations: { [ownersAnnotation]: noted } }),
    },
    ...(taintsChange && { spec: { taints } }),
  };
}

/** Those of `marks` that are, with their values, in none of `others`. */
function without(marks: Marks, others: readonly Marks[]): Marks {
  return {
    labels: Object.fromEntries(
      Object.entries(marks.labels).filter(([key, value]) => !others.some(({ labels }) => labels[key] === value)),
    ),
    taints: marks.taints.filter((ours) => !others.some(({ taints }) => taints.some((taint) => equal(taint, ours)))),
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
