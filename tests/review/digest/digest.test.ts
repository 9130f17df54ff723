import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { renderReview } from "../../../review/comment/comment.ts";
import {
  changedSince,
  digestIn,
  digestOf,
  digestText,
  type Part,
  type ReviewedFiles,
} from "../../../review/digest/digest.ts";
import type { KubernetesObject, StackPlan } from "../../../review/plan.ts";
import { setAt } from "../../support/paths.ts";
import { emptyPlan, resource } from "../plans.ts";

interface Reviewed {
  plan: StackPlan;
  files: ReviewedFiles;
}

const values = { bookkeeper: { replicaCount: 3 } };
const release = resource(
  "kubernetes:helm.sh/v3:Release",
  "pulsar",
  { version: "4.7.0", postrender: "render.sh", values },
  { protect: true },
);
const job = resource("kubernetes:batch/v1:Job", "check", {
  spec: { template: { spec: { containers: [{ name: "check", image: "curl:8" }] } } },
});
const bookie: KubernetesObject = {
  apiVersion: "apps/v1",
  kind: "StatefulSet",
  metadata: { name: "pulsar-bookie", labels: { component: "bookie" } },
  spec: { replicas: 3, template: { spec: { containers: [{ name: "bookie", image: "pulsar:4.0.8" }] } } },
};
const reviewed: Reviewed = {
  plan: {
    ...emptyPlan,
    stack: "prod",
    resources: [release, job],
    objects: [
      bookie,
      { apiVersion: "v1", kind: "ConfigMap", metadata: { name: "pulsar-bookie" }, data: { PULSAR_MEM: "-Xmx1g" } },
    ],
    chart: { ...emptyPlan.chart, source: "vendor", digest: "aaaa" },
  },
  files: {
    stackFile: "config:\n  pulsar:layout: dedicated\n  pulsar:managerPassword:\n    secure: v1:abcd:efgh\n",
    project: "name: pulsar\nruntime: nodejs\n",
    tree: "4b825dc642cb6eb9a060e54bf8d69288fbee4904",
  },
};
const { stackFile, project } = reviewed.files;
const otherTree = { "files.tree": "9daeafb9864cf43055ae93beb0afd6c7d144bfa4" };
const container = "spec.template.spec.containers.0";

/** What is changed after the review: new values by path, and the parts that a refusal names. */
const changes: [string, Record<string, unknown>, Part[]][] = [
  ["a setting", { "files.stackFile": `${stackFile}  pulsar:registry: mirror\n` }, ["stack file"]],
  ["a comment in the stack file", { "files.stackFile": `${stackFile}# later\n` }, ["stack file"]],
  ["a secret that is set again", { "files.stackFile": stackFile.replace("efgh", "ijkl") }, ["stack file"]],
  ["Pulumi.yaml", { "files.project": `${project}main: other.ts\n` }, ["stack file"]],
  ["another stack", { "plan.stack": "test" }, ["stack file"]],
  ["another commit that changes no object", otherTree, ["program"]],
  ["a program file", { ...otherTree, "plan.objects.0.metadata.name": "other" }, ["program", "manifests"]],
  ["the post-renderer", { ...otherTree, "plan.objects": [bookie] }, ["program", "manifests"]],
  ["another path of the post-renderer", { "plan.resources.0.inputs.postrender": "other.sh" }, ["resources"]],
  ["a value of the chart", { "plan.resources.0.inputs.values.bookkeeper.replicaCount": 4 }, ["resources"]],
  ["a new resource", { "plan.resources.2": { ...job, name: "second" } }, ["resources"]],
  ["a removed resource", { "plan.resources": [job] }, ["resources"]],
  ["a resource of another type", { "plan.resources.1.type": "kubernetes:batch/v1:CronJob" }, ["resources"]],
  ["protection", { "plan.resources.0.protect": false }, ["resources"]],
  ["retention", { "plan.resources.1.retainOnDelete": true }, ["resources"]],
  ["an input that becomes a secret", { "plan.resources.1.secretInputs": ["spec"] }, ["resources"]],
  ["replicas", { "plan.objects.0.spec.replicas": 4 }, ["manifests"]],
  ["one line of a ConfigMap", { "plan.objects.1.data.PULSAR_MEM": "-Xmx2g" }, ["manifests"]],
  ["a new object", { "plan.objects.2": { ...bookie, metadata: { name: "second" } } }, ["manifests"]],
  ["the chart's version", { "plan.chart.version": "4.7.1" }, ["chart"]],
  ["the chart's files under the same version", { "plan.chart.digest": "bbbb" }, ["chart"]],
  ["the stand-in of the chart", { "plan.chart.source": "stand-in" }, ["chart"]],
  ["an image tag", { [`plan.objects.0.${container}.image`]: "pulsar:4.0.9" }, ["manifests", "images"]],
  [
    "an image digest",
    { [`plan.objects.0.${container}.image`]: `pulsar:4.0.8@sha256:${"1".repeat(64)}` },
    ["manifests", "images"],
  ],
  ["an image outside the chart", { [`plan.resources.1.inputs.${container}.image`]: "curl:9" }, ["resources", "images"]],
];

