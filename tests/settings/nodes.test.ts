import assert from "node:assert/strict";
import { describe, test } from "node:test";
import fc from "fast-check";
import { parseSettings } from "../../settings/settings.ts";
import { faults, hasOneFault } from "../support/faults.ts";
import { committed, groups, nodes, zoned } from "../support/nodeGroups.ts";
import { stackConfig } from "../support/stackFile.ts";

type Changes = Record<string, unknown>;
type Case = [title: string, changes: Changes, expected: string];

const inGroups = (changes: Parameters<typeof groups>[0]): Changes => ({ "pulsar:nodeGroups": groups(changes) });
const untainted = { nodes: [], cpu: 16, memory: "64Gi", untainted: 2 };
const longName = `${"node-".repeat(13)}1`;

const mixed: Case[] = [
  ["no nodes", { "pulsar:nodes": undefined }, "pulsar:nodes: found []; allowed: at least one node"],
  [
    "nodes of the dedicated layout",
    { "pulsar:nodeGroups": { bookkeeper: { nodes: nodes("bk-1") }, serving: { nodes: nodes("sv-1") } } },
    "pulsar:nodeGroups: found nodes for bookkeeper, serving; allowed: none with pulsar:layout mixed: its nodes are in pulsar:nodes",
  ],
  [
    "a node twice",
    { "pulsar:nodes": nodes("node1", "node2", "node1", "node4") },
    'pulsar:nodes[2].name: found "node1"; allowed: a name that no other node has (nodes[0] has it)',
  ],
  [
    "a host name twice",
    { "pulsar:nodes": [...nodes("node1", "node2"), { name: "node3", hostname: "node1" }] },
    'pulsar:nodes[2].hostname: found "node1"; allowed: a label that no other node has (nodes[0] has it)',
  ],
  [
    "a name that is no label's value, without hostname",
    { "pulsar:nodes": nodes("node1", "node2", longName) },
    `pulsar:nodes[2].name: found "${longName}"; allowed: 63 characters at most, or hostname`,
  ],
  [
    "fewer nodes than bookies",
    { "pulsar:replicas": { bookkeeper: 4 } },
    "pulsar:replicas.bookkeeper: found 4 on 3 nodes; allowed: at most one a node: add nodes to pulsar:nodes, or ask for 3 at most",
  ],
  [
    "an even number of ZooKeepers",
    { "pulsar:replicas": { zookeeper: 2 } },
    "pulsar:replicas.zookeeper: found 2; allowed: an odd number: an even one bears no more losses than one less",
  ],
  [
    "no zone for some",
    { "pulsar:nodes": [...zoned("node", "ab"), { name: "node-2" }] },
    "pulsar:nodes: found no zone for node-2; allowed: a zone for every node of the list, or for none",
  ],
  [
    "ZooKeeper's majority in one zone, though others could share it",
    { "pulsar:nodes": zoned("node", "aabcd") },
    "pulsar:nodes: found 2 of 3 ZooKeepers in zone a; allowed: 1 at most: the others must be a majority when the zone is lost",
  ],
  [
    "more brokers than the zones have room for",
    { "pulsar:nodes": zoned("node", "abaa"), "pulsar:replicas": { broker: 4 } },
    "pulsar:replicas.broker: found 4 over zones of 3, 1 nodes; allowed: 3 at most: one more in one zone than in another",
  ],
  [
    "ledgers over more bookies than there are",
    { "pulsar:ledgers": { ensemble: 4 } },
    "pulsar:ledgers.ensemble: found 4 with 3 bookies; allowed: 3 at most, or more bookies: no ledger could be opened",
  ],
  [
    "more copies than bookies of the ledger",
    { "pulsar:ledgers": { write: 3 } },
    "pulsar:ledgers.write: found 3 with an ensemble of 2; allowed: the ensemble at most",
  ],
  [
    "more acknowledgements than copies",
    { "pulsar:ledgers": { ack: 3 } },
    "pulsar:ledgers.ack: found 3 of 2 copies; allowed: the number of copies (ledgers.write) at most",
  ],
  [
    "a JVM larger than its container",
    { "pulsar:pods": { broker: { limits: { memory: "2Gi" }, heap: "1Gi", direct: "1024Mi" } } },
    "pulsar:pods.broker: found heap 1Gi and direct 1024Mi in 2Gi; allowed: less than the container's memory in all, or more memory",
  ],
  [
    "a heap that fills its container",
    { "pulsar:pods": { zookeeper: { requests: { memory: "1Gi" }, heap: "1024Mi" } } },
    "pulsar:pods.zookeeper: found heap 1024Mi and direct 256Mi in 1Gi; allowed: less than the container's memory in all, or more memory",
  ],
  [
    "a request above its limit",
    { "pulsar:pods": { proxy: { requests: { cpu: 2 }, limits: { cpu: "1500m" } } } },
    "pulsar:pods.proxy.requests.cpu: found 2 with a limit of 1500m; allowed: the limit at most",
  ],
  [
    "two volumes in one directory",
    { "pulsar:volumes": { directories: { "bookie-journal": "/mnt/bookie", "bookie-ledgers": "/mnt/bookie" } } },
    "pulsar:volumes.directories.bookie-ledgers: found /mnt/bookie on node1, where bookie-0 has its bookie-journal in /mnt/bookie; allowed: a directory of its own",
  ],
  [
    "one volume within another, on one node only",
    {
      "pulsar:nodes": [
        ...nodes("node1", "node2"),
        { name: "node3", directories: { "zookeeper-data": "/home/pulsar" } },
      ],
    },
    "pulsar:nodes[2].directories.zookeeper-data: found /home/pulsar on node3, where bookie-2 has its bookie-journal in /home/pulsar/data/bookie-data/journal; ",
  ],
];

