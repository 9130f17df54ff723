import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { type FoundVolume, placeFaults, type SelectorTerm, type VolumePlaces } from "../../model/volumePlaces.ts";
import type { PlannedVolume } from "../../model/volumes.ts";

const label = "kubernetes.io/hostname";
const planned: PlannedVolume = {
  claim: "pulsar-bookie-journal-pulsar-bookie-0",
  volume: "bookie-journal",
  ordinal: 0,
  pod: "bookie-0",
  node: "node1",
  hostname: "host1",
  path: "/data/journal",
  setting: "pulsar:volumes.dataDirectory",
  size: "50Gi",
  request: "50Gi",
};
const places: VolumePlaces = {
  volumes: [planned],
  nodes: [
    { name: "node1", hostname: "host1", setting: "pulsar:nodes[0]" },
    { name: "node2", hostname: "host2", setting: "pulsar:nodes[1]" },
  ],
  namespace: "pulsar",
};
const nodesWith = (...hostnames: (string | undefined)[]) =>
  hostnames.map((hostname, i) => ({
    metadata: { name: `node${i + 1}`, labels: { zone: "a", ...(hostname !== undefined && { [label]: hostname }) } },
  }));

/** A local volume for a node with the label `hostname`. */
const onHost = (hostname: string): SelectorTerm => ({
  matchExpressions: [{ key: label, operator: "In", values: [hostname] }],
});
function volume(spec: FoundVolume["spec"], terms?: SelectorTerm[], stack?: string): FoundVolume {
  const nodeAffinity = terms && { nodeAffinity: { required: { nodeSelectorTerms: terms } } };
  return { metadata: { name: "theirs" }, spec: { ...spec, ...nodeAffinity }, stack };
}
const faultsWith = (...volumes: FoundVolume[]) => placeFaults(places, { nodes: nodesWith("host1", "host2"), volumes });

describe("the hostname label of a node with volumes", () => {
  const faultsOf = (...hostnames: (string | undefined)[]) =>
    placeFaults(places, { nodes: nodesWith(...hostnames), volumes: [] });

  test("must match the settings, except for nodes without volumes and missing nodes", () => {
    assert.deepEqual(faultsOf("host1", "host2"), []);
    assert.deepEqual(faultsOf("host1", "another"), []);
    assert.deepEqual(faultsOf(), []);
  });

  test("is reported with the expected value and the key if it differs or is missing", () => {
    assert.deepEqual(faultsOf("ip-10-0-0-1"), [
      "pulsar:nodes[0].hostname: the settings say host1, but node node1 has the label kubernetes.io/hostname=ip-10-0-0-1, " +
        "and no volume would bind there; set hostname: ip-10-0-0-1",
    ]);
    assert.deepEqual(faultsOf(undefined), [
      "pulsar:nodes[0].hostname: the settings say host1, but node node1 has no label kubernetes.io/hostname, " +
        "and no volume would bind there; run kubectl label node node1 kubernetes.io/hostname=host1",
    ]);
  });
});

describe("a directory of another PersistentVolume", () => {
  const start =
    "pulsar:volumes.dataDirectory: bookie-0 would have its bookie-journal in /data/journal on node1, where PersistentVolume theirs";

  test("is refused with the volume, its owner, its path and the node", () => {
    const local = volume({ local: { path: "/data/journal" } }, [onHost("host1")], "organization/pulsar/b");
    const claimed = { ...local, spec: { ...local.spec, claimRef: { namespace: "b", name: "claim-0" } } };
    assert.deepEqual(faultsWith(local, claimed), [
      `${start} (stack organization/pulsar/b, no claim) has /data/journal; set another directory`,
      `${start} (stack organization/pulsar/b, claim b/claim-0) has /data/journal; set another directory`,
    ]);
  });

  test("is refused if another stack of the same name, in another backend, uses it", () => {
    const claimRef = { namespace: "b", name: planned.claim };
    const theirs = volume({ local: { path: "/data/journal" }, claimRef }, [onHost("host1")], "organization/pulsar/a");
    assert.deepEqual(faultsWith(theirs), [
      `${start} (stack organization/pulsar/a, claim b/${planned.claim}) has /data/journal; set another directory`,
    ]);
  });

  test("is refused if one contains the other, for hostPath volumes too", () => {
    for (const path of ["/data", "/data/", "/data/journal/current", "/"]) {
      assert.deepEqual(faultsWith(volume({ hostPath: { path } })), [
        `${start} (no claim) has ${path}; set another directory`,
      ]);
    }
  });

  test("is accepted if the volume belongs to this stack, or has another directory or none", () => {
    assert.deepEqual(
      faultsWith(
        // Whatever the name of the stack was when it created the volume.
        volume(
          { local: { path: "/data/journal" }, claimRef: { namespace: "pulsar", name: planned.claim } },
          [],
          "a/b/c",
        ),
        volume({}, [onHost("host1")]),
        volume({ local: { path: "/data/journal2" } }, [onHost("host1")]),
        volume({ local: { path: "/data/ledgers" } }, [onHost("host1")]),
      ),
      [],
    );
  });

  test("is checked on the nodes in the volume's affinity", () => {
    const cases: [terms: SelectorTerm[], here: boolean][] = [
      [[onHost("host2")], false],
      [[onHost("host2"), onHost("host1")], true],
      [[{ matchFields: [{ key: "metadata.name", operator: "In", values: ["node2"] }] }], false],
      [[{ matchFields: [{ key: "metadata.name", operator: "In", values: ["node1"] }] }], true],
      [[{ matchExpressions: [{ key: "zone", operator: "In", values: ["a"] }] }], true],
      [[{ matchExpressions: [{ key: "zone", operator: "NotIn", values: ["a"] }] }], false],
      [[{ matchExpressions: [{ key: "zone", operator: "Exists" }] }], true],
      [[{ matchExpressions: [{ key: "zone", operator: "DoesNotExist" }] }], false],
      [[{ matchExpressions: [{ key: "disks", operator: "Gt", values: ["1"] }] }], true],
      [
        [{ matchExpressions: [...(onHost("host1").matchExpressions ?? []), { key: "disks", operator: "Exists" }] }],
        false,
      ],
    ];
    for (const [terms, here] of cases) {
      const found = faultsWith(volume({ local: { path: "/data/journal" } }, terms));
      assert.equal(found.length, here ? 1 : 0, JSON.stringify(terms));
    }
  });
});
