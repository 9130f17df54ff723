import assert from "node:assert/strict";
import { test } from "node:test";
import { line27 } from "../../model/charts/line27/line.ts";
import { line4 } from "../../model/charts/line4/line.ts";
import { NetworkPolicies, type NetworkPoliciesArgs } from "../../components/networkPolicies.ts";
import { named, register, type Registered } from "../support/mocks.ts";

const args: NetworkPoliciesArgs = {
  namespace: "messaging",
  release: "demo",
  line: line27,
  access: { monitoring: "monitoring", functions: true, databasePort: 5432 },
};
const make = (changes: Partial<NetworkPoliciesArgs> = {}) =>
  register(() => new NetworkPolicies("network", { ...args, ...changes }));

test("there is a policy for each component of the release and each Job, named after it", async () => {
  const names = (await make())
    .filter(({ custom }) => custom)
    .map(({ type, name, inputs }) => {
      assert.equal(type, "kubernetes:networking.k8s.io/v1:NetworkPolicy");
      const { metadata, spec } = inputs as {
        metadata: { name: string; namespace: string; labels: { component: string } };
        spec: { podSelector: { matchLabels: Record<string, string> } };
      };
      const { component } = metadata.labels;
      assert.equal(name, `network-${component}`);
      assert.deepEqual(metadata, { name: `demo-pulsar-${component}`, namespace: "messaging", labels: metadata.labels });
      assert.deepEqual(metadata.labels, { app: "pulsar", release: "demo", component });
      assert.deepEqual(spec.podSelector.matchLabels, metadata.labels);
      return component;
    });
  const jobs = ["bookie-init", "pulsar-init", "directories", "bookie-racks", "manager-setup", "smoke-test"];
  const components = ["zookeeper", "bookie", "recovery", "broker", "proxy", "toolset", "pulsar-manager"];
  assert.deepEqual(names.sort(), [...components, ...jobs].sort());
});

test("the Job that sets up the manager has a policy, in both chart lines", async () => {
  const jobs = (registered: Registered[]) =>
    registered.map(({ name }) => name).filter((name) => /-manager-(setup|init)$/.test(name));
  assert.deepEqual(jobs(await make()), ["network-manager-setup"]);
  assert.deepEqual(jobs(await make({ line: line4 })), ["network-pulsar-manager-init"]);
});

test("a policy restricts both directions, and has no peers if none is allowed", async () => {
  const { spec } = named(await make(), "network-toolset").inputs as {
    spec: { policyTypes: string[]; ingress: unknown[]; egress: unknown[] };
  };
  assert.deepEqual(spec.policyTypes, ["Ingress", "Egress"]);
  assert.deepEqual(spec.ingress, []);
  assert.equal(spec.egress.length, 5);
});
