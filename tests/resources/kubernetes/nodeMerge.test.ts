import assert from "node:assert/strict";
import { describe, test } from "node:test";
import fc from "fast-check";
import type { Taint } from "../../../model/layouts/layout.ts";
import {
  conflicts,
  type LiveNode,
  type LiveTaint,
  type Marks,
  none,
  type NodePatch,
  ownersAnnotation,
  ownersOf,
  patchFor,
  sameMarks,
  marksPresent,
} from "../../../resources/kubernetes/nodeMerge.ts";

const identity = (taint: LiveTaint) => `${taint.key}:${taint.effect}`;

/** The result of a merge patch to a node, as the API server computes it. */
function patched(node: LiveNode, patch: NodePatch | undefined): LiveNode {
  const merge = (live: Record<string, string> = {}, changes: Record<string, string | null> = {}) =>
    Object.fromEntries(Object.entries({ ...live, ...changes }).filter(([, v]) => v !== null)) as Record<string, string>;
  return {
    metadata: {
      resourceVersion: "7",
      labels: merge(node.metadata?.labels, patch?.metadata.labels),
      annotations: merge(node.metadata?.annotations, patch?.metadata.annotations),
    },
    spec: { taints: patch?.spec?.taints ?? node.spec?.taints ?? [] },
  };
}
const [a, b] = ["organization/pulsar/a", "organization/pulsar/b"];
const marked = (node: LiveNode, owner: string, wanted: Marks) => patched(node, patchFor(node, owner, wanted));

// Few keys and values, so that marks of the stack and of others often have the same key.
const key = fc.constantFrom("dedicated", "gpu", "node.kubernetes.io/unreachable", "constructor");
const value = fc.constantFrom("", "pulsar", "other");
const labels = fc.dictionary(key, value, { noNullPrototype: true });
const taints = fc.uniqueArray(
  fc.record<Taint>(
    { key, value, effect: fc.constantFrom("NoSchedule", "PreferNoSchedule", "NoExecute") },
    { noNullPrototype: true },
  ),
  { selector: identity },
);
const marks = fc.record<Marks>({ labels, taints }, { noNullPrototype: true });
/** As the API server returns it: without empty values. */
const node = fc.record({ labels, taints }).map(({ labels, taints }): LiveNode => ({
  metadata: { resourceVersion: "7", labels, annotations: {} },
  spec: { taints: taints.map(({ value, ...rest }) => ({ ...rest, ...(value !== "" && { value }) })) },
}));

/** The node without the keys of these marks. Previous values are not restored. */
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
  test("exist after one write, and a second write changes nothing", () => {
    fc.assert(
      fc.property(node, marks, marks, (node, before, after) => {
        const once = marked(marked(node, a, before), a, after);
        assert.deepEqual(marksPresent(once, after), after);
        assert.equal(patchFor(once, a, after), undefined);
      }),
    );
  });

  test("do not change the labels and taints of others, or their order", () => {
    fc.assert(
      fc.property(node, marks, marks, (node, before, after) => {
        const ours = new Set([...before.taints, ...after.taints].map(identity));
        const foreign = (node: LiveNode) => (node.spec?.taints ?? []).filter((taint) => !ours.has(identity(taint)));
        const foreignLabels = (node: LiveNode) =>
          Object.entries(node.metadata?.labels ?? {}).filter(
            ([key]) => !Object.hasOwn(before.labels, key) && !Object.hasOwn(after.labels, key),
          );
        const result = marked(marked(node, a, before), a, after);
        assert.deepEqual(foreign(result), foreign(node));
        assert.deepEqual(foreignLabels(result), foreignLabels(node));
      }),
    );
  });

  test("leave the node as it was after their removal", () => {
    fc.assert(
      fc.property(node, marks, marks, (node, first, second) => {
        const clean = without(without(node, first), second);
        const result = marked(marked(marked(clean, a, first), a, second), a, none);
        assert.deepEqual(result, clean);
      }),
    );
  });

  test("that existed before stay after the removal", () => {
    fc.assert(
      fc.property(node, (node) => {
        const found: Marks = {
          labels: node.metadata?.labels ?? {},
          taints: (node.spec?.taints ?? []).map((taint) => ({ ...taint, value: taint.value ?? "" }) as Taint),
        };
        const shared = marked(marked(node, a, found), b, found);
        assert.deepEqual(marked(marked(shared, a, none), b, none), node);
      }),
    );
  });

  test("with a value changed by others are not removed", () => {
    const ours: Marks = {
      labels: { role: "ours" },
      taints: [{ key: "dedicated", value: "ours", effect: "NoSchedule" }],
    };
    const taints = [{ key: "dedicated", value: "theirs", effect: "NoSchedule" }];
    const changed: LiveNode = {
      metadata: { ...marked({}, a, ours).metadata, labels: { role: "theirs" } },
      spec: { taints },
    };
    assert.deepEqual(marksPresent(changed, ours), none);
    const after = marked(changed, a, none);
    assert.deepEqual([after.metadata?.labels, after.spec?.taints], [{ role: "theirs" }, taints]);
    assert.deepEqual(ownersOf(after), {});
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
    const wanted: Marks = { labels: {}, taints: [taint] };
    assert.deepEqual(patchFor(node, a, wanted), {
      metadata: { resourceVersion: "7", annotations: { [ownersAnnotation]: JSON.stringify({ [a]: wanted }) } },
      spec: { taints: [node.spec?.taints?.[0], taint, node.spec?.taints?.[2]] },
    });
  });

  test("that are no longer needed are removed in the same write that adds the new ones and their owner", () => {
    const before: Marks = { labels: { a: "1", b: "1" }, taints: [{ key: "old", value: "1", effect: "NoSchedule" }] };
    const after: Marks = { labels: { b: "2" }, taints: [{ key: "new", value: "1", effect: "NoSchedule" }] };
    assert.deepEqual(patchFor(marked({}, a, before), a, after), {
      metadata: {
        resourceVersion: "7",
        labels: { a: null, b: "2" },
        annotations: { [ownersAnnotation]: JSON.stringify({ [a]: after }) },
      },
      spec: { taints: after.taints },
    });
  });

  test("do not depend on their order", () => {
    fc.assert(
      fc.property(marks, marks, (one, other) => {
        const turned = {
          labels: Object.fromEntries(Object.entries(one.labels).reverse()),
          taints: [...one.taints].reverse(),
        };
        assert.ok(sameMarks(one, turned));
        const sorted = (marks: Marks) => [
          Object.entries(marks.labels).sort(),
          marks.taints.map((taint) => `${identity(taint)}=${taint.value}`).sort(),
        ];
        assert.equal(sameMarks(one, other), JSON.stringify(sorted(one)) === JSON.stringify(sorted(other)));
      }),
    );
  });
});

