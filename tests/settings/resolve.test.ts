import assert from "node:assert/strict";
import { describe, mock, test } from "node:test";
import * as pulumi from "@pulumi/pulumi";
import { parseSettings, stackSettings } from "../../settings/settings.ts";
import { nodeSizesOf } from "../../settings/resolve.ts";
import { schema } from "../../settings/schema.ts";
import { groups, nodes } from "../support/nodeGroups.ts";
import { register } from "../support/mocks.ts";
import { stackConfig } from "../support/stackFile.ts";

const parsed = (stack: string, changes: Record<string, unknown> = {}) =>
  parseSettings(stackConfig(stack, changes), stack, false);

describe("defaults", () => {
  test("have the reference deployment's numbers in the mixed layout, whatever the number of nodes", () => {
    const { replicas, ledgers, production } = parsed("test", {
      "pulsar:nodes": nodes("node1", "node2", "node3", "node4", "node5"),
    });
    const others = { broker: 3, proxy: 3, autorecovery: 1, toolset: 1, manager: 1 };
    assert.deepEqual(replicas, { zookeeper: 3, bookkeeper: 3, ...others });
    assert.deepEqual(ledgers, { ensemble: 2, write: 2, ack: 2 });
    assert.equal(production, false);
  });

  test("run ZooKeeper and a bookie on each of their nodes in the dedicated layout, with one more copy", () => {
    const { replicas, ledgers, production } = parsed("prod");
    const others = { broker: 3, proxy: 3, autorecovery: 1, toolset: 1, manager: 1 };
    assert.deepEqual(replicas, { zookeeper: 3, bookkeeper: 4, ...others });
    assert.deepEqual(ledgers, { ensemble: 3, write: 3, ack: 2 });
    assert.equal(production, true);
  });

  test("have no Ingress, and the manager's login admin with a secret password", async () => {
    const { ingress, managerLogin } = parsed("test");
    assert.equal(ingress, undefined);
    assert.equal(managerLogin.user, "admin");
    assert.ok(await pulumi.isSecret(managerLogin.password));
    assert.equal(parsed("test", { "pulsar:manager": { user: "root" } }).managerLogin.user, "root");
  });

  test("are replaced one by one", () => {
    const { replicas, ledgers } = parsed("prod", {
      "pulsar:replicas": { bookkeeper: 3, toolset: 2 },
      "pulsar:ledgers": { ack: 3 },
    });
    assert.deepEqual([replicas.zookeeper, replicas.bookkeeper, replicas.toolset], [3, 3, 2]);
    assert.deepEqual(ledgers, { ensemble: 3, write: 3, ack: 3 });
  });
});

describe("images", () => {
  const manager = { repository: "apachepulsar/pulsar-manager", tag: "v0.2.0" };

  test("are by default those of the chart version", () => {
    const { images } = parsed("test", { "pulsar:registry": "", "pulsar:images": { pullSecret: "regsecret" } });
    assert.deepEqual(images.pulsar, { repository: "apachepulsar/pulsar-all", tag: "2.7.4" });
    assert.deepEqual(images.manager, manager);
  });

  test("are all in the stack's registry, also those that the settings name", () => {
    const { images } = parsed("test", {
      "pulsar:registry": "localhost:5000",
      "pulsar:images": { pulsar: "mine/pulsar:2.7.5", pullSecret: "regsecret" },
    });
    assert.deepEqual(images.pulsar, { repository: "localhost:5000/mine/pulsar", tag: "2.7.5" });
    assert.deepEqual(images.manager, { ...manager, repository: `localhost:5000/${manager.repository}` });
  });

  test("may name registries if the stack has none", () => {
    const { images } = parsed("test", {
      "pulsar:registry": "",
      "pulsar:images": { pulsar: "quay.io/a/pulsar:2.7.4", pullSecret: "regsecret" },
    });
    assert.deepEqual(images.pulsar, { repository: "quay.io/a/pulsar", tag: "2.7.4" });
  });
});