function changed(values: Record<string, unknown>): Reviewed {
  const draft = structuredClone(reviewed);
  for (const [path, value] of Object.entries(values)) setAt(draft, path, value);
  return draft;
}

const digest = ({ plan, files }: Reviewed) => digestOf(plan, files);

describe("the digest of a review", () => {
  const before = digestIn(`Reviewed.\n- Digest: \`${digestText(digest(reviewed))}\`\n`);

  it("accepts what was reviewed", () => {
    assert.deepEqual(changedSince(before, digest(structuredClone(reviewed))), []);
    const overallOnly = digestIn(digestText({ overall: before.overall, parts: {} }));
    assert.deepEqual(changedSince(overallOnly, digest(reviewed)), []);
  });

  for (const [name, change, parts] of changes) {
    it(`refuses ${name}`, () => {
      const current = digest(changed(change));
      const lines = changedSince(before, current);
      assert.deepEqual(
        lines.map((line) => line.split(":")[0]),
        parts,
      );
      for (const line of lines)
        assert.match(line, /^[a-z ]+: .* than reviewed; review it again, and apply with the new digest$/);
      assert.equal(changedSince({ overall: before.overall, parts: {} }, current).length, 1);
    });
  }

  it("is in a review that is cut", () => {
    const settings = Array.from({ length: 200 }, (_, number) => [`SETTING_${number}`, "value"] as const);
    const { plan } = changed({ "plan.objects.1.data": Object.fromEntries<string>(settings) });
    const review = {
      stack: "prod",
      base: { commit: "b".repeat(40), plan: reviewed.plan },
      head: { commit: "a".repeat(40), plan },
      behind: 0,
      uncommitted: [],
      digest: digestText(digest(reviewed)),
    };
    const text = renderReview(review, { limit: 1000 });
    assert.match(text, /^Cut to fit into a comment: /m);
    assert.deepEqual(digestIn(text), before);
  });

  it("has a text of one word", () => {
    assert.match(digestText(digest(reviewed)), /^v1:[0-9a-f]{32},stack-file=[0-9a-f]{16}(,[a-z]+=[0-9a-f]{16}){5}$/);
  });

  it("is not taken from a text with none or with several", () => {
    assert.throws(() => digestIn("v1:123"), { message: "has no digest" });
    const other = digestText({ overall: "0".repeat(32), parts: {} });
    assert.throws(() => digestIn(`${digestText(digest(reviewed))} ${other}`), { message: "has several digests" });
    const twice = digestText(digest(reviewed));
    assert.equal(digestIn(`${twice} and again ${twice}`).overall, before.overall);
  });
});

it("in a review, a value that looks like a digest does not hide the review's own", () => {
  const own = `v1:${"a".repeat(32)}`;
  const text = `Digest for npm run apply: \`${own}\`\n\n- \`data.FIX\`: \`v1:${"b".repeat(32)}\` is new`;
  assert.equal(digestIn(text).overall, "a".repeat(32));
});
