import assert from "node:assert/strict";
import { describe, test } from "node:test";
import * as k8s from "@pulumi/kubernetes";
import { LocalVolumes, type LocalVolumesArgs } from "../../components/localVolumes.ts";
import type { PlannedVolume } from "../../model/volumes.ts";
import { named, register } from "../support/mocks.ts";

const volume = (part: Partial<PlannedVolume>): PlannedVolume => ({
  claim: "pulsar-bookie-journal-pulsar-bookie-0",
  volume: "bookie-journal",
  ordinal: 0,
  pod: "bookie-0",
  node: "node1",
  hostname: "node1.internal",
  path: "/data/journal",
  setting: "pulsar:volumes.dataDirectory",
  size: "50Gi",
  request: "50Gi",
  ...part,
});

const make = (args: Partial<LocalVolumesArgs>) =>
  register(() => {
    new LocalVolumes("volumes", {
      namespace: "messaging",
      release: "pulsar",
      volumes: [volume({})],
      storageClass: { name: "local-storage", create: true },
      ...args,
    });
  });

describe("LocalVolumes", () => {
  test("a volume is retained, pinned to the host name of its node, and pre-bound to its claim", async () => {
    const registered = await make({});
    assert.deepEqual(named(registered, "volumes-bookie-journal-0").inputs.spec, {
      capacity: { storage: "50Gi" },
      accessModes: ["ReadWriteOnce"],
      persistentVolumeReclaimPolicy: "Retain",
      storageClassName: "local-storage",
      local: { path: "/data/journal" },
      claimRef: { name: "pulsar-bookie-journal-pulsar-bookie-0", namespace: "messaging" },
      nodeAffinity: {
        required: {
          nodeSelectorTerms: [
            { matchExpressions: [{ key: "kubernetes.io/hostname", operator: "In", values: ["node1.internal"] }] },
          ],
        },
      },
    });
    const claim = named(registered, "volumes-bookie-journal-0-claim");
    assert.deepEqual(claim.inputs.metadata, {
      name: "pulsar-bookie-journal-pulsar-bookie-0",
      namespace: "messaging",
      annotations: { "pulumi.com/waitFor": "jsonpath={.status.phase}=Bound" },
    });
    assert.equal((claim.inputs.spec as { volumeName: string }).volumeName, "pulsar-bookie-journal-pulsar-bookie-0");
    assert.deepEqual(claim.dependsOn, ["volumes-bookie-journal-0"], "on destroy the claim goes before its volume");
  });

  test("a volume may be larger than its claim requests", async () => {
    const registered = await make({ volumes: [volume({ size: "2Ti", request: "1Ti" })] });
    const { capacity } = named(registered, "volumes-bookie-journal-0").inputs.spec as Record<string, unknown>;
    assert.deepEqual(capacity, { storage: "2Ti" });
    const claim = named(registered, "volumes-bookie-journal-0-claim").inputs.spec as Record<string, unknown>;
    assert.deepEqual(claim.resources, { requests: { storage: "1Ti" } });
  });

  test("only volumes are protected, if protect is set, except those of pods whose data is discarded", async () => {
    const protectedOnes = async (args: Partial<LocalVolumesArgs>) =>
      (await make({ volumes: [volume({}), volume({ claim: "b", ordinal: 1, pod: "bookie-1" })], ...args }))
        .filter(({ options }) => options.protect)
        .map(({ name }) => name);
    assert.deepEqual(await protectedOnes({}), []);
    assert.deepEqual(await protectedOnes({ protect: true }), ["volumes-bookie-journal-0", "volumes-bookie-journal-1"]);
    assert.deepEqual(await protectedOnes({ protect: true, moved: ["bookie-1"] }), ["volumes-bookie-journal-0"]);
    assert.deepEqual(await protectedOnes({ moved: ["bookie-1"] }), []);
  });

  test("the storage class waits for the first consumer, retains volumes, and is not created if it exists", async () => {
    const { inputs } = named(await make({}), "volumes-storage-class");
    assert.equal(inputs.provisioner, "kubernetes.io/no-provisioner");
    assert.equal(inputs.volumeBindingMode, "WaitForFirstConsumer");
    assert.equal(inputs.reclaimPolicy, "Retain");
    const without = await make({ storageClass: { name: "disks", create: false } });
    assert.ok(without.every(({ type }) => !type.endsWith("StorageClass")));
    assert.equal(
      (named(without, "volumes-bookie-journal-0").inputs.spec as { storageClassName: string }).storageClassName,
      "disks",
    );
  });

  test("a Job on each node creates its directories and tolerates its taints; without the setting there is none", async () => {
    const tolerations = [{ key: "dedicated", operator: "Equal", value: "pulsar", effect: "NoSchedule" } as const];
    const dependsOn = (node: string) => [new k8s.core.v1.ConfigMap(`before-${node}`)];
    const registered = await make({
      volumes: [
        volume({}),
        volume({ claim: "b", volume: "bookie-ledgers", path: "/data/ledgers" }),
        volume({ claim: "c", ordinal: 1, node: `node2.${"x".repeat(60)}`, hostname: "node2" }),
      ],
      directories: { image: "pulsar-all:2.7.4", pullSecret: "regsecret", tolerations, dependsOn },
    });
    const jobs = registered.filter(({ type }) => type === "kubernetes:batch/v1:Job");
    assert.deepEqual(
      jobs.map(({ dependsOn }) => dependsOn),
      [["before-node1"], [`before-node2.${"x".repeat(60)}`]],
      "each depends only on its own node",
    );
    for (const { inputs } of jobs) {
      const { name } = inputs.metadata as { name: string };
      assert.ok(name.length <= 63 && name.startsWith("pulsar-directories-node"), name);
    }
    const names = async (image: string) =>
      (await make({ directories: { image, tolerations, dependsOn } }))
        .filter(({ type }) => type === "kubernetes:batch/v1:Job")
        .map(({ inputs }) => (inputs.metadata as { name: string }).name);
    assert.deepEqual(await names("pulsar-all:2.7.4"), await names("pulsar-all:2.7.4"));
    assert.notDeepEqual(await names("pulsar-all:2.7.4"), await names("pulsar-all:2.7.5"), "a Job's pods are immutable");
    const { template } = (jobs[0]?.inputs.spec ?? {}) as {
      template: { metadata: object; spec: Record<string, unknown> };
    };
    const labels = { app: "pulsar", release: "pulsar", component: "directories" };
    assert.deepEqual(template.metadata, { labels }, "policies know the pods by these");
    assert.deepEqual(template.spec.nodeSelector, { "kubernetes.io/hostname": "node1.internal" });
    assert.deepEqual(template.spec.tolerations, tolerations);
    assert.deepEqual(template.spec.imagePullSecrets, [{ name: "regsecret" }]);
    assert.deepEqual(template.spec.volumes, [
      { name: "directory-0", hostPath: { path: "/data/journal", type: "DirectoryOrCreate" } },
      { name: "directory-1", hostPath: { path: "/data/ledgers", type: "DirectoryOrCreate" } },
    ]);
    assert.ok((await make({})).every(({ type }) => type !== "kubernetes:batch/v1:Job"));
  });
});
