import assert from "node:assert/strict";
import { describe, test } from "node:test";
import fc from "fast-check";
import { dedicatedLayout, type DedicatedLayoutArgs } from "../../../model/layouts/dedicated.ts";
import { allTolerations, type Component, components, zoneLabel } from "../../../model/layouts/layout.ts";
import { admits, common, nodeList, stranger } from "./support.ts";

type Role = keyof DedicatedLayoutArgs["groups"];

const roleOf = (component: Component): Role =>
  component === "zookeeper" || component === "bookkeeper" ? component : "serving";

/** Names are unique over all groups; the settings check this. */
const groupsOf = (servingNodes: number) =>
  fc
    .record({ zookeeper: nodeList(1), bookkeeper: nodeList(1), serving: nodeList(servingNodes) })
    .map(({ zookeeper, bookkeeper, serving }) => ({
      zookeeper: zookeeper.map((node) => ({ ...node, name: `zk-${node.name}` })),
      bookkeeper: bookkeeper.map((node) => ({ ...node, name: `bk-${node.name}` })),
      serving: serving.map((node) => ({ ...node, name: `sv-${node.name}` })),
    }));
const args: fc.Arbitrary<DedicatedLayoutArgs> = fc.record({ groups: groupsOf(1), ...common });

const everyLayout = (holds: (args: DedicatedLayoutArgs) => void) => {
  fc.assert(fc.property(args, holds));
};

describe("the dedicated layout", () => {
  test("sets the label and taint of each group and the zone on the nodes of the group", () => {
    everyLayout((args) => {
      const { groups, nodeLabel, nodeTaint } = args;
      const expected = (["zookeeper", "bookkeeper", "serving"] as const).flatMap((role) =>
        groups[role].map((node) => ({
          ...node,
          role,
          labels: {
            [nodeLabel.key]: `${nodeLabel.value}-${role}`,
            ...(node.zone === undefined ? {} : { [zoneLabel]: node.zone }),
          },
          taints: [{ ...nodeTaint, value: `${nodeTaint.value}-${role}` }],
        })),
      );
      assert.deepEqual(dedicatedLayout(args).nodes, expected);
    });
  });

  test("runs every component on exactly the nodes of its group", () => {
    everyLayout((args) => {
      const { nodes, placements } = dedicatedLayout(args);
      for (const component of components) {
        const allowed = nodes.filter((node) => admits(placements[component], node));
        const names = args.groups[roleOf(component)].map(({ name }) => name);
        assert.deepEqual(
          allowed.map(({ name }) => name),
          names,
        );
        assert.deepEqual(placements[component].nodes, names);
        assert.equal(admits(placements[component], stranger), false);
      }
    });
  });

  test("without serving nodes, runs all components without data on nodes without taints only", () => {
    fc.assert(
      fc.property(fc.record({ groups: groupsOf(0), ...common }), ({ groups, ...rest }) => {
        const { nodes, placements } = dedicatedLayout({ groups: { ...groups, serving: [] }, ...rest });
        for (const component of components.filter((component) => roleOf(component) === "serving")) {
          assert.deepEqual(placements[component].nodes, []);
          assert.equal(placements[component].overZones, false);
          assert.ok(admits(placements[component], stranger));
          assert.ok(!nodes.some((node) => admits(placements[component], node)));
        }
      }),
    );
  });

  test("pins ZooKeeper and the bookies to their nodes, and spreads brokers and proxies, over zones if all nodes have one", () => {
    everyLayout((args) => {
      const { placements } = dedicatedLayout(args);
      const zoned = args.groups.serving.every(({ zone }) => zone !== undefined);
      const rules = Object.entries(placements).map(([component, { rule, overZones }]) => [
        component,
        [rule, overZones],
      ]);
      assert.deepEqual(Object.fromEntries(rules), {
        zookeeper: ["ordinal", false],
        bookkeeper: ["ordinal", false],
        broker: ["spread", zoned],
        proxy: ["spread", zoned],
        autorecovery: ["any", false],
        toolset: ["any", false],
        manager: ["any", false],
        init: ["any", false],
      });
    });
  });

  test("runs each component with its replicas, and each init Job once", () => {
    everyLayout((args) => {
      const { placements } = dedicatedLayout(args);
      const counts = Object.entries(placements).map(([component, { replicas }]) => [component, replicas]);
      assert.deepEqual(Object.fromEntries(counts), { ...args.replicas, init: 1 });
    });
  });

  test("keeps every pod on its node when nodes are appended to any group", () => {
    fc.assert(
      fc.property(args, groupsOf(1), (args, { zookeeper, bookkeeper, serving }) => {
        const later = (nodes: typeof serving) => nodes.map((node) => ({ ...node, name: `later-${node.name}` }));
        const more = dedicatedLayout({
          ...args,
          groups: {
            zookeeper: [...args.groups.zookeeper, ...later(zookeeper)],
            bookkeeper: [...args.groups.bookkeeper, ...later(bookkeeper)],
            serving: [...args.groups.serving, ...later(serving)],
          },
        });
        const before = dedicatedLayout(args);
        for (const component of components) {
          const { nodes, ...placement } = before.placements[component];
          const { nodes: now, ...other } = more.placements[component];
          assert.deepEqual(now.slice(0, nodes.length), nodes);
          assert.deepEqual([other.nodeSelector, other.tolerations], [placement.nodeSelector, placement.tolerations]);
        }
        for (const node of before.nodes)
          assert.deepEqual(
            more.nodes.find(({ name }) => name === node.name),
            node,
          );
      }),
    );
  });

  test("has one toleration for each taint", () => {
    everyLayout((args) => {
      const layout = dedicatedLayout(args);
      const everywhere = { ...layout.placements.init, nodeSelector: {}, tolerations: allTolerations(layout) };
      assert.ok(layout.nodes.every((node) => admits(everywhere, node)));
      assert.equal(everywhere.tolerations.length, 3);
    });
  });
});
