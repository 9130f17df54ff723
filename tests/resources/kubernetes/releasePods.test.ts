import assert from "node:assert/strict";
import { describe, test } from "node:test";
import type { CoreV1Event, V1Pod } from "@kubernetes/client-node";
import { removeUnreadyManager, whyUnready } from "../../../resources/kubernetes/releasePods.ts";
import { fakeClusters } from "../../support/fakeClusters.ts";

/** The response of the API, reduced to the fields that are read. */
interface Status {
  phase?: string;
  conditions?: { type: string; status: string; message?: string }[];
  initContainerStatuses?: object[];
  containerStatuses?: object[];
}

function pod(name: string, status: Status, over: { node?: string; owner?: string; component?: string } = {}): V1Pod {
  const { node, owner = name, component } = over;
  return {
    metadata: {
      name,
      namespace: "messages",
      uid: name,
      labels: component === undefined ? {} : { component },
      ownerReferences: [{ controller: true, uid: owner }],
    },
    spec: { nodeName: node },
    status,
  } as unknown as V1Pod;
}

const container = (name: string, state: object, more: object = {}) => ({
  name,
  ready: false,
  restartCount: 0,
  state,
  ...more,
});

const unhealthy = (uid: string, message: string, lastTimestamp: string) =>
  ({ involvedObject: { uid }, message, lastTimestamp: new Date(lastTimestamp) }) as unknown as CoreV1Event;

describe("the pods that keep a release from becoming ready", () => {
  test("exclude ready and completed ones, and failed pods of completed Jobs", () => {
    const ready = { phase: "Running", conditions: [{ type: "Ready", status: "True" }] };
    const pods = [
      pod("broker-0", ready, { node: "node1" }),
      pod("init-a", { phase: "Failed" }, { owner: "job" }),
      pod("init-b", { phase: "Succeeded" }, { owner: "job" }),
    ];
    assert.deepEqual(whyUnready(pods, []), []);
  });

  test("include a manager whose backend does not start, with the last message of its probe and where its log is", () => {
    const status = { phase: "Running", containerStatuses: [container("manager", { running: {} })] };
    const manager = pod("pulsar-pulsar-manager-0", status, { node: "node1", component: "pulsar-manager" });
    const probe = "Readiness probe failed: HTTP probe failed with statuscode: 404";
    const events = [
      unhealthy("pulsar-pulsar-manager-0", probe, "2030-01-01T00:02:00Z"),
      unhealthy("pulsar-pulsar-manager-0", "Readiness probe failed: connection refused", "2030-01-01T00:01:00Z"),
      unhealthy("another", "Readiness probe failed: timeout", "2030-01-01T00:03:00Z"),
    ];
    assert.deepEqual(whyUnready([manager], events), [
      `  pulsar-pulsar-manager-0 on node1: container manager runs, with 0 restarts, and is not ready: ${probe}. ` +
        "Its log: kubectl exec -n messages pulsar-pulsar-manager-0 -- tail -n 50 /pulsar-manager/pulsar-manager.log",
    ]);
  });

  const lastState = { terminated: { exitCode: 137, reason: "OOMKilled" } };
  const log = (name: string) => `. Its log: kubectl logs -n messages broker-0 -c ${name}`;
  const cases: [string, Status, string | undefined, string][] = [
    [
      "no node has room",
      {
        conditions: [
          { type: "PodScheduled", status: "False", message: "0/3 nodes are available: 3 Insufficient memory." },
        ],
      },
      undefined,
      "broker-0: it is not scheduled: 0/3 nodes are available: 3 Insufficient memory.",
    ],
    ["the kubelet has not started it", {}, "node1", "broker-0 on node1: its containers have not started"],
    [
      "no image",
      { containerStatuses: [container("broker", { waiting: { reason: "ImagePullBackOff", message: "not found" } })] },
      "node1",
      "broker-0 on node1: container broker waits: ImagePullBackOff: not found",
    ],
    [
      "out of memory again and again",
      { containerStatuses: [container("broker", { waiting: { reason: "CrashLoopBackOff" } }, { lastState })] },
      "node1",
      `broker-0 on node1: container broker waits: CrashLoopBackOff; before, it ended with exit code 137 (OOMKilled)${log("broker")}`,
    ],
    [
      "an init container that does not end",
      {
        initContainerStatuses: [
          container("first", { terminated: { exitCode: 0, reason: "Completed" } }),
          container("wait-bookkeeper-ready", { running: {} }),
        ],
        containerStatuses: [container("broker", { waiting: { reason: "PodInitializing" } })],
      },
      "node1",
      `broker-0 on node1: container wait-bookkeeper-ready runs, with 0 restarts, and is not ready${log("wait-bookkeeper-ready")}`,
    ],
    [
      "a Job that failed",
      { phase: "Failed", containerStatuses: [container("init", { terminated: { exitCode: 1, reason: "Error" } })] },
      "node1",
      `broker-0 on node1: container init ended with exit code 1${log("init")}`,
    ],
  ];
  for (const [what, status, node, line] of cases) {
    test(`${what}: is reported`, () => {
      assert.deepEqual(whyUnready([pod("broker-0", status, node === undefined ? {} : { node })], []), [`  ${line}`]);
    });
  }
});

describe("before an upgrade, the manager", () => {
  const { answering } = fakeClusters();
  const where = { namespace: "messages", release: "pulsar" };
  const selector = "labelSelector=release%3Dpulsar%2Ccomponent%3Dpulsar-manager";

  /** The requests to a cluster with a manager of this kind, and the result. */
  async function asked(kind: "statefulsets" | "deployments", ready: boolean) {
    const seen: string[] = [];
    const items = (path: string) => {
      if (path.endsWith("/pods")) {
        const conditions = [{ type: "Ready", status: ready ? "True" : "False" }];
        return [{ metadata: { name: "manager" }, status: { conditions } }];
      }
      return path.endsWith(`/${kind}`) ? [{ metadata: { name: "manager" } }] : [];
    };
    const cluster = await answering(({ method = "", url = "" }, response) => {
      const [path = "", query] = url.split("?");
      if (method === "GET") assert.equal(query, selector);
      else seen.push(`${method} ${path}`);
      response.setHeader("content-type", "application/json");
      response.end(JSON.stringify(method === "GET" ? { items: items(path) } : {}));
    });
    return { removed: await removeUnreadyManager(cluster, where), seen };
  }

  for (const [kind, name] of [
    ["statefulsets", "StatefulSet manager"],
    ["deployments", "Deployment manager"],
  ] as const) {
    test(`is deleted with its ${kind.slice(0, -1)} if it is not ready`, async () => {
      assert.deepEqual(await asked(kind, false), {
        removed: [name],
        seen: [`DELETE /apis/apps/v1/namespaces/messages/${kind}/manager`],
      });
    });

    test(`stays with its ${kind.slice(0, -1)} if it is ready`, async () => {
      assert.deepEqual(await asked(kind, true), { removed: [], seen: [] });
    });
  }
});
