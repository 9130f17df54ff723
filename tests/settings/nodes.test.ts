import assert from "node:assert/strict";
import { describe, test } from "node:test";
import fc from "fast-check";
import { parseSettings } from "../../settings/settings.ts";
import { type Cases, faults, hasOneFault } from "../support/faults.ts";
import { committed, groups, nodes, zoned } from "../support/nodeGroups.ts";
import { stackConfig } from "../support/stackFile.ts";

type Changes = Record<string, unknown>;

const inGroups = (changes: Parameters<typeof groups>[0]): Changes => ({ "pulsar:nodeGroups": groups(changes) });
const untainted = { nodes: [], cpu: 16, memory: "64Gi", untainted: 2 };
const longName = `${"node-".repeat(13)}1`;

const mixed: Cases = {
  "pulsar:nodes: is empty; list at least one node": { "pulsar:nodes": undefined },
  "pulsar:nodeGroups: lists nodes for bookkeeper, serving, which the mixed layout does not use; list the nodes in pulsar:nodes instead":
    { "pulsar:nodeGroups": { bookkeeper: { nodes: nodes("bk-1") }, serving: { nodes: nodes("sv-1") } } },
  'pulsar:nodes[2].name: "node1" is also the name of nodes[0]; give each node its own name': {
    "pulsar:nodes": nodes("node1", "node2", "node1", "node4"),
  },
  'pulsar:nodes[2].hostname: "node1" is also the host name of nodes[0]; use the node': {
    "pulsar:nodes": [...nodes("node1", "node2"), { name: "node3", hostname: "node1" }],
  },
  [`pulsar:nodes[2].name: "${longName}" is longer than a label may be (63 characters); set hostname`]: {
    "pulsar:nodes": nodes("node1", "node2", longName),
  },
  "pulsar:replicas.bookkeeper: 4 exceeds the number of nodes (3), and each node runs one at most; use 3 or less, or add nodes to pulsar:nodes":
    { "pulsar:replicas": { bookkeeper: 4 } },
  "pulsar:replicas.zookeeper: 2 is even, so it tolerates no more failures than 1; use an odd number": {
    "pulsar:replicas": { zookeeper: 2 },
  },
  "pulsar:nodes: has no zone for node-2; set the zone of every node of the list, or of none": {
    "pulsar:nodes": [...zoned("node", "ab"), { name: "node-2" }],
  },
  "pulsar:nodes: places 2 of 3 ZooKeeper pods in zone a, whose loss would cost the majority; place 1 at most in one zone":
    { "pulsar:nodes": zoned("node", "aabcd") },
  "pulsar:replicas.broker: 4 cannot be spread evenly over zones of 3, 1 nodes, which differ by one pod at most; use 3 or less, or add nodes to the smallest zone":
    { "pulsar:nodes": zoned("node", "abaa"), "pulsar:replicas": { broker: 4 } },
  "pulsar:ledgers.ensemble: 4 exceeds the number of bookies (3), so no ledger could be opened; use 3 or less, or add bookies":
    { "pulsar:ledgers": { ensemble: 4 } },
  "pulsar:ledgers.write: 3 exceeds ledgers.ensemble (2 by default), and each entry goes to bookies of the ensemble; use 2 or less, or raise ledgers.ensemble":
    { "pulsar:ledgers": { write: 3 } },
  "pulsar:ledgers.ack: 3 exceeds ledgers.write (2 by default), so no write would ever be acknowledged; use 2 or less, or raise ledgers.write":
    {
      "pulsar:ledgers": { ack: 3 },
    },
  "pulsar:pods.broker: heap 1Gi and direct 1024Mi leave no room in the container's 2Gi; use less, or raise limits.memory":
    { "pulsar:pods": { broker: { limits: { memory: "2Gi" }, heap: "1Gi", direct: "1024Mi" } } },
  "pulsar:pods.zookeeper: heap 1024Mi and direct 256Mi leave no room in the container's 1Gi; use less, or raise limits.memory":
    { "pulsar:pods": { zookeeper: { requests: { memory: "1Gi" }, heap: "1024Mi" } } },
  "pulsar:pods.proxy.requests.cpu: 2 exceeds the limit (1500m); use 1500m or less": {
    "pulsar:pods": { proxy: { requests: { cpu: 2 }, limits: { cpu: "1500m" } } },
  },
  "pulsar:volumes.directories.bookie-ledgers: /mnt/bookie on node1 overlaps /mnt/bookie, which holds the bookie-journal of bookie-0; use a separate directory":
    { "pulsar:volumes": { directories: { "bookie-journal": "/mnt/bookie", "bookie-ledgers": "/mnt/bookie" } } },
  "pulsar:nodes[2].directories.zookeeper-data: /home/pulsar on node3 overlaps /home/pulsar/data/bookie-data/journal, which holds the bookie-journal of bookie-2; ":
    {
      "pulsar:nodes": [
        ...nodes("node1", "node2"),
        { name: "node3", directories: { "zookeeper-data": "/home/pulsar" } },
      ],
    },
};

