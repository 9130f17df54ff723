import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { checkVolumePlaces } from "../../../resources/kubernetes/volumePlaces.ts";
import type { VolumePlaces } from "../../../model/volumePlaces.ts";
import { asUsers, fakeClusters } from "../../support/fakeClusters.ts";

const { answering, nobody } = fakeClusters();
const up = { dryRun: false };

const places = (count: number): VolumePlaces => {
  const name = (i: number) => `node${i + 1}`;
  const numbers = Array.from({ length: count }, (_, i) => i);
  return {
    namespace: "pulsar",
    nodes: numbers.map((i) => ({ name: name(i), hostname: name(i), setting: `pulsar:nodes[${i}]` })),
    volumes: numbers.map((i) => ({
      claim: `claim-${i}`,
      volume: "zookeeper-data",
      ordinal: i,
      pod: `zookeeper-${i}`,
      node: name(i),
      hostname: name(i),
      path: "/data",
      setting: "pulsar:volumes.dataDirectory",
      size: "20Gi",
      request: "20Gi",
    })),
  };
};

/** A cluster with the node node1, labeled `hostname`, and a volume of the stack in /data. */
function clusterOf(hostname: string, namespace: string, status = 200) {
  const items: Record<string, object[]> = {
    "/api/v1/nodes": [{ metadata: { name: "node1", labels: { "kubernetes.io/hostname": hostname } } }],
    "/api/v1/persistentvolumes": [
      {
        metadata: { name: "volume", annotations: { "pulsar-stack/owner": "organization/pulsar/b" } },
        spec: { hostPath: { path: "/data" }, claimRef: { namespace, name: "claim-0" } },
      },
    ],
  };
  return answering(({ url = "" }, response) => {
    response.writeHead(status, { "content-type": "application/json" });
    response.end(JSON.stringify({ items: items[url], message: "so it is" }));
  });
}

describe("the places of volumes", () => {
  for (const [command, dryRun] of Object.entries({ up: false, preview: true })) {
    test(`${command}: are accepted if the labels match the settings and the volumes belong to the stack`, async () => {
      await checkVolumePlaces(await clusterOf("node1", "pulsar"), places(1), { dryRun });
    });

    test(`${command}: are refused with all faults`, async () => {
      await assert.rejects(checkVolumePlaces(await clusterOf("host1", "b"), places(1), { dryRun }), (error: Error) => {
        assert.equal(
          error.message,
          [
            'the volumes cannot be created in the cluster of context "test":',
            "  - pulsar:nodes[0].hostname: the settings say node1, but node node1 has the label kubernetes.io/hostname=host1, " +
              "and no volume would bind there; set hostname: host1",
            "  - pulsar:volumes.dataDirectory: zookeeper-0 would have its zookeeper-data in /data on node1, where PersistentVolume volume " +
              "(stack organization/pulsar/b, claim b/claim-0) has /data; set another directory",
            "Nothing was changed.",
          ].join("\n"),
        );
        assert.equal(error.stack, error.message);
        return true;
      });
    });
  }

  test("are refused with a limited number of lines", async () => {
    await assert.rejects(
      checkVolumePlaces(await clusterOf("node1", "organization/pulsar/b"), places(300), up),
      ({ message }: Error) => {
        const lines = message.split("\n");
        assert.equal(lines.length, 23);
        assert.equal(lines.at(-2), "  - and 280 more");
        return true;
      },
    );
  });

  test("up: an unreachable cluster, or one that returns an error, is an error of its own", async () => {
    await assert.rejects(
      checkVolumePlaces(await nobody(), places(1), up),
      /^Error: the API server .* cannot be reached/,
    );
    const forbidden = await clusterOf("node1", "pulsar", 403);
    await assert.rejects(
      checkVolumePlaces(forbidden, places(1), up),
      /^Error: the API server .* answers 403: so it is/,
    );
  });

  test("preview: are not checked if the stack names no cluster, or the cluster does not respond", async () => {
    const { kubeconfig } = await clusterOf("host1", "pulsar");
    await asUsers(kubeconfig, () => checkVolumePlaces({}, places(1), { dryRun: true }));
    for (const ref of [await nobody(), await clusterOf("host1", "pulsar", 403)]) {
      await checkVolumePlaces(ref, places(1), { dryRun: true });
    }
  });
});
