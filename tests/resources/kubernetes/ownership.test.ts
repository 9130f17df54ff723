import assert from "node:assert/strict";
import { test } from "node:test";
import { isAwaitedClaim } from "../../../resources/kubernetes/ownership.ts";

const name = "pulsar-bookie-journal-pulsar-bookie-1";
const claim = (labels: Record<string, string>, volumeName?: string, kind = "PersistentVolumeClaim") => ({
  apiVersion: "v1",
  kind,
  metadata: { name, namespace: "pulsar", labels },
  spec: { volumeName },
});
const wanted = claim({}, name);
// The labels that the controller copies from the selector of a StatefulSet of the chart (2.7.7).
const labels = { app: "pulsar", release: "pulsar", component: "bookie" };

test("a claim that a StatefulSet of the release has created in the meantime is adopted", () => {
  assert.ok(isAwaitedClaim(claim(labels), wanted, "pulsar"));
  assert.ok(isAwaitedClaim(claim(labels, ""), wanted, "pulsar"));
  assert.ok(isAwaitedClaim(claim(labels, name), wanted, "pulsar"), "bound to our volume already");
});

test("a claim of others, a claim with data, and other kinds are not adopted", () => {
  assert.ok(!isAwaitedClaim(claim({}), wanted, "pulsar"));
  assert.ok(!isAwaitedClaim(claim({ ...labels, release: "other" }), wanted, "pulsar"));
  assert.ok(!isAwaitedClaim(claim({ app: "pulsar", release: "pulsar" }), wanted, "pulsar"));
  assert.ok(!isAwaitedClaim(claim(labels), wanted, undefined));
  assert.ok(!isAwaitedClaim(claim(labels, "pvc-1234"), wanted, "pulsar"));
  assert.ok(!isAwaitedClaim(claim(labels, undefined, "Secret"), claim({}, name, "Secret"), "pulsar"));
  const others = claim(labels);
  const marked = { ...others, metadata: { ...others.metadata, annotations: { "pulsar-stack/owner": "a/b/c" } } };
  assert.ok(!isAwaitedClaim(marked, wanted, "pulsar"), "another stack's");
});
