import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { StallDetector, unreadyObjects } from "../../../rehearsal/cluster/readiness.ts";
import { observation, pod, running } from "../seen.ts";

const waiting = observation({ pods: [pod("pulsar-bookie-3", { unscheduled: "0/3 nodes are available: 3 x." })] });

describe("unreadyObjects", () => {
  it("finds nothing in a running stack", () => {
    assert.deepEqual(unreadyObjects(running()), []);
  });

  it("finds everything that is not ready", () => {
    const seen = observation({
      pods: [pod("a"), pod("b", { node: "node1", state: "starting" })],
      claims: [{ name: "data", phase: "Pending" }],
      jobs: [{ name: "init", state: "open" }],
      services: [{ name: "proxy", type: "LoadBalancer", ports: [], pending: true }],
      workloads: [{ kind: "StatefulSet", name: "zookeeper", wanted: 3, created: 1, ready: 1 }],
    });
    assert.deepEqual(
      unreadyObjects(seen).map(({ kind, name }) => `${kind} ${name}`),
      ["Pod a", "Pod b", "Job init", "PersistentVolumeClaim data", "StatefulSet zookeeper", "Service proxy"],
    );
  });

  it("ignores failed pods of Jobs, but no other failed pods", () => {
    const failed = { node: "node1", state: "failed" } as const;
    const seen = observation({ pods: [pod("retried", { ...failed, job: "init" }), pod("evicted", failed)] });
    assert.deepEqual(unreadyObjects(seen), [{ kind: "Pod", name: "evicted" }]);
  });
});

describe("StallDetector", () => {
  it("reports ready as soon as everything is ready", () => {
    assert.equal(new StallDetector(() => 1000).check(running(), 0), "ready");
  });

  it("reports a stall only after the whole quiet period without a change", () => {
    const detector = new StallDetector(() => 1000);
    assert.equal(detector.check(waiting, 500), "progressing");
    assert.equal(detector.check(waiting, 1499), "progressing");
    assert.equal(detector.check(waiting, 1500), "stalled");
  });

  it("restarts the quiet period after every change in the cluster", () => {
    const detector = new StallDetector(() => 1000);
    detector.check(waiting, 0);
    const changed = observation({ pods: [...waiting.pods, pod("another")] });
    assert.equal(detector.check(changed, 900), "progressing");
    assert.equal(detector.check(changed, 1800), "progressing");
    assert.equal(detector.check(changed, 1900), "stalled");
  });

  it("restarts the quiet period on reset", () => {
    const detector = new StallDetector(() => 1000);
    detector.check(waiting, 0);
    detector.reset(900);
    assert.equal(detector.check(waiting, 1800), "progressing");
    assert.equal(detector.check(waiting, 1900), "stalled");
  });
});