const dedicated: Case[] = [
  [
    "nodes of the mixed layout",
    { "pulsar:nodes": nodes("node1", "node2") },
    "pulsar:nodes: found 2 nodes; allowed: none with pulsar:layout dedicated: its nodes are in pulsar:nodeGroups",
  ],
  [
    "no nodes for ZooKeeper",
    inGroups({ zookeeper: { nodes: [] } }),
    "pulsar:nodeGroups.zookeeper.nodes: found []; allowed: at least one node",
  ],
  [
    "no nodes for the bookies",
    inGroups({ bookkeeper: { nodes: [] } }),
    "pulsar:nodeGroups.bookkeeper.nodes: found []; allowed: at least one node",
  ],
  [
    "no node for brokers and proxies",
    inGroups({ serving: { nodes: [] } }),
    "pulsar:nodeGroups.serving: found no node for brokers and proxies; allowed: nodes of their own (nodes), or the number of",
  ],
  [
    "serving nodes both listed and counted",
    inGroups({ serving: { untainted: 3 } }),
    "pulsar:nodeGroups.serving.untainted: found 3; allowed: nothing where the serving nodes are listed",
  ],
  [
    "a node twice in a group",
    inGroups({ bookkeeper: { nodes: [...committed.bookkeeper.nodes, { name: "bk-2", zone: "b" }] } }),
    'pulsar:nodeGroups.bookkeeper.nodes[4].name: found "bk-2"; allowed: a name that no other node has (nodeGroups.bookkeeper.nodes[1] has it)',
  ],
  [
    "a node in two groups",
    inGroups({ bookkeeper: { nodes: [...committed.bookkeeper.nodes, { name: "zk-3", zone: "c" }] } }),
    'pulsar:nodeGroups.bookkeeper.nodes[4].name: found "zk-3"; allowed: a node in one group only (nodeGroups.zookeeper.nodes[2] has it)',
  ],
  [
    "a host name in two groups",
    inGroups({ bookkeeper: { nodes: [...committed.bookkeeper.nodes, { name: "bk-5", hostname: "zk-1", zone: "b" }] } }),
    'pulsar:nodeGroups.bookkeeper.nodes[4].hostname: found "zk-1"; allowed: a label that no other node has (nodeGroups.zookeeper.nodes[0] has it)',
  ],
  [
    "fewer nodes than ZooKeepers",
    { "pulsar:replicas": { zookeeper: 5 } },
    "pulsar:replicas.zookeeper: found 5 on 3 nodes; allowed: at most one a node: add nodes to pulsar:nodeGroups.zookeeper, or ask for 3 at most",
  ],
  [
    "fewer nodes than bookies",
    { "pulsar:replicas": { bookkeeper: 5 } },
    "pulsar:replicas.bookkeeper: found 5 on 4 nodes; allowed: at most one a node: add nodes to pulsar:nodeGroups.bookkeeper, or ask for 4 at most",
  ],
  [
    "fewer nodes than brokers",
    { "pulsar:replicas": { broker: 4 } },
    "pulsar:replicas.broker: found 4 on 3 nodes; allowed: at most one a node: add nodes to pulsar:nodeGroups.serving, or ask for 3 at most",
  ],
  [
    "fewer untainted nodes than proxies",
    { ...inGroups({ serving: untainted }), "pulsar:replicas": { broker: 2 } },
    "pulsar:replicas.proxy: found 3 on 2 nodes; allowed: at most one a node: add nodes to pulsar:nodeGroups.serving, or ask for 2 at most",
  ],
  [
    "more proxies than the zones have room for",
    { ...inGroups({ serving: { nodes: zoned("sv", "aaaabc") } }), "pulsar:replicas": { proxy: 5 } },
    "pulsar:replicas.proxy: found 5 over zones of 4, 1, 1 nodes; allowed: 4 at most: one more in one zone than in another",
  ],
  [
    "an even number of ZooKeepers",
    inGroups({ zookeeper: { nodes: zoned("zk", "abcd") } }),
    "pulsar:replicas.zookeeper: found 4; allowed: an odd number",
  ],
  [
    "a single ZooKeeper",
    inGroups({ zookeeper: { nodes: zoned("zk", "a") } }),
    "pulsar:replicas.zookeeper: found 1; allowed: at least 3 in the dedicated layout, so that one may be lost",
  ],
  [
    "no zone for some of a group",
    inGroups({ bookkeeper: { nodes: [...committed.bookkeeper.nodes, ...nodes("bk-5", "bk-6")] } }),
    "pulsar:nodeGroups.bookkeeper.nodes: found no zone for bk-5, bk-6; allowed: a zone for every node of the list, or for none",
  ],
  [
    "ZooKeeper's majority in one zone of three",
    inGroups({ zookeeper: { nodes: zoned("zk", "abbbc") } }),
    "pulsar:nodeGroups.zookeeper.nodes: found 3 of 5 ZooKeepers in zone b; allowed: 2 at most: the others must be a majority",
  ],
  [
    "fewer bookies than a ledger uses",
    inGroups({ bookkeeper: { nodes: zoned("bk", "ab") } }),
    "pulsar:ledgers.ensemble: found 3 with 2 bookies; allowed: 2 at most, or more bookies: no ledger could be opened",
  ],
  [
    "a heap that its derived container cannot hold",
    { "pulsar:pods": { bookkeeper: { heap: "40Gi" } } },
    "pulsar:pods.bookkeeper: found heap 40Gi and direct 16640Mi in 55680Mi; allowed: less than the container's memory in all",
  ],
  [
    "a request above its limit",
    { "pulsar:pods": { broker: { requests: { memory: "9Gi" }, limits: { memory: "8Gi" } } } },
    "pulsar:pods.broker.requests.memory: found 9Gi with a limit of 8Gi; allowed: the limit at most",
  ],
  [
    "a journal among the ledgers",
    {
      "pulsar:volumes": { directories: { "bookie-journal": "/mnt/ledgers/journal", "bookie-ledgers": "/mnt/ledgers" } },
    },
    "pulsar:volumes.directories.bookie-ledgers: found /mnt/ledgers on bk-1, where bookie-0 has its bookie-journal in /mnt/ledgers/journal; ",
  ],
];