describe("marks of two stacks on a node", () => {
  const both: Marks = {
    labels: { role: "pulsar" },
    taints: [{ key: "dedicated", value: "pulsar", effect: "NoSchedule" }],
  };

  test("stay until the last stack that needs them is removed, in any order of changes", () => {
    // Steps of either stack. Contradicting ones are refused before they are written.
    const steps = fc.array(fc.record({ owner: fc.constantFrom(a, b), wanted: fc.oneof(marks, fc.constant(none)) }));
    fc.assert(
      fc.property(steps, (steps) => {
        const wants: Record<string, Marks> = { [a]: none, [b]: none };
        let node: LiveNode = {};
        for (const { owner, wanted } of steps) {
          if (conflicts(node, owner, wanted).length > 0) continue;
          node = marked(node, owner, wanted);
          wants[owner] = wanted;
          // Each stack finds its own marks, and there are no others.
          for (const theirs of Object.values(wants)) assert.deepEqual(marksPresent(node, theirs), theirs);
          const needed = Object.values(wants);
          assert.deepEqual(
            new Set(Object.keys(node.metadata?.labels ?? {})),
            new Set(needed.flatMap(({ labels }) => Object.keys(labels))),
          );
          assert.deepEqual(
            new Set(node.spec?.taints?.map(identity)),
            new Set(needed.flatMap(({ taints }) => taints.map(identity))),
          );
        }
        node = marked(marked(node, a, none), b, none);
        assert.deepEqual(node, {
          metadata: { resourceVersion: "7", labels: {}, annotations: {} },
          spec: { taints: [] },
        });
      }),
    );
  });

  test("are written once, and the second stack only adds its name", () => {
    const first = marked({}, a, both);
    assert.deepEqual(patchFor(first, b, both), {
      metadata: { resourceVersion: "7", annotations: { [ownersAnnotation]: JSON.stringify({ [a]: both, [b]: both }) } },
    });
  });

  test("that one stack changes stay if the other stack needs them", () => {
    const changed: Marks = { ...both, taints: [{ key: "dedicated", value: "pulsar", effect: "NoExecute" }] };
    const node = marked(marked(marked({}, a, both), b, both), a, changed);
    assert.deepEqual(node.spec?.taints, [...both.taints, ...changed.taints]);
    assert.deepEqual(marked(node, b, none).spec?.taints, changed.taints);
  });

  test("contradict each other if they have different values", () => {
    const other: Marks = {
      labels: { role: "other", zone: "a" },
      taints: [
        { key: "dedicated", value: "other", effect: "NoSchedule" },
        { key: "dedicated", value: "other", effect: "NoExecute" },
      ],
    };
    const node = marked({}, a, both);
    assert.deepEqual(conflicts(node, b, other), [
      `label role=other, but stack ${a} needs role=pulsar`,
      `taint dedicated=other:NoSchedule, but stack ${a} needs dedicated=pulsar:NoSchedule`,
    ]);
    assert.deepEqual(conflicts(node, a, other), [], "a stack does not contradict itself");
  });
});
