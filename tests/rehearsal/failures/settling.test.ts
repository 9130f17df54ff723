import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { openMatters, Settling } from "../../../rehearsal/failures/settling.ts";
import { observation, pod, running } from "../seen.ts";

const waiting = observation({ pods: [pod("pulsar-bookie-3", { unscheduled: "0/3 nodes are available: 3 x." })] });

describe("openMatters", () => {
  it("finds none in a stack that runs", () => {
    assert.deepEqual(openMatters(running()), []);
  });

  it("finds everything that is not there yet", () => {
    const seen = observation({
      pods: [pod("a"), pod("b", { node: "node1", state: "starting" })],
      claims: [{ name: "data", phase: "Pending", volume: undefined }],
      jobs: [{ name: "init", component: undefined, state: "open" }],
      services: [{ name: "proxy", type: "LoadBalancer", ports: [], pending: true }],
      workloads: [
        {
          kind: "StatefulSet",
          name: "zookeeper",
          component: undefined,
          wanted: 3,
          created: 1,
          ready: 1,
          refusal: undefined,
        },
      ],
    });
    assert.deepEqual(
      openMatters(seen).map(({ kind, name }) => `${kind} ${name}`),
      ["Pod a", "Pod b", "Job init", "PersistentVolumeClaim data", "StatefulSet zookeeper", "Service proxy"],
    );
  });

  it("counts the Job and not its failed pod, but any other failed pod", () => {
    const failed = { node: "node1", state: "failed" } as const;
    const seen = observation({ pods: [pod("retried", { ...failed, job: "init" }), pod("evicted", failed)] });
    assert.deepEqual(openMatters(seen), [{ kind: "Pod", name: "evicted" }]);
  });
});

describe("Settling", () => {
  it("has settled as soon as nothing is open", () => {
    assert.equal(new Settling(1000).judge(running(), 0), "settled");
  });

  it("is stuck only after nothing has moved for the whole quiet", () => {
    const settling = new Settling(1000);
    assert.equal(settling.judge(waiting, 500), "moving");
    assert.equal(settling.judge(waiting, 1499), "moving");
    assert.equal(settling.judge(waiting, 1500), "stuck");
  });

  it("begins anew with every movement in the cluster", () => {
    const settling = new Settling(1000);
    settling.judge(waiting, 0);
    const moved = observation({ pods: [...waiting.pods, pod("another")] });
    assert.equal(settling.judge(moved, 900), "moving");
    assert.equal(settling.judge(moved, 1800), "moving");
    assert.equal(settling.judge(moved, 1900), "stuck");
  });

  it("begins anew when the engine is at work", () => {
    const settling = new Settling(1000);
    settling.judge(waiting, 0);
    settling.moved(900);
    assert.equal(settling.judge(waiting, 1800), "moving");
    assert.equal(settling.judge(waiting, 1900), "stuck");
  });
});
