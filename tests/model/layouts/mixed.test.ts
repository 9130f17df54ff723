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
    everyPlacement((placement, layout, { nodes }) => {
      const names = nodes.map(({ name }) => name);
      const allowed = layout.nodes.filter((node) => admits(placement, node)).map(({ name }) => name);
      assert.deepEqual([placement.nodes, allowed], [names, names]);
      assert.equal(admits(placement, stranger), false);
    });
  });

  test("tolerates only the stack's own taint", () => {
    everyPlacement((placement, _layout, { nodeTaint }) => {
      assert.deepEqual(placement.tolerations, [{ ...nodeTaint, operator: "Equal" }]);
    });
  });

  test("spreads only brokers and proxies over zones, and only if every node has one", () => {
    everyPlacement(({ rule, overZones }, _layout, { nodes }) => {
      assert.equal(overZones, rule === "spread" && nodes.every(({ zone }) => zone !== undefined));
    });
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
