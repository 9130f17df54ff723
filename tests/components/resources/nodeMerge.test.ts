import assert from "node:assert/strict";
import { describe, test } from "node:test";
import fc from "fast-check";
import type { Taint } from "../../../components/layouts/layout.ts";
import {
  type LiveNode,
  type LiveTaint,
  type Marks,
  patchFor,
  sameMarks,
  standing,
} from "../../../components/resources/nodeMerge.ts";

const none: Marks = { labels: {}, taints: [] };
const identity = (taint: LiveTaint) => `${taint.key}:${taint.effect}`;

/** What the API server makes of a node and a merge patch. */
function patched(node: LiveNode, patch: ReturnType<typeof patchFor>): LiveNode {
  const labels = Object.entries({ ...node.metadata?.labels, ...patch?.metadata.labels }).filter(([, v]) => v !== null);
  return {
    metadata: { ...node.metadata, labels: Object.fromEntries(labels) as Record<string, string> },
    spec: { ...node.spec, taints: patch?.spec?.taints ?? node.spec?.taints ?? [] },
  };
}
const marked = (node: LiveNode, before: Marks, after: Marks) => patched(node, patchFor(node, before, after));

// Few keys and values, so that what is ours and what is somebody else's often meet.
const key = fc.constantFrom("dedicated", "gpu", "node.kubernetes.io/unreachable", "constructor");
const value = fc.constantFrom("", "pulsar", "other");
const labels = fc.dictionary(key, value, { noNullPrototype: true });
const taints = fc.uniqueArray(
  fc.record<Taint>({ key, value, effect: fc.constantFrom("NoSchedule", "PreferNoSchedule", "NoExecute") }),
  { selector: identity },
);
const marks = fc.record<Marks>({ labels, taints }, { noNullPrototype: true });
/** As the API server answers it: an empty value is left out. */
const node = fc.record({ labels, taints }).map(({ labels, taints }): LiveNode => ({
  metadata: { resourceVersion: "7", labels },
  spec: { taints: taints.map(({ value, ...rest }) => ({ ...rest, ...(value !== "" && { value }) })) },
}));

/** What stood there under one of our keys before is not restored; here nothing did. */
const without = (node: LiveNode, marks: Marks): LiveNode => ({
  metadata: {
    ...node.metadata,
    labels: Object.fromEntries(
      Object.entries(node.metadata?.labels ?? {}).filter(([key]) => !Object.hasOwn(marks.labels, key)),
    ),
  },
  spec: {
    taints: (node.spec?.taints ?? []).filter(
      (taint) => !marks.taints.some((ours) => identity(ours) === identity(taint)),
    ),
  },
});

describe("marks on a node", () => {
  test("stand once they are written, and then there is nothing more to write", () => {
    fc.assert(
      fc.property(node, marks, marks, (node, before, after) => {
        const once = marked(node, before, after);
        assert.deepEqual(standing(once, after), after);
        assert.equal(patchFor(once, before, after), undefined);
        assert.equal(patchFor(once, after, after), undefined);
      }),
    );
  });

  test("leave everybody else's as they are, in order", () => {
    fc.assert(
      fc.property(node, marks, marks, (node, before, after) => {
        const ours = new Set([...before.taints, ...after.taints].map(identity));
        const foreign = (node: LiveNode) => (node.spec?.taints ?? []).filter((taint) => !ours.has(identity(taint)));
        const foreignLabels = (node: LiveNode) =>
          Object.entries(node.metadata?.labels ?? {}).filter(
            ([key]) => !Object.hasOwn(before.labels, key) && !Object.hasOwn(after.labels, key),
          );
        const result = marked(node, before, after);
        assert.deepEqual(foreign(result), foreign(node));
        assert.deepEqual(foreignLabels(result), foreignLabels(node));
      }),
    );
  });

  test("are gone once they are taken off, and the node is as it was", () => {
    fc.assert(
      fc.property(node, marks, marks, (node, first, second) => {
        const clean = without(without(node, first), second);
        const result = marked(marked(marked(clean, none, first), first, second), second, none);
        assert.deepEqual(result, clean);
      }),
    );
  });

  test("are not taken off where somebody gave them another value", () => {
    const node: LiveNode = {
      metadata: { labels: { role: "theirs" } },
      spec: { taints: [{ key: "dedicated", value: "theirs", effect: "NoSchedule" }] },
    };
    const ours: Marks = {
      labels: { role: "ours" },
      taints: [{ key: "dedicated", value: "ours", effect: "NoSchedule" }],
    };
    assert.equal(patchFor(node, ours, none), undefined);
    assert.deepEqual(standing(node, ours), none);
  });

  test("correct a wrong value in place and keep a taint of the same key with another effect", () => {
    const node: LiveNode = {
      metadata: { resourceVersion: "7" },
      spec: {
        taints: [
          { key: "dedicated", value: "theirs", effect: "NoExecute" },
          { key: "dedicated", value: "wrong", effect: "NoSchedule" },
          { key: "gpu", effect: "NoSchedule" },
        ],
      },
    };
    const taint: Taint = { key: "dedicated", value: "pulsar", effect: "NoSchedule" };
    assert.deepEqual(patchFor(node, none, { labels: {}, taints: [taint] }), {
      metadata: { resourceVersion: "7" },
      spec: { taints: [node.spec?.taints?.[0], taint, node.spec?.taints?.[2]] },
    });
  });

  test("that are no longer wanted go with the same write that brings the new ones", () => {
    const before: Marks = { labels: { a: "1", b: "1" }, taints: [{ key: "old", value: "1", effect: "NoSchedule" }] };
    const after: Marks = { labels: { b: "2" }, taints: [{ key: "new", value: "1", effect: "NoSchedule" }] };
    const node: LiveNode = {
      metadata: { resourceVersion: "7", labels: before.labels },
      spec: { taints: before.taints },
    };
    assert.deepEqual(patchFor(node, before, after), {
      metadata: { resourceVersion: "7", labels: { a: null, b: "2" } },
      spec: { taints: after.taints },
    });
  });

  test("are the same in whatever order they are written down", () => {
    fc.assert(
      fc.property(marks, marks, (a, b) => {
        const turned = {
          labels: Object.fromEntries(Object.entries(a.labels).reverse()),
          taints: [...a.taints].reverse(),
        };
        assert.ok(sameMarks(a, turned));
        const sorted = (marks: Marks) => [
          Object.entries(marks.labels).sort(),
          marks.taints.map((taint) => `${identity(taint)}=${taint.value}`).sort(),
        ];
        assert.equal(sameMarks(a, b), JSON.stringify(sorted(a)) === JSON.stringify(sorted(b)));
      }),
    );
  });
});
