import assert from "node:assert/strict";
import { test } from "node:test";
import { gzipSync } from "node:zlib";
import type { DriftReport } from "../../../review/drift/drift.ts";
import { manifestIn, installedByHelm, otherRevision, recordOf } from "../../../review/drift/helm.ts";
import { asMarkdown, asText } from "../../../review/drift/show.ts";
import { readState } from "../../../review/drift/state.ts";
import { masker, shownPair } from "../../../review/drift/values.ts";

const secret = (ciphertext: string) => ({
  "4dabf18193072939515e22adb298388d": "1b47061264138c4ac30d75fd1eb44270",
  ciphertext,
});
const base64 = (text: string) => Buffer.from(text).toString("base64");

test("the state gives the objects without their secrets, the release and the nodes", () => {
  const resources = [
    {
      type: "kubernetes:core/v1:Secret",
      urn: "urn:pulumi:prod::p::kubernetes:core/v1:Secret::s",
      inputs: {
        apiVersion: "v1",
        kind: "Secret",
        metadata: { name: "s" },
        data: { A: secret("x"), B: "eA==" },
        __defaults: [],
      },
      outputs: { __fieldManager: "pulumi-kubernetes-1" },
    },
    { type: "kubernetes:core/v1:Secret", urn: "old", delete: true, inputs: {} },
    {
      type: "kubernetes:helm.sh/v3:Release",
      urn: "r",
      inputs: { name: "pulsar", namespace: "ns", version: "4.7.0" },
      outputs: { status: { revision: 3 } },
    },
    { type: "pulumi:providers:kubernetes", urn: "x::cluster", inputs: { context: "prod" } },
    { type: "pulumi-nodejs:dynamic/pulsar:NodeMarks", urn: "n", outputs: { node: "n1", labels: {}, taints: [] } },
  ];
  const state = readState({ deployment: { resources } });
  assert.deepEqual(state.objects[0], {
    object: { apiVersion: "v1", kind: "Secret", metadata: { name: "s" }, data: { B: "eA==" } },
    by: "the stack",
    managers: ["pulsar-stack-drift", "pulumi-kubernetes-1", "pulumi-kubernetes", "pulumi-resource-kubernetes"],
    hidden: [[".data", ".A"]],
    partial: false,
  });
  assert.deepEqual([state.objects.length, state.cluster, state.nodes.length], [1, { context: "prod" }, 1]);
  assert.deepEqual(state.release, { name: "pulsar", namespace: "ns", version: "4.7.0", revision: 3 });
});

test("the record of the release is the stack's revision, or else the newest that is deployed", async () => {
  const record = (version: number, status: string) => ({
    metadata: { name: `v${String(version)}`, labels: { version: String(version), status } },
  });
  const records = [record(9, "superseded"), record(10, "superseded"), record(11, "deployed")];
  const release = { name: "pulsar", namespace: "ns", version: "4.7.0", revision: 10 };
  assert.equal(recordOf(records, release)?.metadata.name, "v10");
  assert.equal(recordOf(records, { ...release, revision: 3 })?.metadata.name, "v11");
  assert.equal(recordOf([record(1, "failed")], release), undefined);
  assert.equal(otherRevision(records, release), "11 (deployed)");
  assert.equal(otherRevision(records, { ...release, revision: 11 }), undefined);

  const manifest = "kind: Service\napiVersion: v1\nmetadata: { name: a }\n---\n# Nothing\n";
  const stored = base64(gzipSync(JSON.stringify({ manifest })).toString("base64"));
  const objects = installedByHelm(await manifestIn(stored), release);
  assert.deepEqual(
    objects.map(({ object }) => object),
    [
      {
        kind: "Service",
        apiVersion: "v1",
        metadata: {
          name: "a",
          labels: { "app.kubernetes.io/managed-by": "Helm" },
          annotations: { "meta.helm.sh/release-name": "pulsar", "meta.helm.sh/release-namespace": "ns" },
        },
      },
    ],
  );
});

