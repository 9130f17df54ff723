/**
 * The runbooks in docs/, each followed on the rehearsed production stack. That one leaves nothing to do shows in the next, whose changes are compared
 * exactly.
 */
import assert from "node:assert/strict";
import { test } from "node:test";
import { parseSettings } from "../../settings/settings.ts";
import { compare, takeInventory } from "../../rehearsal/cluster/inventory.ts";
import { drainNodes, restoreNodes, failNodes } from "../../rehearsal/failures/nodeFailures.ts";
import type { SimulatedNode } from "../../rehearsal/cluster/nodes.ts";
import type { Observation } from "../../rehearsal/cluster/observe.ts";
import { placementProblems } from "../../rehearsal/report/placement.ts";
import { changesAfterDestroy, waitUntilStable } from "../../rehearsal/rehearse.ts";
import { unreadyObjects } from "../../rehearsal/cluster/readiness.ts";
import type { Stage } from "../../rehearsal/stage.ts";
import { stackConfig } from "../support/stackFile.ts";
import { assertOk, changed, errorsOf, withRehearsal } from "./support.ts";

/** Additional nodes for the stack file, like the others of their group. */
const spare = { "bk-5": "bk-1", "bk-9": "bk-1", "zk-9": "zk-1" };

test("the runbooks", async (t) => {
  await withRehearsal({ stack: "prod", nodes: withSpareNodes }, async (stage) => {
    const { stack, api } = stage;
    assertOk(await stack.up());
    await assertRunning(stage, stage.layout);
    const bookie = (i: number, key: string) => `pulsar:nodeGroups.bookkeeper.nodes[${i}].${key}`;
    const zookeeper = (i: number, key: string) => `pulsar:nodeGroups.zookeeper.nodes[${i}].${key}`;
    const groups = structuredClone(stackGroups());

    await t.test("destroy is refused before anything is changed", async () => {
      const before = await takeInventory(api);
      const refused = await stack.destroy();
      assert.equal(refused.ok, false);
      assert.match(errorsOf(refused).join("\n"), /production-guard" cannot be deleted\s+because it is protected/);
      // The engine shows its attempts.
      assert.deepEqual(changed(refused), ["delete production-guard"]);
      const { added, removed } = compare(before, await takeInventory(api));
      assert.deepEqual({ added, removed }, { added: [], removed: [] });
    });

    await t.test(
      "docs/operations/add-a-bookie.md: one more node in the list, and nothing else is changed",
      async () => {
        const before = await uids(stage);
        await stack.configure({ plain: { [bookie(4, "name")]: "bk-5", [bookie(4, "zone")]: "b" } });
        groups.bookkeeper.nodes.push({ name: "bk-5", zone: "b" });
        const expected = [
          "create bookie-racks-job",
          "create nodes-marks-bk-5",
          "create smoke-test-job",
          "create volumes-bookie-journal-4",
          "create volumes-bookie-journal-4-claim",
          "create volumes-bookie-ledgers-4",
          "create volumes-bookie-ledgers-4-claim",
          "create volumes-directories-bk-5",
          "delete bookie-racks-job",
          "delete smoke-test-job",
          "update pulsar-release",
          "update volume-contract",
        ];
        const up = await stack.up();
        assertOk(up);
        assert.deepEqual(changed(up), expected, up.text);
        const seen = await assertRunning(stage, layoutWith(groups));
        assert.equal(nodeOf(seen, "pulsar-bookie-4"), "bk-5");
        const after = await uids(stage);
        for (const [pod, uid] of Object.entries(before)) assert.equal(after[pod], uid, `${pod} was created again`);
      },
    );

    await t.test("another order of the nodes is refused, with the runbook's name", async () => {
      await stack.configure({ plain: { [bookie(0, "name")]: "bk-2", [bookie(1, "name")]: "bk-1" } });
      const refused = await stack.preview();
      assert.equal(refused.ok, false);
      assert.match(errorsOf(refused).join("\n"), /bookie-0 bk-1 -> bk-2.*docs\/operations\/replace-a-node\.md/s);
      assert.equal((await stack.up()).ok, false);
      await stack.configure({ plain: { [bookie(0, "name")]: "bk-1", [bookie(1, "name")]: "bk-2" } });
    });

    await t.test(
      "docs/operations/move-a-changed-default.md: another directory or size is refused, the previous one as a setting changes nothing",
      async () => {
        const settings = {
          "pulsar:volumes.directories.bookie-journal": "/mnt/other",
          "pulsar:volumes.sizes.zookeeper-data": "60Gi",
        };
        const old = {
          "pulsar:volumes.directories.bookie-journal": "/mnt/journal/pulsar",
          "pulsar:volumes.sizes.zookeeper-data": "50Gi",
        };
        await stack.configure({ plain: settings });
        const refused = await stack.preview();
        assert.equal(refused.ok, false);
        const errors = errorsOf(refused).join("\n");
        assert.match(errors, /bookie-journal has its data in .*docs\/operations\/move-a-changed-default\.md/);
        assert.match(errors, /zookeeper-data was created with .*docs\/operations\/move-a-changed-default\.md/);
        await stack.configure({ plain: old });
      },
    );

    await t.test("docs/operations/replace-a-node.md: a bookie's node that is lost permanently", async () => {
      await failNodes(stage, ["bk-2"]);
      await api.core.deleteNode({ name: "bk-2" });
      const before = await uids(stage, "bookie-1");
      await stack.configure({ plain: { [bookie(1, "name")]: "bk-9" } });
      groups.bookkeeper.nodes[1] = { name: "bk-9", zone: "b" };
      const refused = await stack.preview();
      assert.equal(refused.ok, false);
      assert.match(
        errorsOf(refused).join("\n"),
        /bookie-1 has its data on bk-2.*docs\/operations\/replace-a-node\.md.*movedVolumes/s,
      );

      await stack.configure({
        plain: {
          "pulsar:movedVolumes[0].pod": "bookie-1",
          "pulsar:movedVolumes[0].from": "bk-2",
          "pulsar:movedVolumes[0].to": "bk-9",
        },
      });
      const up = await stack.up();
      assertOk(up);
      assert.deepEqual(changed(up), moves("bk-2", "bk-9", ["bookie-journal-1", "bookie-ledgers-1"]), up.text);
      const seen = await assertRunning(stage, layoutWith(groups));
      assert.equal(nodeOf(seen, "pulsar-bookie-1"), "bk-9");
      const after = await uids(stage, "bookie-1");
      assert.deepEqual(after, before);
    });

    await t.test("docs/operations/replace-a-node.md: a ZooKeeper's node", async () => {
      await failNodes(stage, ["zk-3"]);
      await api.core.deleteNode({ name: "zk-3" });
      const before = await uids(stage, "zookeeper-2");
      await stack.configure({
        plain: {
          [zookeeper(2, "name")]: "zk-9",
          "pulsar:movedVolumes[1].pod": "zookeeper-2",
          "pulsar:movedVolumes[1].from": "zk-3",
          "pulsar:movedVolumes[1].to": "zk-9",
        },
      });
      groups.zookeeper.nodes[2] = { name: "zk-9", zone: "c" };
      const up = await stack.up();
      assertOk(up);
      assert.deepEqual(changed(up), moves("zk-3", "zk-9", ["zookeeper-data-2"]), up.text);
      const seen = await assertRunning(stage, layoutWith(groups));
      assert.equal(nodeOf(seen, "pulsar-zookeeper-2"), "zk-9");
      assert.deepEqual(await uids(stage, "zookeeper-2"), before);
    });

    await t.test(
      "docs/operations/drain-a-node.md: a bookie's node and a serving node, one after the other",
      async () => {
        for (const node of ["bk-3", "sv-1"]) {
          assert.deepEqual(await drainNodes(stage, [node]), new Map());
          const { pods } = await waitUntilStable(stage);
          assert.deepEqual(
            pods.filter((pod) => pod.node === node && pod.state === "ready"),
            [],
          );
          await restoreNodes(stage, [node]);
          await assertRunning(stage, layoutWith(groups));
        }
        assertOk(await stack.up({ expectNoChanges: true }));
      },
    );

    await t.test(
      "docs/operations/restore-after-destroy.md: destroyed on purpose, and installed again with its data",
      async () => {
        const paths = await volumePaths(stage);
        await stack.unprotect();
        assertOk(await stack.destroy());
        const left = await changesAfterDestroy(stage, 30_000);
        assert.deepEqual(left.added, []);
        // The two lost nodes, and the objects that the cluster keeps for each node, do not belong to the stack.
        assert.deepEqual(
          left.removed.filter((name) => !/bk-2|zk-3/.test(name)),
          [],
        );

        await stack.configure({ plain: { "pulsar:managerDatabase.create": "false" } });
        assertOk(await stack.up());
        await assertRunning(stage, layoutWith(groups));
        assert.deepEqual(await volumePaths(stage), paths);
        assertOk(await stack.up({ expectNoChanges: true }));
      },
    );
  });
});

function withSpareNodes(planned: SimulatedNode[]): SimulatedNode[] {
  const others = Object.entries(spare).map(([name, like]) => {
    const model = planned.find(({ metadata }) => metadata.name === like);
    assert.ok(model);
    const labels = { ...model.metadata.labels, "kubernetes.io/hostname": name };
    return { ...model, metadata: { ...model.metadata, name, labels } };
  });
  return [...planned, ...others];
}

/** The changes of an up that moves volumes from a node to another. */
function moves(from: string, to: string, volumes: string[]): string[] {
  const objects = volumes.flatMap((name) => [`volumes-${name}`, `volumes-${name}-claim`]);
  return [
    "update volume-contract",
    ...["nodes-marks", "volumes-directories"].flatMap((name) => [`create ${name}-${to}`, `delete ${name}-${from}`]),
    ...objects.flatMap((name) => [`create ${name}`, `delete ${name}`]),
  ].sort();
}

interface Groups {
  zookeeper: { nodes: { name: string; zone: string }[] };
  bookkeeper: { nodes: { name: string; zone: string }[] };
}

function stackGroups(): Groups {
  return JSON.parse(stackConfig("prod").values["pulsar:nodeGroups"] ?? "") as Groups;
}

/** The layout of the production stack with other nodes. */
function layoutWith(groups: Groups) {
  return parseSettings(stackConfig("prod", { "pulsar:nodeGroups": groups }), "prod", true).layout;
}

/** Checks that everything is ready and runs where planned. */
async function assertRunning(stage: Stage, layout: Stage["layout"]): Promise<Observation> {
  const seen = await waitUntilStable(stage);
  assert.deepEqual(unreadyObjects(seen), []);
  assert.deepEqual(placementProblems(seen.pods, layout, true), []);
  return seen;
}

function nodeOf({ pods }: Observation, name: string): string | undefined {
  return pods.find((pod) => pod.name === name)?.node;
}

/** The uids of all pods of StatefulSets except one, and of their claims and volumes, to detect replaced objects. */
async function uids(
  { api, settings: { namespace } }: Stage,
  except = "none",
): Promise<Record<string, string | undefined>> {
  const [pods, claims, volumes] = await Promise.all([
    api.core.listNamespacedPod({ namespace, labelSelector: "component in (zookeeper, bookie, broker, proxy)" }),
    api.core.listNamespacedPersistentVolumeClaim({ namespace }),
    api.core.listPersistentVolume(),
  ]);
  return Object.fromEntries(
    [pods, claims, volumes].flatMap(({ items }, kind) =>
      items
        .map(({ metadata }) => metadata)
        .filter((metadata) => metadata?.name?.endsWith(except) === false)
        .map((metadata) => [`${["Pod", "Claim", "Volume"][kind]} ${metadata?.name}`, metadata?.uid]),
    ),
  );
}

/** The node and directory of each volume. */
async function volumePaths({ api }: Stage) {
  const { items } = await api.core.listPersistentVolume();
  return items.map(({ metadata, spec }) => [metadata?.name, spec?.local?.path, JSON.stringify(spec?.nodeAffinity)]);
}
