import assert from "node:assert/strict";
import { describe, test } from "node:test";
import fc from "fast-check";
import { mixedLayout } from "../../model/layouts/mixed.ts";
import { overlap, planVolumes, type VolumePlanArgs } from "../../model/volumes.ts";

const replicas = { broker: 1, proxy: 1, autorecovery: 1, toolset: 1, manager: 1 };
const sizes = { "zookeeper-data": "20Gi", "bookie-journal": "50Gi", "bookie-ledgers": "100Gi" };

function plan(
  nodes: string[],
  zookeeper: number,
  bookkeeper: number,
  release = "pulsar",
  more: Partial<VolumePlanArgs> = {},
) {
  const args = {
    nodes: nodes.map((name, i) => ({ name, hostname: `${name}.internal`, setting: `pulsar:nodes[${i}]` })),
    nodeLabel: { key: "pulsar", value: "yes" },
    nodeTaint: { key: "pulsar", value: "yes", effect: "NoSchedule" as const },
    replicas: { ...replicas, zookeeper, bookkeeper },
  };
  const { placements } = mixedLayout(args);
  return planVolumes({
    release,
    nodes: args.nodes,
    placements,
    dataDirectory: "/data",
    directories: {},
    sizes,
    ...more,
  });
}

describe("planVolumes", () => {
  test("returns the nine volumes of the reference deployment, named after the chart's claims", () => {
    assert.deepEqual(
      plan(["node1", "node2", "node3"], 3, 3).map(({ claim, node, path, size }) => [claim, node, path, size]),
      [
        ["pulsar-zookeeper-data-pulsar-zookeeper-0", "node1", "/data/zookeeper-data", "20Gi"],
        ["pulsar-zookeeper-data-pulsar-zookeeper-1", "node2", "/data/zookeeper-data", "20Gi"],
        ["pulsar-zookeeper-data-pulsar-zookeeper-2", "node3", "/data/zookeeper-data", "20Gi"],
        ["pulsar-bookie-journal-pulsar-bookie-0", "node1", "/data/bookie-data/journal", "50Gi"],
        ["pulsar-bookie-journal-pulsar-bookie-1", "node2", "/data/bookie-data/journal", "50Gi"],
        ["pulsar-bookie-journal-pulsar-bookie-2", "node3", "/data/bookie-data/journal", "50Gi"],
        ["pulsar-bookie-ledgers-pulsar-bookie-0", "node1", "/data/bookie-data/ledgers", "100Gi"],
        ["pulsar-bookie-ledgers-pulsar-bookie-1", "node2", "/data/bookie-data/ledgers", "100Gi"],
        ["pulsar-bookie-ledgers-pulsar-bookie-2", "node3", "/data/bookie-data/ledgers", "100Gi"],
      ],
    );
  });

  test("names claims after the chart's full name", () => {
    assert.equal(plan(["node1"], 1, 0, "demo")[0]?.claim, "demo-pulsar-zookeeper-data-demo-pulsar-zookeeper-0");
  });

  test("a path or size of a node overrides that of all nodes, which overrides the data directory", () => {
    const disks: Partial<VolumePlanArgs> = {
      nodes: [
        { name: "node1", hostname: "node1", setting: "pulsar:nodes[0]" },
        {
          name: "node2",
          hostname: "node2",
          setting: "pulsar:nodes[1]",
          directories: { "bookie-journal": "/nvme1" },
          sizes: { "bookie-ledgers": "4Ti" },
        },
      ],
      directories: { "bookie-journal": "/nvme0", "bookie-ledgers": "/hdd" },
    };
    assert.deepEqual(
      plan(["node1", "node2"], 1, 2, "pulsar", disks).map(({ pod, volume, path, size, request, setting }) =>
        [pod, volume, path, size, request, setting].join(" "),
      ),
      [
        "zookeeper-0 zookeeper-data /data/zookeeper-data 20Gi 20Gi pulsar:volumes.dataDirectory",
        "bookie-0 bookie-journal /nvme0 50Gi 50Gi pulsar:volumes.directories.bookie-journal",
        "bookie-1 bookie-journal /nvme1 50Gi 50Gi pulsar:nodes[1].directories.bookie-journal",
        "bookie-0 bookie-ledgers /hdd 100Gi 100Gi pulsar:volumes.directories.bookie-ledgers",
        "bookie-1 bookie-ledgers /hdd 4Ti 100Gi pulsar:volumes.directories.bookie-ledgers",
      ],
    );
  });

  test("two paths overlap if they are equal or one contains the other, in any spelling", () => {
    const pairs: [a: string, b: string, overlapping: boolean][] = [
      ["/a", "/a", true],
      ["/a", "/a/b/c", true],
      ["/a/", "/a", true],
      ["/a//b", "/a/./b/c", true],
      ["/a/x/../b", "/a/b", true],
      ["/", "/a", true],
      ["/a", "/ab", false],
      ["/a/b", "/a/c", false],
      ["/a", "/a/../b", false],
      ["/a", "/a/..b", true],
    ];
    for (const [a, b, overlapping] of pairs) {
      assert.equal(overlap(a, b), overlapping, `${a} ${b}`);
      assert.equal(overlap(b, a), overlapping, `${b} ${a}`);
    }
  });

  test("ordinal i is on node i, with one directory for each volume and node; an appended node moves nothing", () => {
    const nodes = fc.uniqueArray(fc.stringMatching(/^[a-z][a-z0-9]{0,8}$/), { minLength: 2, maxLength: 30 });
    fc.assert(
      fc.property(nodes, fc.nat(), fc.nat(), (names, a, b) => {
        const [zookeeper, bookkeeper] = [1 + (a % (names.length - 1)), 1 + (b % (names.length - 1))];
        const volumes = plan(names.slice(0, -1), zookeeper, bookkeeper);
        assert.equal(volumes.length, zookeeper + 2 * bookkeeper);
        for (const volume of volumes) {
          assert.equal(volume.node, names[volume.ordinal]);
          assert.equal(volume.hostname, `${volume.node}.internal`);
        }
        assert.equal(new Set(volumes.map(({ node, path }) => `${node}:${path}`)).size, volumes.length);
        assert.equal(new Set(volumes.map(({ claim }) => claim)).size, volumes.length);

        const grown = plan(names, zookeeper, bookkeeper + 1);
        for (const volume of volumes)
          assert.ok(grown.some((other) => other.claim === volume.claim && other.node === volume.node));
        assert.equal(grown.length, volumes.length + 2);
      }),
    );
  });
});
