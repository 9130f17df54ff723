/**
 * Tests of the production stack's network policies on a real API server, compared with the labels of the pods. No network plugin enforces them.
 */
import assert from "node:assert/strict";
import type { TestContext } from "node:test";
import type { V1Pod } from "@kubernetes/client-node";
import type { Stage } from "../../rehearsal/stage.ts";
import { allowed, type End, type Policy, selects } from "../support/networkPolicies.ts";

/** Settings with which the stack has network policies for every kind of peer. */
export const policySettings = {
  "pulsar:networkPolicies.clients[0].namespace": "shop",
  "pulsar:networkPolicies.clients[1].cidr": "10.20.0.0/16",
  "pulsar:networkPolicies.ingressController": "ingress-nginx",
  "pulsar:networkPolicies.monitoring": "monitoring",
};

/** Tests the network policies of a deployed stack with these settings. */
export async function testPolicies(t: TestContext, stage: Stage): Promise<void> {
  const policies = await policiesOf(stage);
  const pods = (await stage.api.core.listNamespacedPod({ namespace: stage.settings.namespace })).items;

  await t.test("network policies: the API server accepts them", () => {
    assert.ok(policies.length >= 13, String(policies.length));
  });

  await t.test("network policies: each pod of the stack is selected exactly once, including those of Jobs", () => {
    const counts = pods.map((pod) => [
      pod.metadata?.name,
      policies.filter((policy) => selects(policy, endOf(pod))).map(({ metadata }) => metadata.name).length,
    ]);
    assert.deepEqual(
      counts.filter(([, count]) => count !== 1),
      [],
    );
    const components = new Set(pods.map((pod) => pod.metadata?.labels?.["component"]));
    for (const component of ["zookeeper", "bookie", "broker", "proxy", "recovery", "toolset", "pulsar-manager"]) {
      assert.ok(components.has(component), component);
    }
    for (const job of ["bookie-init", "pulsar-init", "bookie-racks", "directories"]) {
      assert.ok(components.has(job), `${job} has no pod to look at`);
    }
  });

  await t.test(
    "network policies: they allow and block the same connections after the API server has stored them",
    () => {
      const of = (component: string) => {
        const pod = pods.find(({ metadata }) => metadata?.labels?.["component"] === component);
        assert.ok(pod, component);
        return endOf(pod);
      };
      const stranger: End = { namespace: stage.settings.namespace, labels: { app: "pulsar" } };
      const database: End = { ip: "192.0.2.5" };
      const { port } = stage.settings.managerDatabase;
      assert.ok(allowed(policies, of("broker"), of("bookie"), 3181));
      assert.ok(allowed(policies, of("bookie-init"), of("zookeeper"), 2281));
      assert.ok(!allowed(policies, of("bookie-init"), of("zookeeper"), 2181));
      assert.ok(!allowed(policies, stranger, of("bookie"), 3181));
      assert.ok(!allowed(policies, of("proxy"), of("bookie"), 3181));
      assert.ok(!allowed(policies, of("toolset"), database, port));
    },
  );
}

/** All policies of the namespace. */
async function policiesOf({ api, settings }: Stage): Promise<(Policy & { metadata: { name: string } })[]> {
  const path = `/apis/networking.k8s.io/v1/namespaces/${settings.namespace}/networkpolicies`;
  return (await api.get<{ items: (Policy & { metadata: { name: string } })[] }>(path, "application/json")).items;
}

function endOf({ metadata }: V1Pod): End {
  return { namespace: metadata?.namespace ?? "", labels: metadata?.labels ?? {} };
}
