import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { componentOf, placementProblems } from "../../../rehearsal/report/placement.ts";
import type { PodView } from "../../../rehearsal/cluster/observe.ts";
import { layout, pod, running } from "../seen.ts";

/** The running stack with one changed pod. */
function withPod(name: string, over: Partial<PodView>): PodView[] {
  return running().pods.map((one) => (one.name === name ? { ...one, ...over } : one));
}

describe("placementProblems", () => {
  it("finds nothing if everything is where planned", () => {
    assert.deepEqual(placementProblems(running().pods, layout, true), []);
  });

  it("requires ordinals on their nodes", () => {
    const pods = withPod("pulsar-bookie-0", { node: "node2" });
    assert.deepEqual(placementProblems(pods, layout, true), ["pulsar-bookie-0 is on node2; planned: node1"]);
  });

  it("requires one pod on each node for spread components", () => {
    const pods = withPod("pulsar-broker-0", { node: "node2" });
    assert.deepEqual(placementProblems(pods, layout, true), [
      "pulsar-broker-0 and pulsar-broker-1 are all on node2; planned: one on each node",
    ]);
  });

  it("requires all pods on the stack's nodes, including those of the init Jobs", () => {
    assert.deepEqual(placementProblems(withPod("pulsar-toolset-0", { node: "other" }), layout, true), [
      "pulsar-toolset-0 is on other; planned: node1, node2 or node3",
    ]);
    assert.deepEqual(placementProblems(withPod("pulsar-bookie-init-abcde", { node: "other" }), layout, true), [
      "pulsar-bookie-init-abcde is on other; planned: node1, node2 or node3",
    ]);
  });

  it("requires the stack's own Jobs on the nodes of the init Jobs, in any number", () => {
    for (const component of ["bookie-racks", "smoke-test", "manager-setup"]) {
      const runs = ["node1", "node1", "other"].map((node, i) => pod(`pulsar-${component}-${i}`, { component, node }));
      assert.deepEqual(placementProblems([...running().pods, ...runs], layout, true), [
        `pulsar-${component}-2 is on other; planned: node1, node2 or node3`,
      ]);
    }
  });

  it("reports too many pods always, too few only after the deployment", () => {
    const fourth = [...running().pods, pod("pulsar-bookie-3", { component: "bookie" })];
    assert.deepEqual(placementProblems(fourth, layout, false), ["bookkeeper: 4 pods; planned: 3"]);
    const two = running().pods.filter(({ name }) => name !== "pulsar-proxy-2");
    assert.deepEqual(placementProblems(two, layout, true), ["proxy: 2 pods; planned: 3"]);
    assert.deepEqual(placementProblems(two, layout, false), []);
  });

  it("requires components without nodes outside the layout", () => {
    const anywhere = { ...layout.placements.toolset, nodes: [] };
    const free = { ...layout, placements: { ...layout.placements, toolset: anywhere } };
    assert.deepEqual(placementProblems(withPod("pulsar-toolset-0", { node: "other-1" }), free, true), []);
    assert.deepEqual(placementProblems(running().pods, free, true), [
      "pulsar-toolset-0 is on node3; planned: a node outside the stack",
    ]);
  });

  it("requires an even spread over zones if it is planned", () => {
    const zones = ["a", "b", "b"];
    const zoned = {
      nodes: layout.nodes.map((node, i) => ({ ...node, zone: zones[i] })),
      placements: { ...layout.placements, proxy: { ...layout.placements.proxy, overZones: true } },
    };
    assert.deepEqual(placementProblems(running().pods, zoned, true), []);
    const crowded = withPod("pulsar-proxy-0", { node: undefined });
    assert.deepEqual(placementProblems(crowded, zoned, true), [
      "proxy: 0 in a, 2 in b; planned: at most one more in one zone than in another",
    ]);
  });

  it("ignores pods without a node and those outside the chart", () => {
    const pods = [
      ...withPod("pulsar-zookeeper-1", { node: undefined }),
      pod("pulsar-directories-x", { node: "other" }),
    ];
    assert.deepEqual(placementProblems(pods, layout, true), []);
  });
});

describe("componentOf", () => {
  it("knows the chart's labels", () => {
    assert.equal(componentOf("recovery"), "autorecovery");
    assert.equal(componentOf("pulsar-init"), "init");
    assert.equal(componentOf("pulsar-manager-init"), "init");
    assert.equal(componentOf("pulsar-manager"), "manager");
    assert.equal(componentOf("grafana"), undefined);
    assert.equal(componentOf(undefined), undefined);
  });
});