test("values have no secrets, and show the part that differs", () => {
  const object = { apiVersion: "v1", kind: "Secret", metadata: { name: "s" }, data: { A: base64("hunter2-hunter2") } };
  const mask = masker([object]);
  const pair = (kind: string, path: string[], installed: unknown, live: unknown) =>
    shownPair(kind, { path, installed, live }, mask);
  assert.deepEqual(pair("Secret", [".data", ".A"], "a", "b"), ["[secret]", "[another secret]"]);
  assert.deepEqual(pair("Secret", [".data", ".A"], undefined, "b"), ["not set", "[another secret]"]);
  assert.deepEqual(pair("StatefulSet", [".env", "[DB_PASSWORD]"], undefined, { value: "b" }), [
    "not set",
    "[another secret]",
  ]);
  assert.deepEqual(pair("StatefulSet", [".args"], ["x"], ["hunter2-hunter2", "--password=abc", "http://u:pw@h"]), [
    '["x"]',
    '["[secret]","--password=[secret]","http://u:[secret]@h"]',
  ]);
  for (const [kind, path] of [
    ["ConfigMap", [".data", ".PULSAR_PREFIX_brokerClientAuthenticationParameters"]],
    ["ConfigMap", [".data", ".tlsKeyStorePassword"]],
    ["StatefulSet", [".env", "[brokerClientAuthenticationParameters]", ".value"]],
  ] as const)
    assert.deepEqual(pair(kind, [...path], "a", "b"), ["[secret]", "[another secret]"]);
  const urls = pair("ConfigMap", [".data", ".url"], "jdbc:mysql://u:hunter2@h", "jdbc:mysql://h?password=hunter2&a=b");
  assert.doesNotMatch(urls.join(" "), /hunter2/);
  const properties = pair("ConfigMap", [".data", ".client"], undefined, "authParams=token:hunter2\nbrokers=3");
  assert.deepEqual(properties, ["not set", "authParams=[secret] brokers=3"]);
  const added = { name: "side", env: [{ name: "DB_PASSWORD", value: "hunter2" }], auth: { apiToken: "abc" } };
  assert.deepEqual(
    pair("StatefulSet", [".containers", "[side]"], undefined, added)
      .at(1)
      ?.match(/hunter2|abc/),
    null,
  );
  const long = (end: string) => `${"x".repeat(200)}${end}`;
  assert.deepEqual(pair("ConfigMap", [".data", ".a"], long("1"), long("2")), [
    `…${"x".repeat(20)}1`,
    `…${"x".repeat(20)}2`,
  ]);
});

const report: DriftReport = {
  stack: "prod",
  compared: 7,
  drift: [
    {
      object: "StatefulSet pulsar/bookie",
      field: "spec.replicas",
      installed: "4",
      live: "3",
      by: { manager: "kubectl", operation: "Update of scale", time: "2026-01-01T00:00:00Z" },
      endangers: "quorum and capacity",
    },
    {
      object: "ConfigMap pulsar/a",
      field: "",
      installed: "installed by Helm",
      live: "gone",
      endangers: "configuration",
    },
  ],
  notCompared: ["the tables of Pulsar Manager: no answer"],
};

test("the text has one entry for each difference", () => {
  assert.equal(
    asText(report),
    `prod: 2 differences in 2 objects (7 objects compared)

StatefulSet pulsar/bookie  spec.replicas
  installed: 4
  live:      3
  changed:   kubectl (Update of scale, 2026-01-01T00:00:00Z)
  endangers: quorum and capacity

ConfigMap pulsar/a
  installed: installed by Helm
  live:      gone
  changed:   not recorded
  endangers: configuration

not compared: the tables of Pulsar Manager: no answer`,
  );
});

test("the Markdown is a table in which values mention nobody, and fits into an issue", () => {
  assert.equal(
    asMarkdown(report),
    `**prod: 2 differences in 2 objects (7 objects compared)**

| object | field | installed | live | changed by | endangers |
| --- | --- | --- | --- | --- | --- |
| \`StatefulSet pulsar/bookie\` | \`spec.replicas\` | \`4\` | \`3\` | \`kubectl (Update of scale, 2026-01-01T00:00:00Z)\` | quorum and capacity |
| \`ConfigMap pulsar/a\` |  | \`installed by Helm\` | \`gone\` | \`not recorded\` | configuration |

Not compared: \`the tables of Pulsar Manager: no answer\`
`,
  );
  const [first] = report.drift;
  const many = asMarkdown({
    ...report,
    drift: Array.from({ length: 2000 }, () => ({ ...(first as NonNullable<typeof first>), live: "a|`b" })),
  });
  assert.ok(many.length < 65_536);
  assert.match(many, /`` a\\\|`b ``/);
  assert.match(many, /\d+ more differences: see the output of the run/);
});
