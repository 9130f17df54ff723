import assert from "node:assert/strict";
import { describe, test } from "node:test";
import * as provider from "../../../resources/kubernetes/volumeContractProvider.ts";
import type { VolumeContractArgs } from "../../../model/volumeMoves.ts";

const on = (node: string): VolumeContractArgs => ({
  namespace: "pulsar",
  release: "pulsar",
  storageClass: "local-storage",
  chartLine: "2.7",
  volumes: {
    "bookie-0": { node, hostname: node, claims: { "bookie-journal": { path: "/data", size: "50Gi" } } },
  },
  accepted: [],
  production: true,
});

describe("the provider of VolumeContract", () => {
  test("refuses a change in one failure, without a property whose value would be shown", () => {
    const { failures = [] } = provider.check(on("a"), on("b"));
    assert.equal(failures.length, 1);
    assert.equal(failures[0]?.property, "");
    assert.match(failures[0].reason, /bookie-0 has its data on a and would start empty on b/);
    assert.match(failures[0].reason, /In production, an update alone never moves or gives up data/);
    assert.deepEqual(provider.check(on("a"), on("a")), {});
    // A new resource has no old inputs.
    assert.deepEqual(provider.check({}, on("a")), {});
    assert.deepEqual(provider.check(on("a"), { ...on("b"), accepted: [{ pod: "bookie-0", from: "a", to: "b" }] }), {});
  });

  test("records other volumes in place, without any other change", async () => {
    const changes = (news: Partial<VolumeContractArgs>) => provider.diff("volumes", on("a"), { ...on("a"), ...news });
    assert.deepEqual(changes({}), { changes: false, replaces: [] });
    assert.deepEqual(changes({ accepted: [{ pod: "x", from: "y" }], production: false }), {
      changes: false,
      replaces: [],
    });
    assert.deepEqual(changes({ volumes: {} }), { changes: true, replaces: [] });
    assert.deepEqual(changes({ release: "other" }), { changes: true, replaces: [] });
    assert.deepEqual(changes({ clusterDomain: "k8s.example" }), { changes: true, replaces: [] });

    assert.deepEqual(await provider.create(on("a")), { id: "volumes", outs: on("a") });
    assert.deepEqual(await provider.update("volumes", on("a"), on("b")), { outs: on("b") });
    assert.deepEqual(await provider.read("volumes", on("a")), { id: "volumes", props: on("a") });
  });
});
