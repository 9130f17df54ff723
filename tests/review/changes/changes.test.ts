import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { fieldChanges } from "../../../review/changes/fields.ts";
import { objectChanges } from "../../../review/changes/objects.ts";
import { refusals, resourceChanges } from "../../../review/changes/resources.ts";
import type { KubernetesObject, PlannedResource, StackPlan } from "../../../review/plan.ts";
import { emptyPlan, resource } from "../plans.ts";

function plan(objects: KubernetesObject[], resources: PlannedResource[] = []): StackPlan {
  return { ...emptyPlan, resources, objects };
}

describe("fields", () => {
  test("list items are matched by name, whatever their order", () => {
    const variable = (name: string, value: string) => ({ name, value });
    const before = { env: [variable("A", "1"), variable("B", "2")] };
    const after = { env: [variable("B", "3"), variable("A", "1")] };
    assert.deepEqual(fieldChanges(before, after), [{ path: "env[B].value", before: "2", after: "3" }]);
  });

  test("texts are compared line by line", () => {
    assert.deepEqual(fieldChanges({ data: { "a.conf": "one\ntwo\n" } }, { data: { "a.conf": "one\nthree\n" } }), [
      {
        path: 'data["a.conf"]',
        before: "one\ntwo\n",
        after: "one\nthree\n",
        lines: [
          { sign: "-", text: "two" },
          { sign: "+", text: "three" },
        ],
      },
    ]);
  });

  test("new and removed fields have one side, and lists without names are compared by position", () => {
    assert.deepEqual(fieldChanges({ a: 1, c: [1, 2] }, { b: 2, c: [1, 3] }), [
      { path: "a", before: 1 },
      { path: "b", after: 2 },
      { path: "c[1]", before: 2, after: 3 },
    ]);
  });
});

describe("objects", () => {
  const configMap = (level: string): KubernetesObject => ({
    apiVersion: "v1",
    kind: "ConfigMap",
    metadata: { name: "pulsar-broker", labels: { component: "broker", chart: `pulsar-${level}` } },
    data: { level },
  });
  const statefulSet = (image: string, serviceName: string, checksum: string): KubernetesObject => ({
    apiVersion: "apps/v1",
    kind: "StatefulSet",
    metadata: { name: "pulsar-bookie", labels: { component: "bookie" } },
    spec: {
      serviceName,
      template: {
        metadata: { annotations: { "checksum/config": checksum } },
        spec: { containers: [{ name: "bookie", image }] },
      },
    },
  });

  test("changes are sorted by risk, and noise is counted", () => {
    const changes = objectChanges(
      plan([configMap("info"), statefulSet("a:1", "s", "x")]),
      plan([configMap("warn"), statefulSet("a:2", "s", "y")]),
    );
    assert.deepEqual(
      changes.map(({ action, name, risk, fields, folded }) => [
        action,
        name,
        risk,
        fields.map(({ path }) => path),
        folded,
      ]),
      [
        ["update", "pulsar-bookie", "availability", ["spec.template.spec.containers[bookie].image"], 1],
        ["update", "pulsar-broker", "configuration", ["data.level"], 1],
      ],
    );
  });

  test("a field that Kubernetes does not change in place recreates the object", () => {
    const [change] = objectChanges(plan([statefulSet("a:1", "s", "x")]), plan([statefulSet("a:1", "t", "x")]));
    assert.deepEqual([change?.action, change?.risk, change?.fixed], ["recreate", "data", ["spec.serviceName"]]);
  });

  test("a Secret shows how many keys differ, and no value", () => {
    const secret = (data: Record<string, string>): KubernetesObject => ({
      apiVersion: "v1",
      kind: "Secret",
      metadata: { name: "login" },
      data,
    });
    const [change] = objectChanges(plan([secret({ a: "[secret]" })]), plan([secret({ a: "[secret]", b: "[secret]" })]));
    assert.deepEqual([change?.secretKeys, change?.fields], [1, []]);
  });

  test("equal plans have no change", () => {
    assert.deepEqual(objectChanges(plan([configMap("info")]), plan([configMap("info")])), []);
  });
});

describe("resources", () => {
  test("a changed key algorithm replaces the key, a changed Secret is updated, and a new name is a create and a delete", () => {
    const key = (algorithm: string) => resource("tls:index/privateKey:PrivateKey", "auth-key", { algorithm });
    const secret = (name: string, value: string) =>
      resource("kubernetes:core/v1:Secret", name, {
        apiVersion: "v1",
        kind: "Secret",
        metadata: { name: "login" },
        data: { value },
      });
    const changes = resourceChanges(
      plan([], [key("RSA"), secret("kept", "[secret 1]"), secret("old", "[secret 1]")]),
      plan([], [key("ECDSA"), secret("kept", "[secret 2]"), secret("new", "[secret 1]")]),
    );
    assert.deepEqual(
      changes.map(({ action, name, replacedBy }) => [action, name, ...replacedBy]),
      [
        ["replace", "auth-key", "algorithm"],
        ["update", "kept"],
        ["create", "new"],
        ["delete", "old"],
      ],
    );
  });

  test("a node's marks move to another node by a replacement, as their provider says", () => {
    const marks = (node: string) =>
      resource("pulumi-nodejs:dynamic/pulsar:NodeMarks", "m", {
        node,
        owner: "o",
        labels: {},
        taints: [],
        cluster: {},
      });
    const [change] = resourceChanges(plan([], [marks("bk-1")]), plan([], [marks("bk-2")]));
    assert.deepEqual([change?.action, change?.replacedBy], ["replace", ["node"]]);
  });

  test("a changed Job is replaced, and nothing is refused without a contract", () => {
    const job = (image: string) =>
      resource("kubernetes:batch/v1:Job", "smoke", {
        apiVersion: "batch/v1",
        kind: "Job",
        metadata: { name: "smoke" },
        spec: { template: { spec: { containers: [{ name: "a", image }] } } },
      });
    const [before, after] = [plan([], [job("a:1")]), plan([], [job("a:2")])];
    assert.equal(resourceChanges(before, after)[0]?.action, "replace");
    assert.deepEqual(refusals(before, after), []);
  });
});
