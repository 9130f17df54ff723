import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { Operation, RehearsalRecord } from "../../../rehearsal/report/record.ts";
import { render, verdict } from "../../../rehearsal/report/report.ts";
import type { WhatIf } from "../../../rehearsal/failures/whatIf.ts";
import { layout, observation, pod, pulsarImage, running } from "../seen.ts";

const operation = (name: Operation["name"], over: Partial<Operation> = {}): Operation => ({
  name,
  seconds: 12.34,
  outcome: "done",
  details: [],
  ...over,
});

/** The loss of node2 of the test stack, with changes. */
function whatIf(over: Partial<WhatIf> = {}, stops: string[] = []): WhatIf {
  return {
    kind: "lost",
    nodes: ["node2"],
    moves: [
      { pod: "pulsar-recovery-0", component: "autorecovery", from: "node2", to: "node3" },
      { pod: "pulsar-zookeeper-1", component: "zookeeper", from: "node2", why: "its volume is on node2" },
    ],
    survival: {
      zookeeper: { running: 2, replicas: 3, needed: 2 },
      bookies: { running: 3, replicas: 3, needed: 2 },
      brokers: { running: 3, replicas: 3, needed: 1 },
      proxies: { running: 3, replicas: 3, needed: 1 },
      quorum: { ensemble: 2, write: 2, ack: 2 },
      stops,
      degraded: ["2 of 3 ZooKeepers run"],
    },
    advice: ["Make sure that node2 is off", "Say so: kubectl taint node node2 x"],
    after: running(),
    ...over,
  };
}

/** The record of a successful rehearsal, with changes. */
function record(over: Partial<RehearsalRecord> = {}): RehearsalRecord {
  return {
    stack: "test",
    layout,
    pullSecret: "regsecret",
    images: [pulsarImage],
    parts: { real: ["etcd 3.6.10", "helm 3.22.0"], standIns: ["kubelets are simulated", "plugin tls: a stand-in"] },
    operations: [operation("up"), operation("second up"), operation("refresh"), operation("destroy")],
    seen: running(),
    missing: [],
    leftovers: [],
    foreignChanges: [],
    ...over,
  };
}