const dedicated: Cases = {
  "pulsar:nodes: lists nodes (2), which the dedicated layout does not use; list the nodes in pulsar:nodeGroups instead":
    { "pulsar:nodes": nodes("node1", "node2") },
  "pulsar:nodeGroups.zookeeper.nodes: is empty; list at least one node": inGroups({ zookeeper: { nodes: [] } }),
  "pulsar:nodeGroups.bookkeeper.nodes: is empty; list at least one node": inGroups({ bookkeeper: { nodes: [] } }),
  "pulsar:nodeGroups.serving: has no node for brokers and proxies; list their nodes (nodes), or set the number of":
    inGroups({ serving: { nodes: [] } }),
  "pulsar:nodeGroups.serving.untainted: 3 is set although the serving nodes are listed; remove it": inGroups({
    serving: { untainted: 3 },
  }),
  'pulsar:nodeGroups.bookkeeper.nodes[4].name: "bk-2" is also the name of nodeGroups.bookkeeper.nodes[1]; give each node its own name':
    inGroups({ bookkeeper: { nodes: [...committed.bookkeeper.nodes, { name: "bk-2", zone: "b" }] } }),
  'pulsar:nodeGroups.bookkeeper.nodes[4].name: "zk-3" is also the name of nodeGroups.zookeeper.nodes[2]; put each node into one group only':
    inGroups({ bookkeeper: { nodes: [...committed.bookkeeper.nodes, { name: "zk-3", zone: "c" }] } }),
  'pulsar:nodeGroups.bookkeeper.nodes[4].hostname: "zk-1" is also the host name of nodeGroups.zookeeper.nodes[0]; use the node':
    inGroups({ bookkeeper: { nodes: [...committed.bookkeeper.nodes, { name: "bk-5", hostname: "zk-1", zone: "b" }] } }),
  "pulsar:replicas.zookeeper: 5 exceeds the number of nodes (3), and each node runs one at most; use 3 or less, or add nodes to pulsar:nodeGroups.zookeeper":
    { "pulsar:replicas": { zookeeper: 5 } },
  "pulsar:replicas.bookkeeper: 5 exceeds the number of nodes (4), and each node runs one at most; use 4 or less, or add nodes to pulsar:nodeGroups.bookkeeper":
    { "pulsar:replicas": { bookkeeper: 5 } },
  "pulsar:replicas.broker: 4 exceeds the number of nodes (3), and each node runs one at most; use 3 or less, or add nodes to pulsar:nodeGroups.serving":
    { "pulsar:replicas": { broker: 4 } },
  "pulsar:replicas.proxy: 3 exceeds the number of nodes (2), and each node runs one at most; use 2 or less, or add nodes to pulsar:nodeGroups.serving":
    { ...inGroups({ serving: untainted }), "pulsar:replicas": { broker: 2 } },
  "pulsar:replicas.proxy: 5 cannot be spread evenly over zones of 4, 1, 1 nodes, which differ by one pod at most; use 4 or less, or add nodes to the smallest zone":
    { ...inGroups({ serving: { nodes: zoned("sv", "aaaabc") } }), "pulsar:replicas": { proxy: 5 } },
  "pulsar:replicas.zookeeper: 4 is even, so it tolerates no more failures than 3; use an odd number": inGroups({
    zookeeper: { nodes: zoned("zk", "abcd") },
  }),
  "pulsar:replicas.zookeeper: 1 does not tolerate the loss of a node; use 3 or more in the dedicated layout": inGroups({
    zookeeper: { nodes: zoned("zk", "a") },
  }),
  "pulsar:nodeGroups.bookkeeper.nodes: has no zone for bk-5, bk-6; set the zone of every node of the list, or of none":
    inGroups({ bookkeeper: { nodes: [...committed.bookkeeper.nodes, ...nodes("bk-5", "bk-6")] } }),
  "pulsar:nodeGroups.zookeeper.nodes: places 3 of 5 ZooKeeper pods in zone b, whose loss would cost the majority; place 2 at most in one zone":
    inGroups({ zookeeper: { nodes: zoned("zk", "abbbc") } }),
  "pulsar:ledgers.ensemble: 3 (the default) exceeds the number of bookies (2), so no ledger could be opened; use 2 or less, or add bookies":
    inGroups({ bookkeeper: { nodes: zoned("bk", "ab") } }),
  "pulsar:pods.bookkeeper: heap 40Gi and direct 16640Mi leave no room in the container's 55680Mi; use less, or raise limits.memory":
    { "pulsar:pods": { bookkeeper: { heap: "40Gi" } } },
  "pulsar:pods.broker.requests.memory: 9Gi exceeds the limit (8Gi); use 8Gi or less": {
    "pulsar:pods": { broker: { requests: { memory: "9Gi" }, limits: { memory: "8Gi" } } },
  },
  "pulsar:volumes.directories.bookie-ledgers: /mnt/ledgers on bk-1 overlaps /mnt/ledgers/journal, which holds the bookie-journal of bookie-0; ":
    {
      "pulsar:volumes": { directories: { "bookie-journal": "/mnt/ledgers/journal", "bookie-ledgers": "/mnt/ledgers" } },
    },
};

