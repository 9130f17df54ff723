import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { mixedLayout } from "../../model/layouts/mixed.ts";
import { NodePlan, placementTable } from "../../components/nodePlan.ts";
import { named, register, registerOne } from "../support/mocks.ts";

const layout = mixedLayout({
  nodes: [
    { name: "node1", hostname: "host1", zone: "a", rack: "r1" },
    { name: "node2", hostname: "host2", zone: "b" },
  ],
  nodeLabel: { key: "node-role.kubernetes.io/pulsar", value: "pulsar" },
  nodeTaint: { key: "dedicated", value: "pulsar", effect: "NoSchedule" },
  replicas: { zookeeper: 2, bookkeeper: 2, broker: 1, proxy: 2, autorecovery: 1, toolset: 1, manager: 1 },
});
const cluster = { context: "test" };
const owner = "organization/pulsar/test";

describe("NodePlan", () => {
  test("labels and taints each node of the layout, and registers nothing else", async () => {
    const registered = await register(() => new NodePlan("nodes", { layout, cluster, owner }));
    assert.deepEqual(
      registered.map(({ type, name, parent }) => ({ type, name, parent })),
      [
        { type: "pulsar:components:NodePlan", name: "nodes", parent: undefined },
        { type: "pulumi-nodejs:dynamic/pulsar:NodeMarks", name: "nodes-marks-node1", parent: "nodes" },
        { type: "pulumi-nodejs:dynamic/pulsar:NodeMarks", name: "nodes-marks-node2", parent: "nodes" },
      ].sort((a, b) => (`${a.type} ${a.name}` < `${b.type} ${b.name}` ? -1 : 1)),
    );
    const { __provider, ...inputs } = named(registered, "nodes-marks-node2").inputs;
    assert.equal(typeof __provider, "string");
    assert.deepEqual(inputs, {
      cluster,
      owner,
      node: "node2",
      labels: { "node-role.kubernetes.io/pulsar": "pulsar", "pulsar-stack/zone": "b" },
      taints: [{ key: "dedicated", value: "pulsar", effect: "NoSchedule" }],
    });
  });

  test("provides its table and the marks of each node as plain data", async () => {
    const { made: plan } = await registerOne(() => new NodePlan("nodes", { layout, cluster, owner }), {
      preview: true,
    });
    assert.deepEqual(plan.table, placementTable(layout));
    assert.deepEqual([...plan.marks.keys()], ["node1", "node2"]);
  });

  test("has one row for each component", () => {
    const table = placementTable(layout);
    assert.deepEqual(table[0], { component: "zookeeper", replicas: 2, nodes: ["node1", "node2"], rule: "ordinal" });
    assert.deepEqual(
      table.map(({ component }) => component),
      ["zookeeper", "bookkeeper", "broker", "proxy", "autorecovery", "toolset", "manager", "init"],
    );
  });
});
