import assert from "node:assert/strict";
import { describe, test } from "node:test";
import fc from "fast-check";
import { components, type Layout, type PlannedNode, type Placement } from "../../../components/layouts/layout.ts";
import { mixedLayout, type MixedLayoutArgs } from "../../../components/layouts/mixed.ts";

const word = fc.stringMatching(/^[a-z][a-z0-9]{0,9}$/);
const count = fc.integer({ min: 1, max: 9 });
const args: fc.Arbitrary<MixedLayoutArgs> = fc.record({
  nodes: fc.uniqueArray(fc.record({ name: word, hostname: word }), {
    selector: ({ name }) => name,
    minLength: 1,
    maxLength: 9,
  }),
  nodeLabel: fc.record({ key: word, value: word }),
  nodeTaint: fc.record({
    key: word,
    value: word,
    effect: fc.constantFrom("NoSchedule" as const, "PreferNoSchedule" as const, "NoExecute" as const),
  }),
  replicas: fc.record({
    zookeeper: count,
    bookkeeper: count,
    broker: count,
    proxy: count,
    autorecovery: count,
    toolset: count,
    manager: count,
  }),
});

/** The scheduler's two questions. */
const selects = ({ nodeSelector }: Placement, { labels }: PlannedNode) =>
  Object.entries(nodeSelector).every(([key, value]) => labels[key] === value);
const tolerates = ({ tolerations }: Placement, { taints }: PlannedNode) =>
  taints.every((taint) =>
    tolerations.some((t) => t.key === taint.key && t.value === taint.value && t.effect === taint.effect),
  );

const everyPlacement = (holds: (placement: Placement, layout: Layout, args: MixedLayoutArgs) => void) => {
  fc.assert(
    fc.property(args, (args) => {
      const layout = mixedLayout(args);
      for (const component of components) holds(layout.placements[component], layout, args);
    }),
  );
};

describe("the mixed layout", () => {
  test("marks exactly the nodes of the list, in order, with one label and one taint each", () => {
    fc.assert(
      fc.property(args, (args) => {
        assert.deepEqual(
          mixedLayout(args).nodes,
          args.nodes.map((node) => ({
            ...node,
            labels: { [args.nodeLabel.key]: args.nodeLabel.value },
            taints: [args.nodeTaint],
          })),
        );
      }),
    );
  });

  test("lets every component run on exactly the nodes it names", () => {
    everyPlacement((placement, { nodes }) => {
      const allowed = nodes.filter((node) => selects(placement, node) && tolerates(placement, node));
      assert.deepEqual(
        placement.nodes,
        allowed.map(({ name }) => name),
      );
    });
  });

  test("lets no component run on a node that is not of the list", () => {
    everyPlacement((placement, _layout, { nodes }) => {
      const other: PlannedNode = {
        name: "other",
        hostname: "other",
        labels: { "kubernetes.io/hostname": "other" },
        taints: [],
      };
      assert.equal(selects(placement, other), false);
      assert.deepEqual(
        placement.nodes,
        nodes.map(({ name }) => name),
      );
    });
  });

  test("tolerates nothing but the stack's own taint", () => {
    everyPlacement((placement, _layout, { nodeTaint }) => {
      assert.deepEqual(placement.tolerations, [{ ...nodeTaint, operator: "Equal" }]);
    });
  });

  test("binds the ordinals of ZooKeeper and the bookies to the nodes' order, and spreads brokers and proxies", () => {
    fc.assert(
      fc.property(args, (args) => {
        const rules = Object.entries(mixedLayout(args).placements).map(([component, { rule }]) => [component, rule]);
        assert.deepEqual(Object.fromEntries(rules), {
          zookeeper: "ordinal",
          bookkeeper: "ordinal",
          broker: "spread",
          proxy: "spread",
          autorecovery: "any",
          toolset: "any",
          manager: "any",
          init: "any",
        });
      }),
    );
  });

  test("runs each component as often as asked, and each init Job once", () => {
    fc.assert(
      fc.property(args, (args) => {
        const { placements } = mixedLayout(args);
        const counts = Object.entries(placements).map(([component, { replicas }]) => [component, replicas]);
        assert.deepEqual(Object.fromEntries(counts), { ...args.replicas, init: 1 });
      }),
    );
  });

  test("keeps ordinal i on node i when a node is added at the end", () => {
    fc.assert(
      fc.property(args, word, (args, name) => {
        fc.pre(args.nodes.every((node) => node.name !== name));
        const more = mixedLayout({ ...args, nodes: [...args.nodes, { name, hostname: name }] });
        for (const component of ["zookeeper", "bookkeeper"] as const) {
          const { nodes } = mixedLayout(args).placements[component];
          assert.deepEqual(more.placements[component].nodes.slice(0, nodes.length), nodes);
        }
      }),
    );
  });
});
