/** Makes Jobs fail, which simulated kubelets would complete at once. */
import { PatchStrategy, setHeaderOptions } from "@kubernetes/client-node";
import type { Outcome } from "../../rehearsal/engine/stack.ts";
import type { Api } from "../../rehearsal/cluster/api.ts";
import type { Stage } from "../../rehearsal/stage.ts";
import { waitFor } from "../../rehearsal/cluster/waiting.ts";

export const asMergePatch = setHeaderOptions("Content-Type", PatchStrategy.MergePatch);

/** Runs an `up` during which the Jobs of these components fail permanently: without retries and with a deadline of one second. */
export async function upWithFailing({ api, stack, settings }: Stage, components: string[]): Promise<Outcome> {
  const { namespace } = settings;
  const policy = await refuseSuccess(api, components);
  const labelSelector = `component in (${components.join(",")})`;
  let isOver = false;
  const failing = waitFor(
    async () => {
      for (const { metadata, spec } of (await api.batch.listNamespacedJob({ namespace, labelSelector })).items) {
        if (spec?.activeDeadlineSeconds === 1) continue;
        const body = { spec: { backoffLimit: 0, activeDeadlineSeconds: 1 } };
        await api.batch.patchNamespacedJob({ name: metadata?.name ?? "", namespace, body }, asMergePatch);
      }
      return isOver || undefined;
    },
    { what: "the end of the up", limit: 600_000 },
  );
  try {
    return await stack.up();
  } finally {
    isOver = true;
    await failing;
    await policy.remove();
  }
}

/** Lets the API server refuse to mark pods of these components as succeeded. */
export async function refuseSuccess(api: Api, components: string[]): Promise<{ remove(): Promise<void> }> {
  const kind = (name: string, spec: object) => ({
    apiVersion: "admissionregistration.k8s.io/v1",
    kind: name,
    metadata: { name: "no-success" },
    spec,
  });
  const policy = kind("ValidatingAdmissionPolicy", {
    matchConstraints: {
      objectSelector: { matchExpressions: [{ key: "component", operator: "In", values: components }] },
      resourceRules: [{ apiGroups: [""], apiVersions: ["v1"], operations: ["UPDATE"], resources: ["pods/status"] }],
    },
    validations: [{ expression: "object.status.phase != 'Succeeded'" }],
  });
  const binding = kind("ValidatingAdmissionPolicyBinding", {
    policyName: "no-success",
    validationActions: ["Deny"],
  });
  for (const object of [policy, binding]) await api.objects.create(object);

  // A policy takes effect shortly after its creation. An unschedulable pod shows when.
  const [name, namespace] = ["probe", "default"];
  await api.objects.create({
    apiVersion: "v1",
    kind: "Pod",
    metadata: { name, namespace, labels: { component: components[0] } },
    spec: { schedulingGates: [{ name: "example.com/never" }], containers: [{ name: "none", image: "none" }] },
  } as { apiVersion: string; kind: string });
  const succeed = { name, namespace, body: { status: { phase: "Succeeded" } }, dryRun: "All" };
  await waitFor(
    async () =>
      api.core.patchNamespacedPodStatus(succeed, asMergePatch).then(
        () => undefined,
        () => true as const,
      ),
    { what: "the policy's taking effect", limit: 60_000 },
  );
  await api.core.deleteNamespacedPod({ name, namespace, gracePeriodSeconds: 0 });
  return {
    async remove() {
      for (const object of [binding, policy]) await api.objects.delete(object);
    },
  };
}
