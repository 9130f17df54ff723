/** A manager that does not become ready, on the real API server. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { PatchStrategy, setHeaderOptions } from "@kubernetes/client-node";
import { waitFor } from "../../rehearsal/cluster/waiting.ts";
import type { Stage } from "../../rehearsal/stage.ts";
import { assertOk, errorsOf, withRehearsal } from "./support.ts";

const limit = { timeout: 480_000 };

test("a manager whose backend never answers, with chart 4.7.0", limit, async (t) => {
  // Simulated kubelets run no probe. The API server refuses that a manager pod with this request becomes ready.
  const plain = {
    "pulsar:chart.version": "4.7.0",
    "pulsar:chart.timeoutMinutes": "2",
    "pulsar:pods.manager.requests.cpu": "123m",
  };
  await withRehearsal({ config: { plain } }, async (stage) => {
    const { api, stack } = stage;
    const { namespace } = stage.settings;
    const name = "pulsar-pulsar-manager";
    const setOf = () => api.apps.readNamespacedStatefulSet({ name, namespace });
    await refuseRunning(api);

    const failed = stack.up();
    await runsUnready(stage, `${name}-0`);
    const outcome = await failed;

    await t.test("fails the up, with the pod's name and where to find the reason", () => {
      assert.equal(outcome.ok, false);
      const errors = errorsOf(outcome).join("\n");
      assert.match(errors, /Helm release pulsar is not ready:\n {2}pulsar-pulsar-manager-0 on node\d: container/);
      assert.ok(errors.includes(`and is not ready: ${notAnswered}. Its log: kubectl exec -n ${namespace}`), errors);
      assert.doesNotMatch(errors, /pulsar-(broker|bookie|proxy|zookeeper)-\d on/);
    });

    await t.test("is replaced by the up that fixes it", async () => {
      const before = await setOf();
      await stack.configure({ plain: { "pulsar:pods.manager.requests.cpu": "124m" } });
      assertOk(await stack.up());
      const after = await setOf();
      assert.notEqual(after.metadata?.uid, before.metadata?.uid);
      assert.equal(after.status?.readyReplicas, 1);
      assert.equal(
        after.spec?.template.spec?.containers[0]?.readinessProbe?.httpGet?.path,
        "/pulsar-manager/csrf-token",
      );
    });

    await t.test("is not changed by a later upgrade of another component, once it is ready", async () => {
      const before = await setOf();
      await stack.configure({ plain: { "pulsar:replicas.toolset": "2" } });
      assertOk(await stack.up());
      assert.equal((await setOf()).metadata?.uid, before.metadata?.uid);
    });
  });
});

const notAnswered = "Readiness probe failed: HTTP probe failed with statuscode: 404";

/** Lets nobody but `runsUnready` change the status of pods that request 123m of CPU. */
async function refuseRunning(api: Stage["api"]): Promise<void> {
  const object = (kind: string, spec: object) => ({
    apiVersion: "admissionregistration.k8s.io/v1",
    kind,
    metadata: { name: "never-ready" },
    spec,
  });
  await api.objects.create(
    object("ValidatingAdmissionPolicy", {
      failurePolicy: "Ignore",
      matchConstraints: {
        objectSelector: { matchLabels: { component: "pulsar-manager" } },
        resourceRules: [{ apiGroups: [""], apiVersions: ["v1"], operations: ["UPDATE"], resources: ["pods/status"] }],
      },
      validations: [
        {
          expression:
            "string(object.spec.containers[0].resources.requests['cpu']) != '123m' || object.status.phase != 'Running' || " +
            "object.status.containerStatuses.all(one, !one.ready)",
        },
      ],
    }),
  );
  await api.objects.create(
    object("ValidatingAdmissionPolicyBinding", { policyName: "never-ready", validationActions: ["Deny"] }),
  );
}

/** Acts as the pod's kubelet: its container runs, and its probe fails. */
async function runsUnready({ api, settings: { namespace } }: Stage, name: string): Promise<void> {
  const pod = await waitFor(
    async () => {
      const found = await api.core.readNamespacedPod({ name, namespace }).catch(() => undefined);
      return found?.spec?.nodeName === undefined ? undefined : found;
    },
    { what: `the scheduling of ${name}`, limit: 240_000 },
  );
  const [container] = pod.spec?.containers ?? [];
  const state = { running: { startedAt: new Date().toISOString() } };
  const running = { name: container?.name, image: container?.image, imageID: "", ready: false, restartCount: 0, state };
  const body = { status: { phase: "Running", containerStatuses: [running] } };
  await api.core.patchNamespacedPodStatus(
    { name, namespace, body },
    setHeaderOptions("Content-Type", PatchStrategy.MergePatch),
  );
  await api.objects.create({
    apiVersion: "v1",
    kind: "Event",
    metadata: { name: `${name}.unhealthy`, namespace },
    involvedObject: { kind: "Pod", name, namespace, uid: pod.metadata?.uid },
    reason: "Unhealthy",
    message: notAnswered,
    type: "Warning",
    lastTimestamp: new Date().toISOString(),
  } as { apiVersion: string; kind: string });
}
