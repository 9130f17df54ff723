import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { render, verdict, type Operation, type RehearsalRecord } from "../../rehearsal/report.ts";
import { layout, observation, pod, running } from "./seen.ts";

const operation = (name: Operation["name"], over: Partial<Operation> = {}): Operation => ({
  name,
  seconds: 12.34,
  outcome: "done",
  details: [],
  ...over,
});

/** A rehearsal in which everything went well, with changes. */
function record(over: Partial<RehearsalRecord> = {}): RehearsalRecord {
  return {
    stack: "test",
    layout,
    pullSecret: "regsecret",
    parts: { real: ["etcd 3.6.10", "helm 3.22.0"], standIns: ["kubelets are simulated", "plugin tls: a stand-in"] },
    operations: [operation("up"), operation("second up"), operation("refresh"), operation("destroy")],
    seen: running(),
    missing: [],
    leftovers: [],
    trespasses: [],
    ...over,
  };
}

describe("verdict", () => {
  it("is good where everything runs in its place, stays as it is and goes", () => {
    assert.deepEqual(verdict(record()), { ok: true, problems: [] });
  });

  it("gives the scheduler's reason in plain words and in its own, and no second line for Job and claim of the same pod", () => {
    const unscheduled = "0/3 nodes are available: 3 node(s) had untolerated taint(s). preemption: no.";
    const seen = observation({
      pods: [
        pod("pulsar-bookie-init-abcde", {
          title: "pulsar-bookie-init",
          job: "pulsar-bookie-init",
          claims: ["data"],
          tolerations: [],
          unscheduled,
        }),
      ],
      jobs: [{ name: "pulsar-bookie-init", component: "bookie-init", state: "open" }],
      claims: [{ name: "data", phase: "Pending", volume: undefined }],
    });
    assert.deepEqual(verdict(record({ seen, operations: [operation("up", { outcome: "stopped" })] })), {
      ok: false,
      problems: [
        "pulsar-bookie-init-abcde cannot be placed: no toleration for the taint dedicated=pulsar:NoSchedule that all 3 nodes carry " +
          `(scheduler: "${unscheduled}")`,
        "up would have waited for ever and was stopped",
      ],
    });
  });

  for (const [what, over, problem] of [
    [
      "a pod off plan",
      {
        seen: {
          ...running(),
          pods: running().pods.map((one) => (one.name === "pulsar-bookie-0" ? { ...one, node: "node3" } : one)),
        },
      },
      "off plan: pulsar-bookie-0 is on node3; planned: node1",
    ],
    [
      "an init Job that does not complete",
      { seen: { ...running(), jobs: [{ name: "pulsar-pulsar-init", component: "pulsar-init", state: "open" }] } },
      "Job pulsar-pulsar-init does not complete",
    ],
    [
      "a Service that waits for a load balancer",
      { seen: { ...running(), services: [{ name: "proxy", type: "LoadBalancer", ports: [], pending: true }] } },
      "Service proxy waits for a load balancer's address, and Helm with it",
    ],
    [
      "a workload without its pods",
      {
        seen: {
          ...running(),
          workloads: [
            {
              kind: "Deployment",
              name: "manager",
              component: undefined,
              wanted: 1,
              created: 0,
              ready: 0,
              refusal: "exceeded quota",
            },
          ],
        },
      },
      "Deployment manager has 0 of 1 pods: exceeded quota",
    ],
    [
      "a second up that changes something",
      {
        operations: [
          operation("up"),
          operation("second up", { outcome: "changed", details: ["a updated", "b updated"] }),
        ],
      },
      "second up was not clean: a updated\nb updated",
    ],
    [
      "a refresh that finds something",
      { operations: [operation("up"), operation("refresh", { outcome: "changed" })] },
      "refresh was not clean",
    ],
    [
      "a failed up",
      { operations: [operation("up", { outcome: "failed", details: ["no such host"] })] },
      "up failed: no such host",
    ],
    ["something missing", { missing: ["Secret a does not exist"] }, "Secret a does not exist"],
    ["something left behind", { leftovers: ["Secret pulsar/a"] }, "left behind by destroy: Secret pulsar/a"],
    [
      "something of somebody else's gone",
      { trespasses: ["taint x:NoSchedule on node node1"] },
      "not the stack's, and touched: taint x:NoSchedule on node node1",
    ],
  ] satisfies [string, Partial<RehearsalRecord>, string][]) {
    it(`is bad for ${what}`, () => {
      assert.deepEqual(verdict(record(over)), { ok: false, problems: [problem] });
    });
  }

  it("is bad for pods that do not name the pull secret", () => {
    const [first, ...others] = running().pods;
    assert.ok(first);
    const seen = { ...running(), pods: [{ ...first, pullSecrets: [] }, ...others] };
    assert.deepEqual(verdict(record({ seen })).problems, [
      "pulsar-bookie-0 would not get its image: it does not name the pull secret regsecret",
    ]);
    assert.equal(verdict(record({ seen, pullSecret: undefined })).ok, true);
  });
});

describe("render", () => {
  it("tells everything, in the same order each time", () => {
    assert.equal(
      render(record()),
      `Rehearsal of the stack test

Real in this rehearsal
  - etcd 3.6.10, helm 3.22.0

Not the real thing
  - kubelets are simulated
  - plugin tls: a stand-in

Pods by node
  node1  pulsar-bookie-0, pulsar-broker-0, pulsar-proxy-0, pulsar-pulsar-manager, pulsar-zookeeper-0
  node2  pulsar-bookie-1, pulsar-broker-1, pulsar-proxy-1, pulsar-recovery-0, pulsar-zookeeper-1
  node3  pulsar-bookie-2, pulsar-broker-2, pulsar-proxy-2, pulsar-toolset-0, pulsar-zookeeper-2

Init Jobs
  pulsar-bookie-init  complete

Claims and volumes
  claim   phase  size  node
  data-0  Bound  20Gi  node1

Services
  pulsar-proxy  ClusterIP  80/TCP 6650/TCP

Operations
  up          12.3 s  done
  second up   12.3 s  nothing to change
  refresh     12.3 s  nothing found
  destroy     12.3 s  done

The stack test would start: 15 pods run, all where they are planned.`,
    );
  });

  it("lists problems, several lines of one below each other, and pods without a node", () => {
    const seen = observation({ nodes: [], pods: [pod("pulsar-bookie-3", { unscheduled: "no nodes available" })] });
    const failed = operation("up", { outcome: "failed", details: ["one", "two"] });
    const report = render(record({ seen, operations: [failed], parts: { real: [], standIns: [] } }));
    assert.equal(
      report,
      `Rehearsal of the stack test

Pods without a node
  - pulsar-bookie-3

Operations
  up   12.3 s  FAILED

Problems
  - pulsar-bookie-3 cannot be placed: no nodes available (scheduler: "no nodes available")
  - up failed: one
    two

The stack test does not pass: 2 problems.`,
    );
  });
});
