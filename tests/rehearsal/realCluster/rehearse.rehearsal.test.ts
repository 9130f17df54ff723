/** A simulated control plane as somebody's cluster: everything but containers. */
import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { fileURLToPath } from "node:url";
import { connect, type Api } from "../../../rehearsal/cluster/api.ts";
import { startCluster, type Cluster } from "../../../rehearsal/cluster/controlPlane.ts";
import { createForeignObjects } from "../../../rehearsal/cluster/foreign.ts";
import { compare, takeInventory } from "../../../rehearsal/cluster/inventory.ts";
import { simulatedNodes } from "../../../rehearsal/cluster/nodes.ts";
import { openWorkspace, type Workspace } from "../../../rehearsal/engine/workspace.ts";
import { argumentsIn } from "../../../rehearsal/cli/arguments.ts";
import { rehearseOnCluster } from "../../../rehearsal/realCluster/rehearse.ts";
import { prepareTools } from "../../../rehearsal/tools/tools.ts";
import { fixtures } from "../../support/stackFile.ts";

const workers = ["w1", "w2", "w3"];
let workspace: Workspace;
let cluster: Cluster;
let api: Api;

before(async () => {
  workspace = await openWorkspace();
  const { tools } = await prepareTools({ log: () => undefined, signal: workspace.signal });
  cluster = await startCluster({ tools, workspace });
  const nodes = workers.map((name) => ({ name, hostname: name, cpu: "2", memory: "8Gi" }));
  await cluster.addNodes(simulatedNodes({ nodes, otherNodes: { count: 0 } }));
  api = await connect(cluster.kubeconfig);
  await createForeignObjects(api, workers.map((name) => ({ metadata: { name, labels: {} } }))); // prettier-ignore
});

after(() => workspace.close());

function rehearseHere(...args: string[]) {
  const { cluster: given } = argumentsIn(["--context", cluster.context, "--kubeconfig", cluster.kubeconfig, ...args]);
  assert.ok(given);
  return rehearseOnCluster(given, {
    stackFiles: fileURLToPath(fixtures),
    standIns: "always",
    log: () => undefined,
    limits: {
      quiet: { duringUp: () => 10_000, afterUp: () => 5_000 },
      stable: 60_000,
      ready: 180_000,
      removal: 30_000,
    },
  });
}

const nodes = `--nodes=${workers.map((name, i) => `node${i + 1}=${name}`).join(",")}`;

describe("a rehearsal on somebody's cluster", () => {
  it("is refused with every reason, and changes nothing", async () => {
    const storageClass = {
      ...{ apiVersion: "storage.k8s.io/v1", kind: "StorageClass", metadata: { name: "local-storage" } },
      provisioner: "example.com/theirs",
    };
    await api.objects.create(storageClass);
    const untouched = await takeInventory(api);
    await assert.rejects(rehearseHere("--database-host=127.0.0.1", "--steps=refresh"), (fault: Error) => {
      assert.equal(fault.name, "RehearsalError");
      assert.deepEqual(
        fault.message.split("\n").map((line) => line.replace(/;.*/, "")),
        [
          `--disposable: nothing says that the cluster of ${cluster.context} may be lost`,
          "--nodes: the cluster has no node node1, node2 and node3",
          "pulsar:volumes.storageClass.name: the cluster has a StorageClass local-storage",
        ],
      );
      assert.match(fault.message, /use --nodes node1=w1,node2=w2,node3=w3$/m);
      return true;
    });
    assert.deepEqual(compare(untouched, await takeInventory(api)), { added: [], removed: [] });
    await api.objects.delete(storageClass);
  });

  it("runs every step, and leaves the cluster as it was", async () => {
    const before = await takeInventory(api);
    const steps = "--steps=second-up,refresh,value,rotation,drain";
    const { record, report, verdict } = await rehearseHere("--disposable", nodes, "--small", "--drain=w2", steps, "--database-host=127.0.0.1"); // prettier-ignore
    assert.deepEqual(verdict, { ok: true, problems: [] }, report);
    assert.deepEqual(
      record.operations.map(({ name, outcome }) => [name, outcome]),
      ["up", "second up", "refresh", "value change", "token rotation", "drain", "destroy"].map((name) => [
        name,
        "done",
      ]),
    );
    assert.deepEqual(record.seen?.pods.find(({ name }) => name === "pulsar-bookie-1")?.node, "w2");
    assert.match(report, /^Rehearsal of the stack test on the cluster rehearsal$/m);
    assert.match(report, /sizes for a laptop \(--small\): zookeeper: requests 50m CPU/);
    assert.deepEqual(compare(before, await takeInventory(api)), { added: [], removed: [] });
  });
});
