import assert from "node:assert/strict";
import { describe, test } from "node:test";
import fc from "fast-check";
import { breaches, contractOf, refusal, type VolumeContractArgs } from "../../model/volumeMoves.ts";
import { type AcceptedMove, planVolumes } from "../../model/volumes.ts";

interface Cluster {
  zookeeper?: string[];
  bookies?: string[];
  accepted?: AcceptedMove[];
  release?: string;
  hostnames?: Record<string, string>;
  directories?: { "bookie-journal": string };
  journal?: string;
}

/** The contract of a cluster with pods on these nodes, in order. */
function contract({
  zookeeper = [],
  bookies = [],
  accepted = [],
  release = "pulsar",
  ...disks
}: Cluster): VolumeContractArgs {
  const placement = (nodes: string[]) => ({ replicas: nodes.length, nodes });
  const { hostnames = {}, directories = {}, journal = "50Gi" } = disks;
  const plannedVolumes = planVolumes({
    release,
    nodes: [...zookeeper, ...bookies].map((name, i) => ({
      name,
      hostname: hostnames[name] ?? name,
      setting: `pulsar:nodes[${i}]`,
    })),
    placements: { zookeeper: placement(zookeeper), bookkeeper: placement(bookies) },
    dataDirectory: "/data",
    directories,
    sizes: { "zookeeper-data": "20Gi", "bookie-journal": journal, "bookie-ledgers": "100Gi" },
  });
  return contractOf({
    namespace: "pulsar",
    release,
    clusterDomain: "cluster.local",
    volumes: { storageClass: { name: "local-storage" } },
    line: { name: "2.7" },
    plannedVolumes,
    movedVolumes: accepted,
    production: false,
  });
}

const three = contract({ bookies: ["bk-1", "bk-2", "bk-3"] });
const breach = (after: Cluster, before = three) => breaches(before, contract(after));

describe("the volume contract", () => {
  test("lists the node and the volumes of each pod", () => {
    const { volumes } = contract({ zookeeper: ["zk-1"], bookies: ["bk-1"], hostnames: { "bk-1": "host-1" } });
    assert.deepEqual(volumes, {
      "zookeeper-0": {
        node: "zk-1",
        hostname: "zk-1",
        claims: { "zookeeper-data": { path: "/data/zookeeper-data", size: "20Gi" } },
      },
      "bookie-0": {
        node: "bk-1",
        hostname: "host-1",
        claims: {
          "bookie-journal": { path: "/data/bookie-data/journal", size: "50Gi" },
          "bookie-ledgers": { path: "/data/bookie-data/ledgers", size: "100Gi" },
        },
      },
    });
  });
});