for (const [stack, layout, cases] of [
  ["test", "mixed", mixed],
  ["prod", "dedicated", dedicated],
] as const) {
  describe(`one fault in the ${layout} layout:`, () => {
    for (const [fault, changes] of Object.entries(cases)) {
      test(fault, () => {
        hasOneFault(stackConfig(stack, changes), fault);
      });
    }
  });
}

describe("no fault for", () => {
  const accepted: [title: string, stack: string, changes: Changes][] = [
    ["two zones, one with ZooKeeper's majority", "prod", inGroups({ zookeeper: { nodes: zoned("zk", "aab") } })],
    [
      "a long name with a hostname",
      "test",
      { "pulsar:nodes": [...nodes("node1", "node2"), { name: longName, hostname: "node3" }] },
    ],
    ["nodes without zones", "prod", inGroups({ zookeeper: { nodes: nodes("zk-1", "zk-2", "zk-3") } })],
    [
      "directories with a common beginning",
      "test",
      {
        "pulsar:volumes": {
          directories: { "zookeeper-data": "/mnt/abc", "bookie-journal": "/mnt/a", "bookie-ledgers": "/mnt/ab" },
        },
      },
    ],
    [
      "a spare node for ZooKeeper",
      "prod",
      { ...inGroups({ zookeeper: { nodes: zoned("zk", "abca") } }), "pulsar:replicas": { zookeeper: 3 } },
    ],
    [
      "as many proxies as the zones hold",
      "prod",
      { ...inGroups({ serving: { nodes: zoned("sv", "aaaabc") } }), "pulsar:replicas": { proxy: 4 } },
    ],
    ["untainted nodes of the cluster", "prod", inGroups({ serving: { ...untainted, untainted: 3 } })],
    ["a limit below the derived one", "prod", { "pulsar:pods": { broker: { limits: { cpu: 2, memory: "8Gi" } } } }],
  ];
  for (const [title, stack, changes] of accepted) {
    test(title, () => {
      parseSettings(stackConfig(stack, changes), stack, false);
    });
  }
});

test("every setting that puts two volumes into one directory is reported once for all nodes", () => {
  const config = stackConfig("test", {
    "pulsar:nodes": [
      ...nodes("node1", "node2"),
      { name: "node3", directories: { "zookeeper-data": "/mnt/journal/x", "bookie-ledgers": "/home/pulsar/data" } },
    ],
    "pulsar:volumes": { directories: { "bookie-journal": "/mnt/journal", "bookie-ledgers": "/mnt" } },
  });
  assert.deepEqual(
    faults(config).map((line) => line.slice(0, line.indexOf(";"))),
    [
      "pulsar:volumes.directories.bookie-journal: /mnt/journal on node3 overlaps /mnt/journal/x, which holds the zookeeper-data of zookeeper-2",
      "pulsar:volumes.directories.bookie-ledgers: /mnt on node1 overlaps /mnt/journal, which holds the bookie-journal of bookie-0",
    ],
  );
});

test("a repeated node is reported together with an invalid setting", () => {
  const config = stackConfig("test", { "pulsar:nodes": nodes("node1", "node1"), "pulsar:replicas": { broker: 0 } });
  assert.deepEqual(
    faults(config).map((line) => line.slice(0, line.indexOf(": "))),
    ["pulsar:replicas.broker", "pulsar:nodes[1].name"],
  );
});

test("production accepts further bookies in any zone and on nodes of any size", () => {
  const added = fc.array(
    fc.record({
      zone: fc.constantFrom("a", "b", "c", "d"),
      rack: fc.option(fc.constantFrom("r1", "/r2"), { nil: undefined }),
      cpu: fc.option(fc.integer({ min: 1, max: 128 }), { nil: undefined }),
      memory: fc.option(
        fc.integer({ min: 2, max: 1024 }).map((gibi) => `${gibi}Gi`),
        { nil: undefined },
      ),
    }),
    { minLength: 1, maxLength: 20 },
  );
  fc.assert(
    fc.property(added, (more) => {
      const named = more.map((node, i) => ({ name: `bk-${committed.bookkeeper.nodes.length + 1 + i}`, ...node }));
      const changes = inGroups({ bookkeeper: { nodes: [...committed.bookkeeper.nodes, ...named] } });
      const { replicas } = parseSettings(stackConfig("prod", changes), "prod", false);
      assert.equal(replicas.bookkeeper, committed.bookkeeper.nodes.length + more.length);
    }),
    { numRuns: 50 },
  );
});
