import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { comparePods } from "../../../rehearsal/realCluster/compare.ts";
import { newDirectories } from "../../../rehearsal/realCluster/directories.ts";
import { ownPart, ownVolumes } from "../../../rehearsal/realCluster/ownership.ts";
import { parseSettings } from "../../../settings/settings.ts";
import { stackConfig } from "../../support/stackFile.ts";
import { running } from "../seen.ts";

const settings = parseSettings(stackConfig("test"), "test", true);

describe("ownPart", () => {
  it("keeps what the stack may change, in its namespace, by name, and on its nodes", () => {
    const own = [
      "Namespace pulsar",
      "Pod pulsar/anything",
      "PersistentVolume pulsar-zookeeper-data-pulsar-zookeeper-0",
      "StorageClass local-storage",
      "ClusterRole pulsar-broker-clusterrole",
    ];
    const others = ["Namespace shop", "Pod shop/pulsar", "Pod pulsar2/x", "PersistentVolume theirs", "Node node1"];
    const objects = Object.fromEntries([...own, ...others].map((name) => [name, name]));
    const nodes = {
      node1: ["label node-role.kubernetes.io/pulsar=pulsar", "taint dedicated=pulsar:NoSchedule", "label zone=a"],
    };
    assert.deepEqual(ownPart({ objects, nodes }, settings), {
      objects: Object.fromEntries(own.map((name) => [name, name])),
      nodes: { node1: ["label node-role.kubernetes.io/pulsar=pulsar", "taint dedicated=pulsar:NoSchedule"] },
    });
  });
});

describe("ownVolumes", () => {
  it("leaves out the volumes of other namespaces", () => {
    const [volume] = running().volumes;
    assert.ok(volume);
    const volumes = [volume, { ...volume, name: "theirs", claim: "shop/data" }, { ...volume, name: "free" }].map(
      (one) => (one.name === "free" ? { name: one.name, phase: one.phase, size: one.size, hostnames: [] } : one),
    );
    const [namespace = ""] = volume.claim?.split("/") ?? [];
    assert.deepEqual(ownVolumes({ ...running(), volumes }, namespace).volumes, [volume]);
  });
});

describe("newDirectories", () => {
  it("puts every volume into a folder of the rehearsal", () => {
    assert.deepEqual(newDirectories(settings, "run"), { "pulsar:volumes.dataDirectory": "/home/pulsar/data/run" });
    const prod = parseSettings(stackConfig("prod"), "prod", true);
    assert.deepEqual(newDirectories(prod, "run"), {
      "pulsar:volumes.directories.zookeeper-data": "/mnt/zookeeper/data/run",
      "pulsar:volumes.directories.bookie-journal": "/mnt/journal/pulsar/run",
      "pulsar:volumes.directories.bookie-ledgers": "/mnt/ledgers/pulsar/run",
    });
  });

  it("leaves the directories alone that somebody else creates", () => {
    const volumes = { createDirectories: false };
    assert.deepEqual(newDirectories(parseSettings(stackConfig("test", { "pulsar:volumes": volumes }), "test", true), "run"), {}); // prettier-ignore
  });
});

describe("comparePods", () => {
  it("has a line for each pod of either", () => {
    const seen = running();
    const [first, ...others] = seen.pods;
    assert.ok(first);
    const lines = comparePods(seen, { ...seen, pods: [{ ...first, node: "elsewhere" }, ...others.slice(1)] });
    const different = lines.filter(({ predicted, real }) => predicted !== real);
    assert.deepEqual(different, [
      { pod: first.title, predicted: first.node, real: "elsewhere" },
      { pod: others[0]?.title, predicted: others[0]?.node, real: "no pod" },
    ]);
  });
});
