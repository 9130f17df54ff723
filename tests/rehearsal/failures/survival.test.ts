import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { Observation } from "../../../rehearsal/cluster/observe.ts";
import { assessSurvival, quorumOf, type Quorum } from "../../../rehearsal/failures/survival.ts";
import { layout, running } from "../seen.ts";

const quorum: Quorum = { ensemble: 2, write: 2, ack: 2, racks: 0 };

/** The test stack without the pods whose names match. */
function without(...names: (string | RegExp)[]): Observation {
  const seen = running();
  const pods = seen.pods.map((pod) => {
    const out = names.some((name) => (typeof name === "string" ? pod.name === name : name.test(pod.name)));
    return out ? { ...pod, node: undefined, state: "pending" as const } : pod;
  });
  return { ...seen, pods };
}

const judge = (after: Observation, over: Partial<Quorum> = {}) =>
  assessSurvival({ after, failed: [], layout, quorum: { ...quorum, ...over } });

describe("quorumOf", () => {
  it("is two of two of two by default", () => {
    assert.deepEqual(quorumOf({}), quorum);
  });

  it("reads the brokers' configuration", () => {
    assert.deepEqual(
      quorumOf({
        managedLedgerDefaultEnsembleSize: "5",
        managedLedgerDefaultWriteQuorum: "4",
        managedLedgerDefaultAckQuorum: "3",
        bookkeeperClientRackawarePolicyEnabled: "true",
        bookkeeperClientMinNumRacksPerWriteQuorum: "3",
      }),
      { ensemble: 5, write: 4, ack: 3, racks: 3 },
    );
    assert.equal(quorumOf({ bookkeeperClientRackawarePolicyEnabled: "true" }).racks, 2);
  });
});

describe("assessSurvival", () => {
  it("finds nothing degraded if everything runs", () => {
    assert.deepEqual(judge(running()), {
      zookeeper: { running: 3, replicas: 3, needed: 2 },
      bookies: { running: 3, replicas: 3, needed: 2 },
      brokers: { running: 3, replicas: 3, needed: 1 },
      proxies: { running: 3, replicas: 3, needed: 1 },
      quorum: { ensemble: 2, write: 2, ack: 2 },
      stops: [],
      degraded: [],
    });
  });

  it("continues without one node of the test stack", () => {
    const { stops, degraded } = judge(without(/-1$/));
    assert.deepEqual(stops, []);
    assert.deepEqual(degraded, [
      "2 of 3 ZooKeepers run: another loss stops the service",
      "2 of 3 bookies run: another loss stops the service",
      "ledgers that have a copy on a missing bookie are under-replicated until autorecovery has copied them",
      "2 of 3 brokers run",
      "2 of 3 proxies run",
    ]);
  });

  it("stops without two", () => {
    const { stops, degraded } = judge(without(/-[12]$/));
    assert.deepEqual(stops, [
      "ZooKeeper has no majority: 1 of 3 runs, 2 are needed; brokers and bookies cannot continue without it",
      "each ledger is spread over 2 bookies, and 1 of 3 runs: no ledger can be opened and no topic written",
      "2 of 3 bookies are missing, and a message is acknowledged once 2 have it: acknowledged messages may exist only on missing bookies, " +
        "and cannot be read until one of these is back",
    ]);
    assert.deepEqual(degraded, [
      "ledgers that have a copy on a missing bookie are under-replicated until the bookie is back: too few other bookies are left for copies",
      "1 of 3 brokers runs",
      "1 of 3 proxies runs",
    ]);
  });

  it("does not count pods on failed nodes, whatever the API reports", () => {
    const { zookeeper, stops } = assessSurvival({ after: running(), failed: ["node1", "node2"], layout, quorum });
    assert.deepEqual(zookeeper, { running: 1, replicas: 3, needed: 2 });
    assert.equal(stops.length, 3);
  });

  it("does not count pods that have a node but are not ready", () => {
    const seen = running();
    const pods = seen.pods.map((pod) => (pod.component === "broker" ? { ...pod, state: "starting" as const } : pod));
    assert.deepEqual(judge({ ...seen, pods }).stops, ["no broker runs: no topic is served"]);
  });

  it("stops without any broker, and without any proxy", () => {
    assert.deepEqual(judge(without(/broker/, /proxy/)).stops, [
      "no broker runs: no topic is served",
      "no proxy runs: clients that connect through it are cut off",
    ]);
  });

  it("needs as many bookies as the ensemble size", () => {
    assert.deepEqual(judge(without("pulsar-bookie-0"), { ensemble: 3 }).stops, [
      "each ledger is spread over 3 bookies, and 2 of 3 run: no ledger can be opened and no topic written",
    ]);
  });

  it("tolerates the loss of fewer bookies than the ack quorum", () => {
    assert.equal(judge(without("pulsar-bookie-0"), { ack: 1 }).stops.length, 1);
    assert.equal(judge(without("pulsar-bookie-0"), { ack: 2 }).stops.length, 0);
  });

  it("distinguishes whether autorecovery copies the ledgers or nothing does", () => {
    const about = (after: Observation) => judge(after).degraded.filter((line) => /autorecovery/.test(line));
    assert.deepEqual(about(without("pulsar-bookie-0", /recovery/)), [
      "ledgers that have a copy on a missing bookie are under-replicated and remain so: autorecovery does not run",
    ]);
    assert.deepEqual(about(without(/recovery/)), [
      "autorecovery does not run: ledgers of a lost bookie would stay under-replicated",
    ]);
  });

  it("does not count the operators' tools as part of the service", () => {
    const { stops, degraded } = judge(without(/toolset/, /manager/));
    assert.deepEqual(stops, []);
    assert.deepEqual(
      degraded.map((line) => line.split(":")[0]),
      ["the toolset does not run", "Pulsar Manager does not run"],
    );
  });

  describe("with six bookies in three zones, of which one is lost", () => {
    const names = ["node1", "node2", "node3", "node4", "node5", "node6"];
    const zoned = {
      nodes: names.map((name, i) => ({ ...first(layout.nodes), name, hostname: name, zone: `z${i % 3}` })),
      placements: {
        ...layout.placements,
        bookkeeper: { ...layout.placements.bookkeeper, replicas: 6, nodes: names },
      },
    };
    const seen = running();
    const bookies = names.map((node, i) => ({ ...first(seen.pods), name: `pulsar-bookie-${i}`, node }));
    const after = { ...seen, pods: [...seen.pods.filter(({ component }) => component !== "bookie"), ...bookies] };
    const stops = (over: Partial<Quorum>, failed = ["node1", "node4"]) => {
      const input = { after, failed, layout: zoned, quorum: { ...quorum, ...over } };
      return assessSurvival(input).stops.filter((line) => line.includes("acknowledged")).length;
    };

    it("may lose messages without rack awareness", () => {
      assert.equal(stops({ racks: 0 }), 1);
    });

    it("loses at most one of two copies in two racks", () => {
      assert.equal(stops({ racks: 2 }), 0);
    });

    it("may lose two of three copies, because only adjacent copies are in different racks", () => {
      assert.equal(stops({ racks: 2, ensemble: 3, write: 3 }), 1);
    });

    it("loses at most one of three copies in three racks", () => {
      assert.equal(stops({ racks: 3, ensemble: 3, write: 3 }), 0);
    });

    it("may lose messages with bookies of two zones", () => {
      assert.equal(stops({ racks: 2 }, ["node1", "node2"]), 1);
    });
  });
});

function first<T>([one]: readonly T[]): T {
  assert.ok(one);
  return one;
}
