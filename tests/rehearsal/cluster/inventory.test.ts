import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { compare, type Inventory } from "../../../rehearsal/cluster/inventory.ts";

const before: Inventory = {
  objects: { "Namespace default": "1", "ConfigMap other/settings": "2" },
  nodes: { node1: ["label a=b", "taint foreign:NoSchedule"] },
};

describe("compare", () => {
  it("finds no difference between equal inventories", () => {
    assert.deepEqual(compare(before, structuredClone(before)), { added: [], removed: [] });
  });

  it("finds added and removed objects, labels and taints", () => {
    const after = {
      objects: { "Namespace default": "1", "Secret pulsar/b10": "3", "Secret pulsar/b9": "4" },
      nodes: { node1: ["label a=c"] },
    };
    assert.deepEqual(compare(before, after), {
      added: ["label a=c on node node1", "Secret pulsar/b9", "Secret pulsar/b10"],
      removed: ["ConfigMap other/settings", "label a=b on node node1", "taint foreign:NoSchedule on node node1"],
    });
  });

  it("finds an object that was deleted and created again", () => {
    const after = { ...before, objects: { ...before.objects, "ConfigMap other/settings": "9" } };
    assert.deepEqual(compare(before, after), { added: [], removed: ["ConfigMap other/settings"] });
  });

  it("ignores objects that the control plane creates for itself", () => {
    const own = ["ConfigMap kube-system/a", "ServiceAccount other/default", "ConfigMap other/kube-root-ca.crt"];
    const after = { ...before, objects: { ...before.objects, ...Object.fromEntries(own.map((name) => [name, "5"])) } };
    assert.deepEqual(compare(before, after), { added: [], removed: [] });
  });
});
