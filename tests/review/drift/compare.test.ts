import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { compareObject, type Installed, type LiveObject } from "../../../review/drift/compare.ts";
import { compareNode } from "../../../review/drift/nodes.ts";
import { endangers } from "../../../review/drift/endangers.ts";
import { differences, ownedIn, pathText } from "../../../review/drift/fields.ts";

const metadata = { name: "bookie", namespace: "pulsar" };
const object = { apiVersion: "apps/v1", kind: "StatefulSet", metadata, spec: { replicas: 3 } };
const installed: Installed = { object, by: "Helm", managers: ["helm"], hidden: [], partial: false };
const spec = (fields: object) => ({ "f:spec": fields });
const entry = (manager: string, fieldsV1: object, time = "2026-01-01T00:00:00Z") => ({
  manager,
  operation: "Update",
  time,
  fieldsV1: fieldsV1 as Record<string, unknown>,
});
const ofHelm = entry("helm", spec({ "f:replicas": {} }));
const live = (over: object, ...managedFields: object[]) =>
  ({ ...object, metadata: { ...metadata, managedFields }, ...over }) as LiveObject;
const found = (one: ReturnType<typeof compareObject>) =>
  one.map(({ path, installed, live, by }) => [pathText(path), installed, live, by?.manager]);

describe("two objects", () => {
  const container = (name: string, env: [string, string][]) => ({
    name,
    env: env.map(([variable, value]) => ({ name: variable, value })),
  });
  test("are compared by the names of list items, in any order", () => {
    const one = { containers: [container("a", [["X", "1"]]), container("b", [["Y", "1"]])] };
    const other = { containers: [container("b", [["Y", "2"]]), container("a", [["X", "1"]])] };
    assert.deepEqual(
      differences(one, other).map(({ path }) => pathText(path)),
      ["containers[b].env[Y].value"],
    );
  });
  test("are compared by position where nothing identifies the items", () => {
    const [only] = differences([{ values: ["x"] }], [{ values: ["y", "z"] }]);
    assert.deepEqual([pathText(only?.path ?? []), only?.live], ["[0].values", ["y", "z"]]);
  });
  test("have paths in which keys with dots are quoted", () => {
    assert.equal(pathText([".metadata", ".labels", ".a.b/c"]), 'metadata.labels["a.b/c"]');
  });
});

test("the paths in managedFields are those of the object", () => {
  const fields = {
    "f:spec": {
      "f:ports": { 'k:{"port":80,"protocol":"TCP"}': { ".": {}, "f:name": {} } },
      "f:finalizers": { 'v:"x"': {} },
    },
  };
  assert.deepEqual(
    ownedIn(fields).map(({ path, whole }) => [pathText(path), whole]),
    [
      ["spec.ports[80/TCP]", false],
      ["spec.ports[80/TCP].name", true],
      ["spec.finalizers[x]", true],
    ],
  );
});

describe("a live object", () => {
  test("that is the answer to the dry run has no differences", () => {
    assert.deepEqual(compareObject(installed, live({}, ofHelm), live({}, ofHelm)), []);
  });
  test("differs in a field that somebody has changed", () => {
    const changed = live(
      { spec: { replicas: 2 } },
      entry("kubectl", spec({ "f:replicas": {} })),
      entry("helm", spec({ "f:x": {} })),
    );
    assert.deepEqual(found(compareObject(installed, changed, live({}, ofHelm))), [["spec.replicas", 3, 2, "kubectl"]]);
  });
  test("differs in a field that an autoscaler has changed, although controllers write it", () => {
    const scaled = { ...entry("kube-controller-manager", spec({ "f:replicas": {} })), subresource: "scale" };
    const changed = live({ spec: { replicas: 9 } }, scaled, ofHelm);
    const [only] = compareObject(installed, changed, live({}, ofHelm));
    assert.equal(only?.by?.operation, "Update of scale");
  });
  test("differs in a field that was not installed, once for a whole list item", () => {
    const env = { env: [{ name: "X", value: "1" }] };
    const added = entry(
      "kubectl-edit",
      spec({ "f:env": { 'k:{"name":"X"}': { ".": {}, "f:name": {}, "f:value": {} } } }),
    );
    const changed = live({ spec: { replicas: 3, ...env } }, added, ofHelm);
    assert.deepEqual(found(compareObject(installed, changed, changed)), [
      ["spec.env[X]", undefined, { name: "X", value: "1" }, "kubectl-edit"],
    ]);
  });
  test("does not differ in what controllers, the status or kubectl apply add", () => {
    const annotations = {
      "kubectl.kubernetes.io/last-applied-configuration": "{}",
      "deployment.kubernetes.io/revision": "2",
    };
    const annotated = (name: string) => ({ "f:metadata": { "f:annotations": { [`f:${name}`]: {} } } });
    const changed = live({
      metadata: {
        ...metadata,
        annotations,
        managedFields: [
          ofHelm,
          entry("kube-controller-manager", annotated("deployment.kubernetes.io/revision")),
          entry("kubectl-client-side-apply", {
            ...annotated("kubectl.kubernetes.io/last-applied-configuration"),
            ...spec({ "f:replicas": {} }),
          }),
          { ...entry("operator", { "f:status": { "f:ready": {} } }), subresource: "status" },
        ],
      },
      status: { ready: 1 },
    });
    assert.deepEqual(compareObject(installed, changed, { ...changed, status: {} }), []);
  });
  test("is compared without the server's defaults if the server refuses the dry run", () => {
    const changed = live({ spec: { replicas: 2, revisionHistoryLimit: 10 } }, ofHelm);
    assert.deepEqual(found(compareObject(installed, changed, undefined)), [["spec.replicas", 3, 2, "helm"]]);
  });
  test("differs in an item of a list that was installed empty", () => {
    const item = { "f:env": { 'k:{"name":"X"}': { ".": {}, "f:name": {} } } };
    const changed = live(
      { spec: { env: [{ name: "X" }] } },
      entry("kubectl", spec(item)),
      entry("helm", spec({ "f:env": {} })),
    );
    assert.deepEqual(found(compareObject(installed, changed, changed)), [
      ["spec.env[X]", undefined, { name: "X" }, "kubectl"],
    ]);
  });
  test("has one difference in a list that the API merges as a whole", () => {
    const owner = entry("helm", spec({ "f:tolerations": {} }));
    const tolerating = (...keys: string[]) => live({ spec: { tolerations: keys.map((key) => ({ key })) } }, owner);
    assert.deepEqual(
      compareObject(installed, tolerating("a", "b"), tolerating("c")).map(({ path }) => pathText(path)),
      ["spec.tolerations"],
    );
  });
  test("is compared in the installed fields, in the server's form, if an immutable field differs", () => {
    const named = { ...metadata, name: "bookie-drift" };
    const sized: Installed = {
      ...installed,
      object: { ...object, spec: { memory: "2048Mi", name: "a", empty: null } },
    };
    const fresh = { ...object, metadata: named, spec: { memory: "2Gi", name: "a", address: "10.0.0.2" } };
    const changed = live({ spec: { memory: "2Gi", name: "b", address: "10.0.0.1" } }, ofHelm);
    assert.deepEqual(found(compareObject(sized, changed, fresh)), [["spec.name", "a", "b", undefined]]);
  });
  test("that is gone is one difference, without a record of who deleted it", () => {
    assert.deepEqual(found(compareObject(installed, undefined, undefined)), [
      ["", "installed by Helm", undefined, undefined],
    ]);
  });
  test("that somebody has created again is named, without its defaults", () => {
    const again = live({}, entry("kubectl-create", spec({ "f:replicas": {}, "f:revisionHistoryLimit": {} })));
    assert.deepEqual(found(compareObject(installed, again, again)), [
      ["", "created by Helm", "created again", "kubectl-create"],
    ]);
  });
});