describe("verdict", () => {
  it("passes if everything runs where planned, is unchanged by a second up and is removed", () => {
    assert.deepEqual(verdict(record()), { ok: true, problems: [] });
  });

  it("has the scheduler's reason, explained and verbatim, and no second line for Job and claim of the same pod", () => {
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
      claims: [{ name: "data", phase: "Pending" }],
    });
    assert.deepEqual(verdict(record({ seen, operations: [operation("up", { outcome: "stopped" })] })), {
      ok: false,
      problems: [
        "pulsar-bookie-init-abcde cannot be placed: no toleration for the taint dedicated=pulsar:NoSchedule on all 3 nodes " +
          `(scheduler: "${unscheduled}")`,
        "up would never have finished and was stopped",
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
      "not as planned: pulsar-bookie-0 is on node3; planned: node1",
    ],
    [
      "an init Job that does not complete",
      { seen: { ...running(), jobs: [{ name: "pulsar-pulsar-init", component: "pulsar-init", state: "open" }] } },
      "Job pulsar-pulsar-init does not complete",
    ],
    [
      "a Service that waits for a load balancer",
      { seen: { ...running(), services: [{ name: "proxy", type: "LoadBalancer", ports: [], pending: true }] } },
      "Service proxy waits for a load balancer address, and Helm waits for it",
    ],
    [
      "a workload without its pods",
      {
        seen: {
          ...running(),
          workloads: [
            { kind: "Deployment", name: "manager", wanted: 1, created: 0, ready: 0, refusal: "exceeded quota" },
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
      "second up found changes: a updated\nb updated",
    ],
    [
      "a refresh that finds something",
      { operations: [operation("up"), operation("refresh", { outcome: "changed" })] },
      "refresh found changes",
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
      { foreignChanges: ["taint x:NoSchedule on node node1"] },
      "not owned by the stack, but changed: taint x:NoSchedule on node node1",
    ],
  ] satisfies [string, Partial<RehearsalRecord>, string][]) {
    it(`fails for ${what}`, () => {
      assert.deepEqual(verdict(record(over)), { ok: false, problems: [problem] });
    });
  }

  it("passes if the service continues without a node, and fails if it stops", () => {
    assert.deepEqual(verdict(record({ whatIfs: [whatIf()] })), { ok: true, problems: [] });
    const whatIfs = [whatIf(), whatIf({ nodes: ["node1", "node3"] }, ["ZooKeeper has no majority", "no broker runs"])];
    assert.deepEqual(verdict(record({ whatIfs })), {
      ok: false,
      problems: [
        "if nodes node1 and node3 are lost: ZooKeeper has no majority",
        "if nodes node1 and node3 are lost: no broker runs",
      ],
    });
  });

  it("fails for pods without the pull secret", () => {
    const [first, ...others] = running().pods;
    assert.ok(first);
    const seen = { ...running(), pods: [{ ...first, pullSecrets: [] }, ...others] };
    assert.deepEqual(verdict(record({ seen })).problems, [
      "pulsar-bookie-0 cannot pull its image: it does not name the pull secret regsecret",
    ]);
    assert.equal(verdict(record({ seen, pullSecret: undefined })).ok, true);
  });
});

describe("images", () => {
  it("that are not listed are a problem each, in any container", () => {
    const [first, second, ...others] = running().pods;
    assert.ok(first && second);
    const asked = [pulsarImage, "docker.io/library/busybox:1", "docker.io/library/busybox:1"];
    const pods = [{ ...first, images: asked }, { ...second, images: [`${pulsarImage}@sha256:0`] }, ...others];
    assert.deepEqual(verdict(record({ seen: { ...running(), pods } })).problems, [
      "pulsar-bookie-0 uses docker.io/library/busybox:1, which is not among the stack's images (npm run images)",
      `pulsar-bookie-1 uses ${pulsarImage}@sha256:0, which is not among the stack's images (npm run images)`,
    ]);
  });
});

describe("render", () => {
  it("contains everything, in a fixed order", () => {
    assert.equal(
      render(record()),
      `Rehearsal of the stack test

Real in this rehearsal
  - etcd 3.6.10, helm 3.22.0

Simulated or replaced by stand-ins
  - kubelets are simulated
  - plugin tls: a stand-in

Pods by node
  node1  pulsar-bookie-0, pulsar-broker-0, pulsar-proxy-0, pulsar-pulsar-manager, pulsar-zookeeper-0
  node2  pulsar-bookie-1, pulsar-broker-1, pulsar-proxy-1, pulsar-recovery-0, pulsar-zookeeper-1
  node3  pulsar-bookie-2, pulsar-broker-2, pulsar-proxy-2, pulsar-toolset-0, pulsar-zookeeper-2

Jobs
  pulsar-bookie-init  complete

Claims and volumes
  claim   phase  size  node
  data-0  Bound  20Gi  node1

Services
  pulsar-proxy  ClusterIP  80/TCP 6650/TCP

Operations
  up          12.3 s  done
  second up   12.3 s  no changes
  refresh     12.3 s  no changes
  destroy     12.3 s  done

The stack test would start: 15 pods run, all where planned.`,
    );
  });

  it("lists problems, also with several lines, and pods without a node", () => {
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

  /** The sections about failures, which come last. */
  const about = (whatIfs: WhatIf[]): string => {
    const report = render(record({ whatIfs, operations: [operation("up")] }));
    return report.slice(report.indexOf("\n\nIf ") + 2);
  };

  it("shows a single case in full", () => {
    assert.equal(
      about([whatIf()]),
      `If node node2 is lost
  pod                 was on  result
  pulsar-recovery-0   node2   node3
  pulsar-zookeeper-1  node2   its volume is on node2

Remaining replicas
  ZooKeeper  2 of 3 run  2 needed
  bookies    3 of 3 run  2 needed (ensemble 2, write quorum 2, ack quorum 2)
  brokers    3 of 3 run  1 needed
  proxies    3 of 3 run  1 needed

Degraded
  - 2 of 3 ZooKeepers run

What to do
  - Make sure that node2 is off
  - Say so: kubectl taint node node2 x

The stack test would start: 15 pods run, all where planned. It continues if node node2 is lost.`,
    );
  });

  it("names the nodes that disruption budgets block", () => {
    const moves = [{ pod: "pulsar-bookie-1", from: "node2", refused: true, why: "it stays on node2" }];
    const report = about([whatIf({ kind: "drained", nodes: ["node1", "node2"], moves })]);
    const last = "It continues if nodes node1 and node2 are drained, but disruption budgets keep pods on node2.";
    assert.ok(report.endsWith(last), report);
  });

  it("shows several cases in one table", () => {
    const alone = whatIf({ nodes: ["node10"], moves: [] }, ["no broker runs"]);
    assert.equal(
      about([whatIf(), alone]),
      `If one node is lost
  lost    move               wait                ZooKeeper  bookies  brokers  proxies  continues
  node2   pulsar-recovery-0  pulsar-zookeeper-1  2/3        3/3      3/3      3/3      yes
  node10  -                  -                   2/3        3/3      3/3      3/3      NO

Problems
  - if node node10 is lost: no broker runs

The stack test does not pass: 1 problem.`,
    );
    assert.ok(about([whatIf(), whatIf()]).endsWith(" It survives the loss of any single node."));
  });
});
