import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { setImmediate } from "node:timers/promises";
import type { Api } from "../../../rehearsal/cluster/api.ts";
import { TroubleWatch, troublesOf } from "../../../rehearsal/realCluster/troubles.ts";

type Pod = Parameters<typeof troublesOf>[0][number];
type Event = Parameters<typeof troublesOf>[1][number];
type Status = NonNullable<NonNullable<Pod["status"]>["containerStatuses"]>[number];

const start = new Date("2027-01-01T00:00:00Z");
const later = new Date("2027-01-01T00:01:00Z");

function pod(status: Partial<Status> = {}, over: Pod["status"] = {}): Pod {
  const container = { name: "broker", image: "pulsar:4", imageID: "", ready: false, restartCount: 0, ...status };
  return {
    metadata: { name: "pulsar-broker-0", uid: "1" },
    spec: { containers: [{ name: "broker", resources: { limits: { memory: "1Gi" } } }] },
    status: { containerStatuses: [container], ...over },
  };
}

function event(reason: string, message: string, over: Partial<Event> = {}): Event {
  const involvedObject = { uid: "1" };
  return { metadata: {}, involvedObject, type: "Warning", reason, message, count: 3, firstTimestamp: start, lastTimestamp: later, ...over }; // prettier-ignore
}

function found(pods: Pod[], events: Event[] = []): [string, boolean][] {
  return troublesOf(pods, events, later.getTime()).map(({ text, permanent }) => [text, permanent]);
}

describe("troublesOf", () => {
  it("names an image that cannot be pulled, and a container that cannot be created", () => {
    const waiting = { reason: "ImagePullBackOff", message: 'Back-off pulling image "pulsar:4":\n not found' };
    assert.deepEqual(found([pod({ state: { waiting } })]), [
      ['image pulsar:4 cannot be pulled: Back-off pulling image "pulsar:4": not found', true],
    ]);
    assert.deepEqual(
      found([pod({ state: { waiting: { reason: "CreateContainerConfigError", message: 'secret "x" not found' } } })]),
      [['container broker cannot be created: secret "x" not found', true]],
    );
  });

  it("names a crash, which is permanent only when it repeats", () => {
    const lastState = { terminated: { exitCode: 1, reason: "Error" } };
    const state = { waiting: { reason: "CrashLoopBackOff" } };
    assert.deepEqual(found([pod({ state, lastState, restartCount: 1 })]), [
      ["container broker ended with exit status 1 (1 restart)", false],
    ]);
    assert.equal(found([pod({ state, lastState, restartCount: 4 })])[0]?.[1], true);
    assert.deepEqual(found([pod({ lastState: { terminated: { exitCode: 124 } }, restartCount: 2 })]), [
      ["container broker ended with exit status 124, a timeout (2 restarts)", false],
    ]);
  });

  it("names too little memory, with the limit", () => {
    const lastState = { terminated: { exitCode: 137, reason: "OOMKilled" } };
    assert.deepEqual(found([pod({ lastState, restartCount: 2 })]), [
      ["container broker needed more memory than its limit of 1Gi and was killed (OOMKilled, 2 restarts)", true],
    ]);
  });

  it("names a pod without a node after a while, with the scheduler's message", () => {
    const condition = {
      type: "PodScheduled",
      status: "False",
      message: "0/3 nodes are available: 3 Insufficient cpu.",
    };
    const unscheduled = (lastTransitionTime: Date) =>
      found([pod({}, { containerStatuses: [], conditions: [{ ...condition, lastTransitionTime }] })]);
    assert.deepEqual(unscheduled(start), [["no node for it: 0/3 nodes are available: 3 Insufficient cpu.", true]]);
    assert.deepEqual(unscheduled(later), []);
  });

  it("names a probe that keeps failing, and a volume that cannot be mounted", () => {
    const probe = event("Unhealthy", "Readiness probe failed: connection refused");
    assert.deepEqual(found([pod()], [probe, { ...probe, lastTimestamp: start }]), [
      ["Readiness probe failed: connection refused", false],
    ]);
    assert.deepEqual(found([pod()], [event("FailedMount", "no such directory")]), [
      ["FailedMount: no such directory", false],
    ]);
  });

  it("finds nothing in pods that are ready, done, ending or only starting", () => {
    const old = { lastState: { terminated: { exitCode: 1 } }, restartCount: 1 };
    assert.deepEqual(
      found([
        pod(old, { containerStatuses: [], conditions: [{ type: "Ready", status: "True" }] }),
        pod(old, { phase: "Succeeded" }),
        { ...pod(old), metadata: { name: "ending", deletionTimestamp: start } },
        pod({ state: { waiting: { reason: "ContainerCreating" } } }),
        pod({ state: { terminated: { exitCode: 0 } } }),
      ]),
      [],
    );
  });
});

describe("TroubleWatch", () => {
  const database = { host: "192.0.2.1", port: 5432 };

  it("reports each trouble once, with the last lines of the log and without secrets", async () => {
    const crashing = pod({ lastState: { terminated: { exitCode: 1 } }, restartCount: 1 });
    const core = {
      listNamespacedPod: async () => ({ items: [crashing] }),
      listNamespacedEvent: async () => ({ items: [] }),
      readNamespacedPodLog: async ({ previous }: { previous: boolean }) =>
        previous ? "starting\n\npassword=hunter2\nno database\n" : "",
    };
    const said: string[] = [];
    const watch = new TroubleWatch((line) => said.push(line));
    const redact = (text: string) => text.replace("hunter2", "[secret]");
    const look = () => watch.look({ core } as unknown as Api, { namespace: "pulsar", database, redact });
    await look();
    const status = crashing.status?.containerStatuses?.[0];
    if (status) status.restartCount = 5;
    await look();
    const line =
      "pulsar-broker-0: container broker ended with exit status 1 (1 restart); its last lines: starting | password=[secret] | no database";
    assert.deepEqual([said, watch.lines, watch.permanent], [[line], [line], true]);
  });

  it("reports a database that the manager cannot reach, until it reaches it", async () => {
    const manager = pod(
      { name: "manager", state: { running: {} } },
      { conditions: [{ type: "Ready", status: "True" }] },
    );
    manager.metadata = { name: "pulsar-pulsar-manager-0", labels: { component: "pulsar-manager" } };
    const core = {
      listNamespacedPod: async () => ({ items: [manager] }),
      listNamespacedEvent: async () => ({ items: [] }),
    };
    const commands: string[][] = [];
    // The container still starts, the host is down, the port is closed, the connection succeeds.
    const answers = [
      () => Promise.reject(new Error("container not found")),
      ...[124, 1, 0].map((code) => async () => code),
    ];
    const api = {
      core,
      async exec(_: unknown, command: string[]) {
        commands.push(command);
        return answers.shift()?.();
      },
    };
    const said: string[] = [];
    const watch = new TroubleWatch((line) => said.push(line));
    const seen: boolean[] = [];
    for (let i = 0; i < 6; i++) {
      await watch.look(api as unknown as Api, { namespace: "pulsar", database, redact: (text) => text });
      await setImmediate();
      seen.push(watch.permanent);
    }
    assert.deepEqual(said, [
      "pulsar-pulsar-manager-0: cannot reach PostgreSQL at 192.0.2.1:5432; give an address of this machine that pods reach with --database-host",
    ]);
    assert.deepEqual(seen, [false, false, true, true, false, false]);
    assert.deepEqual([commands.length, commands[0]?.slice(3)], [4, ["192.0.2.1", "5432"]]);
  });
});
