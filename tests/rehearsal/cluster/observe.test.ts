import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { nodeView, podView } from "../../../rehearsal/cluster/observe.ts";

type Pod = Parameters<typeof podView>[0];

const jobs = [{ name: "pulsar-bookie-init", component: "bookie-init", state: "open" as const }];
const owner = (kind: string, name: string) => ({ apiVersion: "v1", kind, name, uid: "1", controller: true });

describe("podView", () => {
  it("has the decision of the scheduler or its reason", () => {
    const unbound: Pod = {
      metadata: { name: "pulsar-bookie-0", labels: { component: "bookie" } },
      spec: {
        initContainers: [{ name: "wait", image: "pulsar-all:2.7.4" }],
        containers: [
          { name: "bookie", image: "pulsar-all:2.7.4", resources: { requests: { cpu: "200m", memory: "512Mi" } } },
        ],
        nodeSelector: { disk: "ssd" },
        imagePullSecrets: [{ name: "regsecret" }],
        volumes: [
          { name: "journal", persistentVolumeClaim: { claimName: "journal-0" } },
          { name: "x", emptyDir: {} },
        ],
      },
      status: {
        phase: "Pending",
        conditions: [{ type: "PodScheduled", status: "False", reason: "Unschedulable", message: "0/3 nodes" }],
      },
    };
    assert.deepEqual(podView(unbound, []), {
      name: "pulsar-bookie-0",
      title: "pulsar-bookie-0",
      component: "bookie",
      job: undefined,
      node: undefined,
      state: "pending",
      unscheduled: "0/3 nodes",
      tolerations: [],
      nodeSelector: { disk: "ssd" },
      requests: { cpu: 0.2, memory: 512 * 2 ** 20 },
      claims: ["journal-0"],
      images: ["pulsar-all:2.7.4", "pulsar-all:2.7.4"],
      pullSecrets: ["regsecret"],
    });
  });

  it("takes the component of a Job's pod from the Job, because the chart labels only the Job", () => {
    const pod: Pod = {
      metadata: { name: "pulsar-bookie-init-x7", ownerReferences: [owner("Job", "pulsar-bookie-init")] },
      status: { phase: "Succeeded" },
    };
    const { title, job, component, state } = podView(pod, jobs);
    assert.deepEqual(
      { title, job, component, state },
      { title: "pulsar-bookie-init", job: "pulsar-bookie-init", component: "bookie-init", state: "done" },
    );
  });

  it("removes the random suffix from the title of a Deployment's pod", () => {
    const pod: Pod = {
      metadata: {
        name: "pulsar-pulsar-manager-6b5f-x2x8z",
        labels: { "pod-template-hash": "6b5f" },
        ownerReferences: [owner("ReplicaSet", "pulsar-pulsar-manager-6b5f")],
      },
    };
    assert.equal(podView(pod, []).title, "pulsar-pulsar-manager");
  });

  it("has as requests the larger of all containers and the largest init container, plus the overhead", () => {
    const container = (cpu?: string, memory?: string) => ({
      name: "x",
      resources: { requests: { ...(cpu && { cpu }), ...(memory && { memory }) } },
    });
    const pod: Pod = {
      spec: {
        initContainers: [container("1500m"), container("2", "1Gi"), { name: "no requests" }],
        containers: [container("500m", "2Gi"), container("1", "512Mi"), { name: "no requests" }],
        overhead: { cpu: "250m", memory: "100M" },
      },
    };
    assert.deepEqual(podView(pod, []).requests, { cpu: 2.25, memory: 2.5 * 2 ** 30 + 100e6 });
  });

  it("has requests of 0 by default", () => {
    assert.deepEqual(podView({ spec: { containers: [{ name: "x" }] } }, []).requests, { cpu: 0, memory: 0 });
  });

  for (const [state, pod] of [
    ["ending", { metadata: { deletionTimestamp: new Date(0) }, status: { phase: "Running" } }],
    ["failed", { status: { phase: "Failed" } }],
    ["starting", { spec: { containers: [], nodeName: "node1" }, status: { phase: "Pending" } }],
    [
      "ready",
      {
        spec: { containers: [], nodeName: "node1" },
        status: { phase: "Running", conditions: [{ type: "Ready", status: "True" }] },
      },
    ],
  ] satisfies [string, Pod][]) {
    it(`recognizes a pod that is ${state}`, () => {
      assert.equal(podView(pod, []).state, state);
    });
  }
});

describe("nodeView", () => {
  it("has the allocatable cores and bytes of the node", () => {
    const status = { allocatable: { cpu: "3920m", memory: "65843220Ki", pods: "110" }, capacity: { cpu: "4" } };
    assert.deepEqual(nodeView({ metadata: { name: "node1" }, status }).allocatable, {
      cpu: 3.92,
      memory: 65843220 * 1024,
    });
  });
});