describe("nodes", () => {
  test("have the CPU and memory of their group, unless they have their own", () => {
    const bookies = [{ name: "bk-1" }, { name: "bk-2", cpu: "7500m" }, { name: "bk-3", memory: "32Gi" }];
    const { nodeGroups } = parsed("prod", { "pulsar:nodeGroups": groups({ bookkeeper: { nodes: bookies } }) });
    assert.deepEqual(
      nodeGroups.bookkeeper.map(({ name, hostname, cpu, memory }) => [name, hostname, cpu, memory]),
      [
        ["bk-1", "bk-1", "16", "64Gi"],
        ["bk-2", "bk-2", "7500m", "64Gi"],
        ["bk-3", "bk-3", "16", "32Gi"],
      ],
    );
  });

  test("are listed in the order of their groups", () => {
    const names = parsed("prod").nodes.map(({ name }) => name);
    assert.deepEqual(names, ["zk-1", "zk-2", "zk-3", "bk-1", "bk-2", "bk-3", "bk-4", "sv-1", "sv-2", "sv-3"]);
  });

  const other: [title: string, stack: string, changes: Record<string, unknown>, expected: object][] = [
    ["no others by default", "prod", {}, { count: 0 }],
    ["one other if the cluster has others", "test", { "pulsar:clusterHasOtherNodes": true }, { count: 1 }],
    [
      "the untainted serving nodes, with their size",
      "prod",
      { "pulsar:nodeGroups": groups({ serving: { nodes: [], untainted: 5 } }), "pulsar:clusterHasOtherNodes": true },
      { count: 5, cpu: "16", memory: "64Gi" },
    ],
  ];
  for (const [title, stack, changes, expected] of other) {
    test(title, () => {
      assert.deepEqual(parsed(stack, changes).otherNodes, expected);
    });
  }
});

describe("the smallest node of a role", () => {
  const sizes = (changes: Parameters<typeof groups>[0]) => {
    const { layout, nodeGroups } = schema.shape;
    return nodeSizesOf({
      layout: layout.parse("dedicated"),
      nodes: [],
      nodeGroups: nodeGroups.parse(groups(changes)),
    });
  };

  test("has the least CPU and the least memory, by amount", () => {
    const bookies = [
      { name: "bk-1", cpu: "9", memory: "900Gi" },
      { name: "bk-2", cpu: "16000m", memory: "1Ti" },
      { name: "bk-3", cpu: 10, memory: "950000M" },
    ];
    assert.deepEqual(sizes({ bookkeeper: { nodes: bookies } }).bookkeeper, { cpu: "9", memory: "950000M" });
  });

  test("is unknown if one of them is", () => {
    const bookies = [
      { name: "bk-1", cpu: 8, memory: "64Gi" },
      { name: "bk-2", cpu: 8 },
    ];
    const { bookkeeper } = sizes({ bookkeeper: { nodes: bookies, cpu: undefined, memory: undefined } });
    assert.deepEqual(bookkeeper, { cpu: "8", memory: undefined });
  });

  test("is an untainted one if the serving nodes are not listed", () => {
    const { serving } = sizes({ serving: { nodes: [], untainted: 3, cpu: 8, memory: "32Gi" } });
    assert.deepEqual(serving, { cpu: "8", memory: "32Gi" });
  });
});

describe("a preview", () => {
  async function warnings(stack: string, changes: Record<string, unknown>): Promise<string[]> {
    const { values, encrypted } = stackConfig(stack, changes);
    // Without an engine the SDK writes what it logs to the console.
    const warn = mock.method(console, "warn", () => undefined);
    try {
      await register(() => {
        pulumi.runtime.setAllConfig({ ...values }, [...encrypted]);
        stackSettings();
      });
      return warn.mock.calls.map(({ arguments: [text] }) => String(text));
    } finally {
      warn.mock.restore();
    }
  }

  test("warns about the dedicated layout without production's protection", async () => {
    const [warning = "", ...others] = await warnings("prod", { "pulsar:environment": "test" });
    assert.match(warning, /pulsar:environment is test: nothing of this stack is protected/);
    assert.deepEqual(others, []);
  });

  test("does not warn otherwise", async () => {
    assert.deepEqual(await warnings("prod", {}), []);
    assert.deepEqual(await warnings("test", { "pulsar:environment": "test" }), []);
  });
});

describe("the chart line", () => {
  const chart = (version?: string) => ({ "pulsar:chart": version === undefined ? {} : { version } });

  test("is by default the current one", () => {
    assert.equal(parsed("test", chart()).chart.version, "4.7.0");
  });

  test("gives the manager a role of its own: line 4 by default, line 2.7 only if it is set", () => {
    assert.equal(parsed("test", chart("4.7.0")).tokens.roles.manager, "manager-admin");
    assert.equal("manager" in parsed("test", chart("2.7.7")).tokens.roles, false);
    const roles = { "pulsar:tokens": { roles: { manager: "ui" } } };
    for (const version of ["4.7.0", "2.7.7"]) {
      assert.equal(parsed("test", { ...chart(version), ...roles }).tokens.roles.manager, "ui", version);
    }
  });
});