for (const [stack, layout, cases] of [
  ["test", "mixed", mixed],
  ["prod", "dedicated", dedicated],
] as const) {
  describe(`in the ${layout} layout one fault for`, () => {
    for (const [title, changes, expected] of cases) {
      test(title, () => {
        hasOneFault(stackConfig(stack, changes), expected);
      });
    }
  });
}

describe("no fault for", () => {
  const accepted: [title: string, stack: string, changes: Changes][] = [
    [
      "two zones, one of which must hold ZooKeeper's majority",
      "prod",
      inGroups({ zookeeper: { nodes: zoned("zk", "aab") } }),
    ],
    [
      "a long name beside the label that the node has",
      "test",
      { "pulsar:nodes": [...nodes("node1", "node2"), { name: longName, hostname: "node3" }] },
    ],
    ["nodes without zones", "prod", inGroups({ zookeeper: { nodes: nodes("zk-1", "zk-2", "zk-3") } })],
    [
      "directories that only begin alike",
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
      "as many proxies as the zones have room for",
      "prod",
      { ...inGroups({ serving: { nodes: zoned("sv", "aaaabc") } }), "pulsar:replicas": { proxy: 4 } },
    ],
    ["nodes of the cluster that have no taint", "prod", inGroups({ serving: { ...untainted, untainted: 3 } })],
    [
      "a limit below what would be derived",
      "prod",
      { "pulsar:pods": { broker: { limits: { cpu: 2, memory: "8Gi" } } } },
    ],
  ];
  for (const [title, stack, changes] of accepted) {
    test(title, () => {
      parseSettings(stackConfig(stack, changes), stack, false);
    });
  }
});

test("every setting that puts two volumes into one directory is named, and each once for all nodes", () => {
  const config = stackConfig("test", {
    "pulsar:nodes": [
      ...nodes("node1", "node2"),
      { name: "node3", directories: { "zookeeper-data": "/mnt/journal/x", "bookie-ledgers": "/home/pulsar/data" } },
    ],
    "pulsar:volumes": { directories: { "bookie-journal": "/mnt/journal", "bookie-ledgers": "/mnt" } },
  });
  assert.deepEqual(
    faults(config).map((line) => line.slice(0, line.indexOf("; allowed"))),
    [
      "pulsar:volumes.directories.bookie-journal: found /mnt/journal on node3, where zookeeper-2 has its zookeeper-data in /mnt/journal/x",
      "pulsar:volumes.directories.bookie-ledgers: found /mnt on node1, where bookie-0 has its bookie-journal in /mnt/journal",
    ],
  );
});

test("a node twice is found beside a setting that is wrong by itself", () => {
  const config = stackConfig("test", { "pulsar:nodes": nodes("node1", "node1"), "pulsar:replicas": { broker: 0 } });
  assert.deepEqual(
    faults(config).map((line) => line.slice(0, line.indexOf(": found"))),
    ["pulsar:replicas.broker", "pulsar:nodes[1].name"],
  );
});

test("a bookie more, in whatever zone and however large its node, leaves a sound production stack sound", () => {
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