describe("a value that is not known because it is secret", () => {
  const secret: Installed = {
    object: { apiVersion: "v1", kind: "Secret", metadata: { name: "token" } },
    by: "the stack",
    managers: ["pulumi"],
    hidden: [[".data", ".TOKEN"]],
    partial: false,
  };
  const holding = (data: object, ...managedFields: object[]) => ({
    ...secret.object,
    metadata: { name: "token", managedFields },
    data,
  });
  const token = { "f:data": { "f:TOKEN": {} } };
  test("is unchanged as long as its installer owns it", () => {
    const same = holding({ TOKEN: "x" }, entry("pulumi", token));
    assert.deepEqual(compareObject(secret, same, same), []);
  });
  test("is changed if somebody else owns it, or it is gone", () => {
    const type = { "f:type": {} };
    const changed = holding({ TOKEN: "y" }, entry("pulumi", type), entry("kubectl-patch", token));
    assert.deepEqual(
      compareObject(secret, changed, changed).map(({ path, by }) => [pathText(path), by?.manager]),
      [["data.TOKEN", "kubectl-patch"]],
    );
    const less = holding({}, entry("pulumi", type));
    assert.deepEqual(
      compareObject(secret, less, less).map(({ path, live }) => [pathText(path), live]),
      [["data.TOKEN", undefined]],
    );
  });
});

describe("a node", () => {
  const taint = { key: "dedicated", value: "pulsar", effect: "NoSchedule" } as const;
  const marks = { cluster: {}, node: "n", owner: "s", labels: { a: "1" }, taints: [taint] };
  const node = (labels: object, taints: object[], more = {}) =>
    ({ apiVersion: "v1", kind: "Node", metadata: { name: "n", labels }, spec: { taints, ...more } }) as LiveObject;
  test("with the marks of the stack and of others is unchanged", () => {
    assert.deepEqual(compareNode(marks, node({ a: "1", b: "2" }, [{ key: "x", effect: "NoExecute" }, taint])), []);
  });
  test("differs in another label, another taint and as cordoned", () => {
    const changed = node({ a: "2" }, [{ ...taint, value: "other" }], { unschedulable: true });
    assert.deepEqual(found(compareNode(marks, changed)), [
      ["metadata.labels.a", "1", "2", undefined],
      ["spec.taints[dedicated]", "dedicated=pulsar:NoSchedule", "dedicated=other:NoSchedule", undefined],
      ["spec.unschedulable", undefined, true, undefined],
    ]);
  });
});

test("what a difference endangers depends on the kind and the field", () => {
  assert.equal(endangers("StatefulSet", [".spec", ".replicas"]), "quorum and capacity");
  assert.match(endangers("NetworkPolicy", [".spec", ".ingress"]), /^network/);
  assert.match(endangers("PersistentVolume", []), /^data/);
  assert.match(endangers("Deployment", [".spec", ".template", ".spec", ".containers", "[x]", ".image"]), /^version/);
});
