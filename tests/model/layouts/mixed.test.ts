import assert from "node:assert/strict";
import { describe, test } from "node:test";
import fc from "fast-check";
import { components, type Layout, type Placement, zoneLabel } from "../../../model/layouts/layout.ts";
import { mixedLayout, type MixedLayoutArgs } from "../../../model/layouts/mixed.ts";
import { admits, common, nodeList, stranger, word } from "./support.ts";

const args: fc.Arbitrary<MixedLayoutArgs> = fc.record({ nodes: nodeList(1), ...common });

const everyPlacement = (holds: (placement: Placement, layout: Layout, args: MixedLayoutArgs) => void) => {
  fc.assert(
    fc.property(args, (args) => {
      const layout = mixedLayout(args);
      for (const component of components) holds(layout.placements[component], layout, args);
    }),
  );
};

describe("the mixed layout", () => {
  test("sets one label, the zone and one taint on exactly the listed nodes, in order", () => {
    fc.assert(
      fc.property(args, (args) => {
        assert.deepEqual(
          mixedLayout(args).nodes,
          args.nodes.map((node) => ({
            ...node,
            role: "everything",
            labels: {
              [args.nodeLabel.key]: args.nodeLabel.value,
              ...(node.zone === undefined ? {} : { [zoneLabel]: node.zone }),
            },
            taints: [args.nodeTaint],
          })),
        );
      }),
    );
  });

  test("runs every component on exactly the listed nodes", () => {
    everyPlacement((placement, { nodes }) => {
      const allowed = nodes.filter((node) => admits(placement, node));
      assert.deepEqual(
        placement.nodes,
        allowed.map(({ name }) => name),
      );
    });
  });

  test("runs no component on other nodes", () => {
    everyPlacement((placement, _layout, { nodes }) => {
      assert.equal(admits(placement, stranger), false);
      assert.deepEqual(
        placement.nodes,
        nodes.map(({ name }) => name),
      );
    });
  });

  test("tolerates only the stack's own taint", () => {
    everyPlacement((placement, _layout, { nodeTaint }) => {
      assert.deepEqual(placement.tolerations, [{ ...nodeTaint, operator: "Equal" }]);
    });
  });

  test("pins the ordinals of ZooKeeper and the bookies to the order of the nodes, and spreads brokers and proxies", () => {
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

  test("spreads only brokers and proxies over zones, and only if every node has one", () => {
    everyPlacement(({ rule, overZones }, _layout, { nodes }) => {
      assert.equal(overZones, rule === "spread" && nodes.every(({ zone }) => zone !== undefined));
    });
  });

  test("runs each component with its replicas, and each init Job once", () => {
    fc.assert(
      fc.property(args, (args) => {
        const { placements } = mixedLayout(args);
        const counts = Object.entries(placements).map(([component, { replicas }]) => [component, replicas]);
        assert.deepEqual(Object.fromEntries(counts), { ...args.replicas, init: 1 });
      }),
    );
  });

  test("keeps ordinal i on node i when a node is appended", () => {
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
