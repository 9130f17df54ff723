/**
 * The volume contract of a stack: what a preview refuses, and the effect of an accepted move on the cluster. Runs on a control plane that another
 * test has started: tests/rehearsal/failures/whatIf.rehearsal.test.ts.
 */
import assert from "node:assert/strict";
import { readFile, writeFile } from "node:fs/promises";
import type { TestContext } from "node:test";
import { parseDocument } from "yaml";
import { waitUntilStable } from "../../../rehearsal/rehearse.ts";
import type { SimulatedNode } from "../../../rehearsal/cluster/nodes.ts";
import { unreadyObjects } from "../../../rehearsal/cluster/readiness.ts";
import type { Stage } from "../../../rehearsal/stage.ts";
import { waitFor } from "../../../rehearsal/cluster/waiting.ts";
import { assertOk, errorsOf } from "../../rehearsal/support.ts";

/** Milliseconds. Enough for the longest wait on a busy machine. */
const limit = 120_000;

/** The volumes of bookie-1 and zookeeper-1. */
const theirs = ["bookie-journal", "bookie-ledgers", "zookeeper-data"].map(
  (volume) => `pulsar-${volume}-pulsar-${volume.replace(/-.*/, "")}-1`,
);
const pods = ["pulsar-bookie-1", "pulsar-zookeeper-1"];

/** Adds node4, which replaces node2. */
export function withSpareNode(planned: SimulatedNode[]): SimulatedNode[] {
  const spare = structuredClone(planned.slice(-1)).map((node) => {
    node.metadata = { ...node.metadata, name: "node4" };
    node.metadata.labels["kubernetes.io/hostname"] = "node4";
    return node;
  });
  return [...planned, ...spare];
}

/** Tests on the deployed test stack, which must have a spare node. */
export async function testReplacedNode(parent: TestContext, stage: Stage): Promise<void> {
  await parent.test("a replaced node", async (t) => {
    const { stack } = stage;
    const before = await identities(stage);
    await stack.configure({ plain: { "pulsar:nodes[1].name": "node4" } });

    await t.test("is refused at preview and at up, which changes nothing", async () => {
      for (const outcome of [await stack.preview(), await stack.up()]) {
        assert.equal(outcome.ok, false);
        const [error = ""] = errorsOf(outcome);
        assert.match(error, /this change would leave data behind:\n/);
        assert.match(
          error,
          /\n {2}- bookie-1 has its data on node2 and would start empty on node4 \(pulsar-bookie-journal-pulsar-bookie-1, /,
        );
        assert.match(error, /\{pod: zookeeper-1, from: node2, to: node4\}/);
        assert.doesNotMatch(outcome.text, /\n\s+at |__provider/, "a stack trace, or the resource's inputs");
        assert.deepEqual(
          Object.keys(outcome.changes).filter((op) => op !== "same"),
          [],
        );
      }
      assert.deepEqual(await identities(stage), before);
    });

    await t.test("replaces exactly these volumes and claims once accepted", async () => {
      const accepted = ["bookie-1", "zookeeper-1"].flatMap((pod, i) =>
        Object.entries({ pod, from: "node2", to: "node4" }).map(([key, value]) => [
          `pulsar:movedVolumes[${i}].${key}`,
          value,
        ]),
      );
      await stack.configure({ plain: Object.fromEntries(accepted) as Record<string, string> });
      // The new pods wait, and the StatefulSet controller creates their claims before the stack does.
      const [outcome] = await Promise.all([stack.up(), deletePodsOnceTheirClaimsGo(stage)]);
      assertOk(outcome);

      const after = await identities(stage);
      const replaced = Object.keys(before).filter((name) => before[name] !== after[name]);
      assert.deepEqual(replaced.sort(), theirs.flatMap((name) => [`claim ${name}`, `volume ${name}`]).sort());
      const seen = await waitUntilStable(stage);
      assert.deepEqual(unreadyObjects(seen), []);
      const where = seen.pods.filter(({ name }) => pods.includes(name)).map(({ name, node }) => [name, node]);
      assert.deepEqual(
        where.sort(),
        pods.map((name) => [name, "node4"]),
      );
    });

    await t.test("causes no more changes, although its acceptance remains", async () => {
      assertOk(await stack.up({ expectNoChanges: true }));
      assertOk(await stack.refresh({ expectNoChanges: true }));
    });

    await t.test("another layout is refused, with everything that it would leave behind", async () => {
      const now = await identities(stage);
      await toDedicated(stack.configFile);
      for (const outcome of [await stack.preview(), await stack.up()]) {
        assert.equal(outcome.ok, false);
        const [error = ""] = errorsOf(outcome);
        assert.match(error, /the data of 6 pods would be left behind/);
        assert.match(error, /bookie-0 node1 -> bk-1, bookie-1 node4 -> bk-2, bookie-2 node3 -> bk-3/);
        assert.match(error, /zookeeper-0 node1 -> zk-1/);
        assert.match(error, /`pulumi destroy` with the former settings/);
      }
      assert.deepEqual(await identities(stage), now);
    });
  });
}

/** Changes the stack's configuration to the dedicated layout, as a user does in the file. */
async function toDedicated(file: string): Promise<void> {
  const stackFile = parseDocument(await readFile(file, "utf8"));
  const group = (prefix: string) => ({ nodes: [1, 2, 3].map((i) => ({ name: `${prefix}-${i}` })) });
  stackFile.setIn(["config", "pulsar:layout"], "dedicated");
  stackFile.setIn(["config", "pulsar:environment"], "test");
  stackFile.deleteIn(["config", "pulsar:nodes"]);
  stackFile.setIn(["config", "pulsar:nodeGroups"], {
    zookeeper: group("zk"),
    bookkeeper: group("bk"),
    serving: group("sv"),
  });
  await writeFile(file, stackFile.toString());
}

/** The step of the runbook: a pod holds its claims until it is deleted, and the stack waits for this. */
async function deletePodsOnceTheirClaimsGo({ api, settings: { namespace }, workspace: { signal } }: Stage) {
  await waitFor(
    async () => {
      const { items } = await api.core.listNamespacedPersistentVolumeClaim({ namespace });
      const going = items.flatMap(({ metadata }) => (metadata?.deletionTimestamp ? (metadata.name ?? []) : []));
      return theirs.every((name) => going.includes(name)) || undefined;
    },
    { what: "the deletion of the claims", limit, every: 250, signal },
  );
  for (const name of pods) await api.core.deleteNamespacedPod({ namespace, name });
}

/** The uids of volumes, claims and StatefulSets. */
async function identities({ api, settings: { namespace } }: Stage): Promise<Record<string, string | undefined>> {
  const found = {
    volume: await api.core.listPersistentVolume(),
    claim: await api.core.listNamespacedPersistentVolumeClaim({ namespace }),
    statefulSet: await api.apps.listNamespacedStatefulSet({ namespace }),
  };
  return Object.fromEntries(
    Object.entries(found).flatMap(([kind, { items }]) =>
      items.map(({ metadata }) => [`${kind} ${metadata?.name}`, metadata?.uid]),
    ),
  );
}