describe("a change of the nodes or volumes", () => {
  test("that replaces a node is refused, unless exactly this is accepted", () => {
    const bookies = ["bk-1", "bk-9", "bk-3"];
    assert.deepEqual(breach({ bookies }), [
      "bookie-1 has its data on bk-2 and would start empty on bk-9 (pulsar-bookie-journal-pulsar-bookie-1, " +
        "pulsar-bookie-ledgers-pulsar-bookie-1); put bk-2 back in its place in the list, or follow docs/operations/replace-a-node.md and " +
        "accept it in pulsar:movedVolumes as {pod: bookie-1, from: bk-2, to: bk-9}",
    ]);
    const accepting = (entry: AcceptedMove) => breach({ bookies, accepted: [entry] }).length;
    assert.equal(accepting({ pod: "bookie-1", from: "bk-2", to: "bk-9" }), 0);
    assert.equal(accepting({ pod: "bookie-1", from: "bk-2", to: "bk-8" }), 1);
    assert.equal(accepting({ pod: "bookie-1", from: "bk-1", to: "bk-9" }), 1);
    assert.equal(accepting({ pod: "bookie-2", from: "bk-2", to: "bk-9" }), 1);
    assert.equal(accepting({ pod: "bookie-1", from: "bk-2" }), 1, "an accepted removal does not accept a move");
  });

  test("that was applied is no longer refused, and its acceptance may remain in the settings", () => {
    const accepted = [{ pod: "bookie-1", from: "bk-2", to: "bk-9" }];
    const made = contract({ bookies: ["bk-1", "bk-9", "bk-3"], accepted });
    assert.deepEqual(breaches(made, made), []);
    assert.equal(
      breach({ bookies: ["bk-1", "bk-2", "bk-3"], accepted }, made).length,
      1,
      "the entry does not allow the reverse move",
    );
  });

  test("that reorders, inserts or removes nodes is reported as one line", () => {
    const head = "the order of the nodes has changed, and pods would start on the disks of other pods: ";
    const advice =
      "; put the nodes back in their order (ordinal i is on node i), add new nodes only at the end, remove only the last ones, and follow " +
      "docs/operations/replace-a-node.md";
    const expected: [string[], string][] = [
      [["bk-2", "bk-1", "bk-3"], "bookie-0 bk-1 -> bk-2, bookie-1 bk-2 -> bk-1"],
      [["bk-1", "bk-9", "bk-2", "bk-3"], "bookie-1 bk-2 -> bk-9, bookie-2 bk-3 -> bk-2"],
      [["bk-1", "bk-3"], "bookie-1 bk-2 -> bk-3, bookie-2 bk-3 -> removed"],
    ];
    for (const [bookies, moves] of expected) assert.deepEqual(breach({ bookies }), [head + moves + advice]);

    const accepted = [{ pod: "bookie-1", from: "bk-2" }];
    assert.equal(
      breach({ bookies: ["bk-1", "bk-3"], accepted }).length,
      1,
      "only the removal of the last one can be accepted",
    );
  });

  test("that removes the last pod is refused, unless this is accepted", () => {
    const bookies = ["bk-1", "bk-2"];
    const [line = "", ...more] = breach({ bookies });
    assert.deepEqual(more, []);
    assert.match(line, /^bookie-2 has its data on bk-3 and would be removed \(pulsar-bookie-journal-pulsar-bookie-2, /);
    assert.match(
      line,
      /docs\/operations\/replace-a-node\.md and accept it in pulsar:movedVolumes as \{pod: bookie-2, from: bk-3\}/,
    );
    assert.deepEqual(breach({ bookies, accepted: [{ pod: "bookie-2", from: "bk-3" }] }), []);
    assert.equal(breach({ bookies, accepted: [{ pod: "bookie-2", from: "bk-3", to: "bk-9" }] }).length, 1);
  });

  test("of a node's hostname label is refused unless accepted, because the volumes refer to the label", () => {
    const after = { bookies: ["bk-1", "bk-2", "bk-3"], hostnames: { "bk-2": "other" } };
    const [line = "", ...more] = breach(after);
    assert.deepEqual(more, []);
    assert.match(
      line,
      /^bookie-1 has its data on bk-2, whose label kubernetes\.io\/hostname changes from bk-2 to other, but its volumes are pinned to bk-2 /,
    );
    assert.match(line, /as \{pod: bookie-1, from: bk-2, to: bk-2\}$/);
    assert.deepEqual(breach({ ...after, accepted: [{ pod: "bookie-1", from: "bk-2", to: "bk-2" }] }), []);
  });

  test("of a path or size is one line for all remaining pods, with the runbook", () => {
    const bookies = ["bk-1", "bk-2", "bk-3"];
    const advice =
      " (bookie-0, bookie-1, bookie-2); set the former value in the stack file, or follow docs/operations/move-a-changed-default.md";
    assert.deepEqual(breach({ bookies, directories: { "bookie-journal": "/nvme" }, journal: "60Gi" }), [
      `bookie-journal has its data in /data/bookie-data/journal and would start empty in /nvme${advice}`,
      "bookie-journal was created with 50Gi and would be 60Gi, but a StatefulSet's claims are immutable and a local volume cannot grow" +
        advice,
    ]);
    // A pod that starts without data anyway may have another directory.
    const moved = structuredClone(three);
    moved.accepted = [{ pod: "bookie-2", from: "bk-3", to: "bk-9" }];
    moved.volumes["bookie-2"] = {
      node: "bk-9",
      hostname: "bk-9",
      claims: { "bookie-journal": { path: "/x", size: "50Gi" } },
    };
    assert.deepEqual(breaches(three, moved), []);
    moved.volumes["bookie-2"].node = moved.volumes["bookie-2"].hostname = "bk-3";
    assert.equal(breaches(three, moved).length, 2, "a volume that is no longer planned has data, too");
  });

  test("of what all volumes share is refused, and cannot be accepted", () => {
    for (const key of ["namespace", "release", "storageClass"] as const) {
      const [line = "", ...more] = breaches(three, { ...three, [key]: "other" });
      assert.deepEqual(more, []);
      assert.match(
        line,
        new RegExp(
          `^pulsar:\\S*${key === "storageClass" ? "storageClass.name" : key}: changes from ${three[key]} to other, `,
        ),
      );
      assert.match(line, /every pod would start without its data/);
    }
  });

  test("of the cluster domain is refused, because bookies are identified by their full host names", () => {
    const after = { ...three, clusterDomain: "k8s.example" };
    assert.deepEqual(breaches(three, after), [
      "pulsar:clusterDomain: changes from cluster.local to k8s.example, so every bookie would start under another host name and refuse its " +
        "directories (InvalidCookieException); set it to cluster.local again",
    ]);
    const { clusterDomain, ...unsaid } = three;
    assert.equal(clusterDomain, "cluster.local");
    assert.deepEqual(breaches(unsaid, after), [], "a state that is older than the setting");
  });

  test("of the chart line is refused as a migration, with its runbook", () => {
    const [line = "", ...more] = breaches(three, { ...three, chartLine: "4" });
    assert.deepEqual(more, []);
    assert.match(
      line,
      /^pulsar:chart\.version: changes from chart line 2\.7 to 4, .*docs\/operations\/migrate-to-pulsar-4\.md$/,
    );
  });

  test("of all nodes is reported with one line for each component, not for each pod", () => {
    const nodes = ["node1", "node2", "node3", "node4", "node5", "node6"];
    const mixed = contract({ zookeeper: nodes.slice(0, 3), bookies: nodes });
    const dedicated = { zookeeper: ["zk-1", "zk-2", "zk-3"], bookies: nodes.map((_, i) => `bk-${i + 1}`) };
    assert.deepEqual(breach(dedicated, mixed), [
      "the data of 9 pods would be left behind; restore the former nodes and replicas, or follow docs/operations/replace-a-node.md for one node after the other",
      "bookie-0 node1 -> bk-1, bookie-1 node2 -> bk-2, bookie-2 node3 -> bk-3, bookie-3 node4 -> bk-4, bookie-4 node5 -> bk-5 and 1 more",
      "zookeeper-0 node1 -> zk-1, zookeeper-1 node2 -> zk-2, zookeeper-2 node3 -> zk-3",
    ]);
  });

  test("is refused with the change and advice for the kind of stack", () => {
    assert.match(
      refusal(["one", "two"], false),
      /^this change would leave data behind:\n {2}- one\n {2}- two\n.*nobody needs the data: run `pulumi destroy`/,
    );
    assert.match(refusal(["one"], true), /In production, an update alone never moves or gives up data/);
    assert.doesNotMatch(refusal(["one"], true), /pulumi destroy/);
  });
});

describe("for any cluster", () => {
  const names = fc.uniqueArray(fc.stringMatching(/^[a-z][a-z0-9]{0,8}$/), { minLength: 2, maxLength: 20 });

  test("appended nodes and pods are allowed", () => {
    fc.assert(
      fc.property(names, fc.nat(), (nodes, n) => {
        const some = nodes.slice(0, 1 + (n % (nodes.length - 1)));
        const before = contract({ zookeeper: some.slice(0, 3), bookies: some });
        assert.deepEqual(breach({ zookeeper: nodes.slice(0, Math.max(3, some.length)), bookies: nodes }, before), []);
      }),
    );
  });

  test("all moves and removals are reported, and accepting each of them accepts the change", () => {
    const reordered = names.chain((nodes) =>
      fc.tuple(fc.constant(nodes), fc.shuffledSubarray(nodes, { minLength: 0, maxLength: nodes.length })),
    );
    fc.assert(
      fc.property(reordered, ([nodes, others]) => {
        const before = contract({ bookies: nodes });
        const moves = nodes.flatMap((from, i) =>
          others[i] === from ? [] : [{ pod: `bookie-${i}`, from, to: others[i] }],
        );
        assert.equal(breach({ bookies: others }, before).length === 0, moves.length === 0);
        assert.deepEqual(breach({ bookies: others, accepted: moves }, before), []);
        moves.forEach((_, i) => {
          assert.notEqual(breach({ bookies: others, accepted: moves.toSpliced(i, 1) }, before).length, 0);
        });
      }),
    );
  });
});
