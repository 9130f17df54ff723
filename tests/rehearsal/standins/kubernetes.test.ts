import assert from "node:assert/strict";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { gzipSync } from "node:zlib";
import { type Api, ApiError, withoutExcerpt } from "../../../rehearsal/standins/kubernetes/api.ts";
import { forced, takenOver } from "../../../rehearsal/standins/kubernetes/apply.ts";
import { connect, providerReplaces, settingsOf } from "../../../rehearsal/standins/kubernetes/cluster.ts";
import { diffObjects } from "../../../rehearsal/standins/kubernetes/diff.ts";
import { helmMessage } from "../../../rehearsal/standins/kubernetes/helm.ts";
import * as helm from "../../../rehearsal/standins/kubernetes/helmArguments.ts";
import { decodeRevision, resourceNames } from "../../../rehearsal/standins/kubernetes/helmStorage.ts";
import {
  idOf,
  kindOfType,
  type KubeObject,
  namespaced,
  parseId,
} from "../../../rehearsal/standins/kubernetes/kinds.ts";
import { loadKubeconfig } from "../../../rehearsal/standins/kubernetes/kubeconfig.ts";
import { appliedPart, redacted, secretTexts } from "../../../rehearsal/standins/kubernetes/live.ts";
import { objectHandler } from "../../../rehearsal/standins/kubernetes/objects.ts";
import { patchHandler } from "../../../rehearsal/standins/kubernetes/patches.ts";
import { diffReleases, releaseHandler, secretValues, stateOf } from "../../../rehearsal/standins/kubernetes/release.ts";
import { readiness, untilReady } from "../../../rehearsal/standins/kubernetes/waiting.ts";
import { type Props, UNKNOWN } from "../../../rehearsal/standins/protocol.ts";
import { callOf } from "./call.ts";

const fixed = { enableSecretMutable: false, enableConfigMapMutable: false };
const stackSettings = settingsOf({ upsertExistingObjects: "true" });
const call = callOf("t");

describe("kinds", () => {
  test("a type token is an API version and a kind, or a patch of one", () => {
    assert.deepEqual(kindOfType("kubernetes:core/v1:Node"), { apiVersion: "v1", kind: "Node", patch: false });
    assert.deepEqual(kindOfType("kubernetes:core/v1:NodePatch"), { apiVersion: "v1", kind: "Node", patch: true });
    assert.equal(kindOfType("kubernetes:storage.k8s.io/v1:StorageClass")?.apiVersion, "storage.k8s.io/v1");
    assert.deepEqual(kindOfType("kubernetes:monitoring.coreos.com/v1:PodMonitor"), {
      apiVersion: "monitoring.coreos.com/v1",
      kind: "PodMonitor",
      patch: false,
    });
    assert.equal(kindOfType("kubernetes:index:Other"), undefined);
  });

  test("cluster-wide kinds of Kubernetes are known without a cluster, and other kinds count as namespaced", () => {
    assert.equal(namespaced({ apiVersion: "v1", kind: "PersistentVolume" }), false);
    assert.equal(namespaced({ apiVersion: "storage.k8s.io/v1", kind: "StorageClass" }), false);
    assert.equal(namespaced({ apiVersion: "batch/v1", kind: "Job" }), true);
    assert.equal(namespaced({ apiVersion: "example.com/v1", kind: "Node" }), true);
  });

  test("an id is namespace/name, or the name only", () => {
    const object = { apiVersion: "v1", kind: "Secret", metadata: { name: "s", namespace: "n" } };
    assert.equal(idOf(object), "n/s");
    assert.deepEqual(parseId("n/s"), { namespace: "n", name: "s" });
    assert.deepEqual(parseId(idOf({ ...object, metadata: { name: "node1" } })), { name: "node1" });
  });
});

describe("the fields of a live object that the program has set", () => {
  const live = {
    apiVersion: "v1",
    kind: "PersistentVolume",
    metadata: { name: "pv", uid: "1", labels: { ours: "changed", theirs: "x" }, finalizers: ["f"] },
    spec: { capacity: { storage: "1Gi" }, accessModes: ["ReadWriteOnce"], volumeMode: "Filesystem" },
    status: { phase: "Available" },
  };

  test("foreign changes of own fields are drift, foreign fields are not", () => {
    const inputs = {
      metadata: { name: "pv", labels: { ours: "1", gone: "2" } },
      spec: { accessModes: ["ReadWriteOnce", "ReadOnlyMany"] },
    };
    assert.deepEqual(appliedPart(live, inputs), {
      metadata: { name: "pv", labels: { ours: "changed" } },
      spec: { accessModes: ["ReadWriteOnce"] },
    });
  });

  test("equal values in the program's notation are no drift: quantities, and fields that the server omits", () => {
    const inputs = {
      metadata: { name: "pv", annotations: {}, generateName: "" },
      spec: { capacity: { storage: "1024Mi" }, mountOptions: [], claimRef: null },
    };
    assert.deepEqual(appliedPart(live, inputs), inputs);
    const other = appliedPart(live, { spec: { capacity: { storage: "1G" } } });
    assert.deepEqual(other, { spec: { capacity: { storage: "1Gi" } } });
  });

  test("cpu as a number, in thousandths and with an exponent is the same quantity", () => {
    const container = (cpu: unknown): Props => ({ resources: { requests: { cpu } } });
    assert.deepEqual(appliedPart(container("1"), container(1)), container(1));
    assert.deepEqual(appliedPart(container("500m"), container("0.5")), container("0.5"));
    assert.deepEqual(appliedPart(container("1k"), container("1e3")), container("1e3"));
    assert.deepEqual(appliedPart(container("2"), container("1")), container("2"));
  });

  test("outside of quantities, strings that look like one are strings", () => {
    assert.deepEqual(appliedPart({ data: { x: "1Gi" } }, { data: { x: "1024Mi" } }), { data: { x: "1Gi" } });
  });

  test("a Secret's stringData is compared with its data", () => {
    const secret = { kind: "Secret", data: { a: btoa("changed"), b: btoa("theirs") } };
    const inputs = { kind: "Secret", stringData: { a: "original" } };
    assert.deepEqual(appliedPart(secret, inputs), { kind: "Secret", stringData: { a: "changed" } });
  });
});

describe("diff", () => {
  const object = (apiVersion: string, kind: string, rest: Props): Props => ({
    apiVersion,
    kind,
    metadata: { name: "x" },
    ...rest,
  });
  const diff = (olds: Props, news: Props, patch = false): ReturnType<typeof diffObjects> =>
    diffObjects(olds, olds, news, fixed, patch);

  test("nothing changed", () => {
    const job = object("batch/v1", "Job", { spec: { template: { a: 1 } } });
    const none = { changes: false, replaces: [], deleteBeforeReplace: false, changedKeys: [] };
    assert.deepEqual(diff(job, structuredClone(job)), none);
  });

  const immutable: [string, Props, Props, string[]][] = [
    [
      "a Job's template",
      object("batch/v1", "Job", { spec: { template: { spec: { a: [1] } } } }),
      object("batch/v1", "Job", { spec: { template: { spec: { a: [2] } } } }),
      ["spec.template.spec.a[0]"],
    ],
    [
      "a StatefulSet's claims",
      object("apps/v1", "StatefulSet", { spec: { volumeClaimTemplates: [{ size: 1 }], replicas: 1 } }),
      object("apps/v1", "StatefulSet", { spec: { volumeClaimTemplates: [{ size: 2 }], replicas: 2 } }),
      ["spec.volumeClaimTemplates[0].size"],
    ],
    [
      "a volume's source, when the whole spec comes",
      object("v1", "PersistentVolume", {}),
      object("v1", "PersistentVolume", { spec: { local: { path: "/d" } } }),
      ["spec"],
    ],
    [
      "a StorageClass's provisioner",
      object("storage.k8s.io/v1", "StorageClass", { provisioner: "a" }),
      object("storage.k8s.io/v1", "StorageClass", { provisioner: "b" }),
      ["provisioner"],
    ],
    ["a Secret's data", object("v1", "Secret", { data: { "a.b": "1" } }), object("v1", "Secret", {}), ["data"]],
    [
      "an unknown value",
      object("v1", "ConfigMap", { data: { a: "1" } }),
      object("v1", "ConfigMap", { data: { a: UNKNOWN } }),
      ["data.a"],
    ],
  ];
  for (const [what, olds, news, replaces] of immutable) {
    test(`${what} replaces, with the old object deleted first because the name stays the same`, () => {
      const result = diff(olds, news);
      assert.deepEqual(result.replaces, replaces);
      assert.equal(result.deleteBeforeReplace, true);
    });
  }

  test("an unknown map reads as deleted keys, unknown keys read as changed", () => {
    const settings = { ...fixed, enableSecretMutable: true };
    const olds = object("v1", "Secret", { data: { a: "1", b: "2" } });
    const paths = (data: unknown) => diffObjects(olds, olds, object("v1", "Secret", { data }), settings).changedKeys;
    assert.deepEqual(paths(UNKNOWN), ["data.a", "data.b"]);
    assert.deepEqual(paths({ a: UNKNOWN, b: "2" }), ["data.a"]);
  });

  const mutable: [string, Props, Props][] = [
    ["a label", object("batch/v1", "Job", { labels: {} }), object("batch/v1", "Job", { labels: { a: "1" } })],
    [
      "a volume's size and its local volume's neighbor",
      object("v1", "PersistentVolume", { spec: { capacity: 1, localOther: 1 } }),
      object("v1", "PersistentVolume", { spec: { capacity: 2, localOther: 2 } }),
    ],
    [
      "a class's reclaim policy",
      object("storage.k8s.io/v1", "StorageClass", {}),
      object("storage.k8s.io/v1", "StorageClass", { reclaimPolicy: "Retain" }),
    ],
  ];
  for (const [what, olds, news] of mutable) {
    test(`${what} is changed in place`, () => {
      const result = diff(olds, news);
      assert.deepEqual([result.changes, result.replaces, result.deleteBeforeReplace], [true, [], false]);
    });
  }

  test("ConfigMaps and Secrets change in place if the provider is configured so, unless they are immutable", () => {
    const mutability = { enableSecretMutable: true, enableConfigMapMutable: true };
    for (const kind of ["ConfigMap", "Secret"]) {
      const [olds, news] = ["1", "2"].map((a) => object("v1", kind, { data: { a } })) as [Props, Props];
      assert.deepEqual(diffObjects(olds, olds, news, mutability).replaces, []);
      assert.deepEqual(diffObjects(olds, olds, { ...news, immutable: true }, mutability).replaces, ["data.a"]);
    }
  });

  test("another name replaces, with the new object created first", () => {
    const news = { ...object("v1", "Service", {}), metadata: { name: "y" } };
    assert.deepEqual(diff(object("v1", "Service", {}), news).replaces, ["metadata.name"]);
    assert.equal(diff(object("v1", "Service", {}), news).deleteBeforeReplace, false);
  });

  test("a generated name allows the replacement to be created first", () => {
    const metadata = { name: "x", annotations: { "pulumi.com/autonamed": "true" } };
    const named = (a: string): Props => ({ ...object("v1", "ConfigMap", { data: { a } }), metadata });
    const [olds, news] = [named("1"), named("2")];
    assert.equal(diff(olds, news).deleteBeforeReplace, false);
  });

  test("a patch is replaced for another identity only", () => {
    const [olds, news] = ["a", "b"].map((type) => object("v1", "Secret", { type })) as [Props, Props];
    assert.deepEqual(diff(olds, news, true).replaces, []);
    assert.deepEqual(diff(olds, { ...olds, metadata: { name: "y" } }, true).replaces, ["metadata.name"]);
  });
});

describe("server-side apply", () => {
  const entry = (manager: string, operation: string, fieldsV1: unknown): unknown => ({ manager, operation, fieldsV1 });

  test("the resource's own manager takes the fields of other clients of the plugin, merged with its own", () => {
    const taken = takenOver(
      [
        entry("pulumi-kubernetes", "Update", { "f:data": { "f:a": {} } }),
        entry("pulumi-kubernetes-12345678", "Apply", { "f:data": { "f:b": {} } }),
        entry("kubectl-edit", "Update", { "f:data": { "f:c": {} } }),
      ],
      "pulumi-kubernetes-12345678",
    );
    assert.deepEqual(taken, [
      entry("kubectl-edit", "Update", { "f:data": { "f:c": {} } }),
      entry("pulumi-kubernetes-12345678", "Apply", { "f:data": { "f:a": {}, "f:b": {} } }),
    ]);
  });

  test("the status and own fields are not taken", () => {
    const status = { ...(entry("pulumi-kubernetes", "Update", {}) as object), subresource: "status" };
    assert.equal(
      takenOver([entry("mine", "Apply", {}), entry("kube-scheduler", "Update", {}), status], "mine"),
      undefined,
    );
  });

  test("fields are forced only if requested, or if they have no recorded owner", () => {
    const owned = { apiVersion: "v1", kind: "Node", metadata: { managedFields: [{}] } };
    const annotated = { metadata: { annotations: { "pulumi.com/patchForce": "true" } } };
    assert.equal(forced({}, owned), false);
    assert.equal(forced(annotated, owned), true);
    assert.equal(forced({}, { ...owned, metadata: {} }), true);
  });
});

describe("messages", () => {
  test("contain no value of their Secret", () => {
    const secret = { kind: "Secret", data: { a: btoa("hunter2") }, stringData: { b: "opensesame" } };
    const message = `Invalid value: "opensesame", ${btoa("hunter2")}, hunter2`;
    assert.equal(redacted(message, secretTexts(secret)), 'Invalid value: "[secret]", [secret], [secret]');
    assert.deepEqual(secretTexts({ ...secret, kind: "ConfigMap" }), []);
  });

  test("contain none of the bytes that the server's decoder quotes", () => {
    const message =
      "illegal base64 data at input byte 3, error found in #10 byte of ...|hunter2|..., bigger context ...|x hunter2|...";
    assert.equal(withoutExcerpt(message), "illegal base64 data at input byte 3");
  });

  test("of Helm contain its error only, without warnings and its program name", () => {
    const stderr =
      "WARNING: kubeconfig is group-readable\nError: INSTALLATION FAILED: post render failed:\n: exit status 3\n";
    assert.equal(helmMessage(stderr), "post render failed:\n: exit status 3");
    assert.equal(helmMessage("Error: UPGRADE FAILED: timed out"), "timed out");
    assert.equal(helmMessage("killed"), "killed");
  });

  test("mask values whose keys look like credentials", () => {
    const values = { image: "visible", auth: { password: "one", Tokens: ["two"] }, jwt: { a: { b: "three" } } };
    assert.deepEqual(secretValues(values), ["one", "two", "three"]);
  });
});

describe("readiness", () => {
  const object = (apiVersion: string, kind: string, rest: Props): KubeObject => ({
    apiVersion,
    kind,
    metadata: { name: "x", generation: 2 },
    ...rest,
  });
  const job = (conditions: unknown[]): KubeObject => object("batch/v1", "Job", { status: { active: 1, conditions } });

  test("a Job is ready when it is complete, and never after it failed", () => {
    assert.equal(readiness(job([])).ready, false);
    assert.equal(readiness(job([{ type: "SuccessCriteriaMet", status: "True" }])).ready, false);
    assert.equal(readiness(job([{ type: "Complete", status: "True" }])).ready, true);
    const failed = readiness(
      job([{ type: "Failed", status: "True", reason: "DeadlineExceeded", message: "too long" }]),
    );
    assert.deepEqual(failed, { ready: false, failure: "[DeadlineExceeded] too long" });
    assert.equal(readiness(job([{ type: "Failed", status: "True", reason: "PodFailurePolicy" }])).failure, undefined);
  });

  test("an Ingress is ready once it has an address", () => {
    const ingress = (status: Props): boolean => readiness(object("networking.k8s.io/v1", "Ingress", { status })).ready;
    assert.equal(ingress({ loadBalancer: {} }), false);
    assert.equal(ingress({ loadBalancer: { ingress: [{ ip: "10.0.0.1" }] } }), true);
  });

  test("volumes are ready when available or bound", () => {
    const phases = ["Pending", "Available", "Bound", "Released", "Failed"];
    const ready = phases.filter((phase) => readiness(object("v1", "PersistentVolume", { status: { phase } })).ready);
    assert.deepEqual(ready, ["Available", "Bound"]);
  });

  test("other kinds are ready at once", () => {
    assert.deepEqual(readiness(object("v1", "Namespace", {})), { ready: true });
  });
});

describe("waiting", () => {
  const claim = (phase: string, annotations = {}): KubeObject => ({
    apiVersion: "v1",
    kind: "PersistentVolumeClaim",
    metadata: { name: "claim", namespace: "ns", annotations },
    spec: { storageClassName: "local" },
    status: { phase },
  });
  const untilBound = { "pulumi.com/waitFor": "jsonpath={.status.phase}=Bound" };

  /** The result of waiting for an object with the state `seen`, with a short timeout. */
  async function wait(applied: KubeObject, seen: KubeObject[], volumeBindingMode: string, updating = false) {
    const looks = [...seen];
    const get = async ({ kind }: { kind: string }) =>
      kind === "StorageClass" ? { volumeBindingMode } : looks.length > 1 ? looks.shift() : looks[0];
    const asking = { ...call, signal: AbortSignal.timeout(100) };
    return (await untilReady({ get } as unknown as Api, applied, applied, asking, updating)).status;
  }
  const givenUp = /^Error: Resource operation was cancelled for "claim"$/;

  test("for a new claim of a class with WaitForFirstConsumer ends when it is Pending, not Bound", async () => {
    const [pending, bound] = [claim("Pending"), claim("Bound")];
    assert.deepEqual(await wait(pending, [pending], "WaitForFirstConsumer"), { phase: "Pending" });
    await assert.rejects(wait(pending, [bound], "WaitForFirstConsumer"), givenUp);
    assert.deepEqual(await wait(pending, [bound], "Immediate"), { phase: "Bound" });
    await assert.rejects(wait(pending, [pending], "Immediate"), givenUp);
  });

  test("for an existing claim ends in either phase", async () => {
    for (const phase of ["Pending", "Bound"]) {
      assert.deepEqual(await wait(claim(phase), [claim(phase)], "WaitForFirstConsumer", true), { phase });
    }
  });

  test("for pulumi.com/waitFor ends when the condition holds, whenever it is first observed", async () => {
    const [pending, bound] = [claim("Pending", untilBound), claim("Bound", untilBound)];
    assert.deepEqual(await wait(pending, [bound], "WaitForFirstConsumer"), { phase: "Bound" });
    assert.deepEqual(await wait(pending, [pending, pending, bound], "WaitForFirstConsumer"), { phase: "Bound" });
    await assert.rejects(wait(pending, [pending], "WaitForFirstConsumer"), givenUp);
    const other = claim("Bound", { "pulumi.com/waitFor": "condition=Ready" });
    await assert.rejects(wait(other, [other], "Immediate"), /condition=Ready: not implemented by the stand-in/);
  });

  test("ends at once if it is disabled, or if the kind is ready at once, and refuses kinds that no stack has", async () => {
    const unseen: KubeObject[] = [];
    assert.deepEqual(await wait(claim("Lost", { "pulumi.com/skipAwait": "true" }), unseen, ""), { phase: "Lost" });
    const secret = { apiVersion: "v1", kind: "Secret", metadata: { name: "s" }, status: "as applied" };
    assert.equal(await wait(secret, unseen, ""), "as applied");
    const workload = { ...secret, apiVersion: "apps/v1", kind: "Deployment" };
    await assert.rejects(wait(workload, unseen, ""), /^Error: apps\/v1\/Deployment: .* cannot wait for this kind$/);
  });
});

describe("the kubeconfig", () => {
  let directory: string;
  let file: string;
  const kubeconfig = {
    clusters: [
      { name: "one", cluster: { server: "https://127.0.0.1:1" } },
      { name: "two", cluster: { server: "https://127.0.0.1:2", "certificate-authority": "ca.crt" } },
    ],
    users: [{ name: "user", user: { token: "token" } }],
    contexts: [
      { name: "a", context: { cluster: "one", user: "user", namespace: "ns" } },
      { name: "b", context: { cluster: "two", user: "user" } },
    ],
    "current-context": "a",
  };

  before(async () => {
    directory = await mkdtemp(join(tmpdir(), "kubeconfig-test-"));
    file = join(directory, "config");
    await writeFile(file, JSON.stringify(kubeconfig));
  });
  after(async () => {
    await rm(directory, { recursive: true, force: true });
  });

  test("is a file, and the settings select the context", () => {
    assert.equal(loadKubeconfig({ kubeconfig: file }).cluster.server, "https://127.0.0.1:1");
    assert.equal(loadKubeconfig({ kubeconfig: file, context: "b" }).cluster.caFile, join(directory, "ca.crt"));
  });

  test("errors name what is missing, without contents", async () => {
    assert.throws(() => loadKubeconfig({ kubeconfig: file, context: "c" }), /^Error: context "c" does not exist$/);
    const unreadable = { message: "failed to parse kubeconfig data: neither a file nor a kubeconfig" };
    assert.throws(() => loadKubeconfig({ kubeconfig: join(directory, "nowhere") }), unreadable);
    const broken = join(directory, "broken");
    await writeFile(broken, "token: [hunter2");
    assert.throws(() => loadKubeconfig({ kubeconfig: broken }), unreadable);
  });

  test("a cluster that does not respond is reported in one line", async () => {
    const { connection } = await connect({ ...stackSettings, kubeconfig: file });
    assert.ok("unreachable" in connection);
    assert.match(connection.unreachable, /^unable to load schema information from the API server: .*ECONNREFUSED.*$/);
  });

  test("another active cluster replaces the provider, unless clusterIdentifier is the same", () => {
    const [one, two] = [
      { kubeconfig: file, context: "a" },
      { kubeconfig: file, context: "b" },
    ];
    assert.deepEqual(providerReplaces(one, two), ["context"]);
    assert.deepEqual(providerReplaces({ ...one, clusterIdentifier: "x" }, { ...two, clusterIdentifier: "x" }), []);
    assert.deepEqual(providerReplaces(one, { ...two, clusterIdentifier: "x" }), ["context"]);
    const changed = providerReplaces({ ...one, clusterIdentifier: "x" }, { ...one, clusterIdentifier: "y" });
    assert.deepEqual(changed, ["clusterIdentifier"]);
    assert.deepEqual(providerReplaces(one, { kubeconfig: UNKNOWN }), ["kubeconfig"]);
    assert.deepEqual(providerReplaces({ context: "a" }, { context: "b" }), []);
    const gone = { clusterIdentifier: "x", kubeconfig: "/gone" };
    assert.throws(() => providerReplaces(gone, { ...one, clusterIdentifier: "x" }), /failed to parse kubeconfig/);
    assert.deepEqual(providerReplaces(gone, gone), []);
  });

  test("settings are strings, and those that the stand-in lacks are refused", () => {
    const config = { upsertExistingObjects: "true", enableSecretMutable: "true", context: "" };
    assert.deepEqual(settingsOf(config), { kubeconfig: undefined, context: undefined, enableSecretMutable: true });
    assert.throws(() => settingsOf({ ...config, namespace: "x" }), /namespace: not implemented/);
    assert.throws(() => settingsOf({ ...config, enablePatchForce: true }), /enablePatchForce: not implemented/);
    assert.throws(() => settingsOf({}), /upsertExistingObjects: .* needs true/);
  });
});

describe("a Job that is to be replaced unless it has succeeded (pulumi.com/replaceUnready)", () => {
  const asking = { "pulumi.com/replaceUnready": "true" };
  const job = (annotations: object): Props => ({
    apiVersion: "batch/v1",
    kind: "Job",
    metadata: { name: "j", namespace: "ns", annotations },
    spec: {},
  });

  /** The diff of the unchanged Job with this response of the API server. */
  async function diff(inputs: Props, get: () => Promise<object>) {
    const connection = { api: { get }, kubeconfig: {} } as unknown as Parameters<typeof objectHandler>[0]["connection"];
    const cluster = { settings: stackSettings, defaultNamespace: "ns", connection };
    const handler = objectHandler(cluster, { apiVersion: "batch/v1", kind: "Job", patch: false });
    return handler.diff?.("ns/j", inputs, inputs, inputs, call);
  }
  const having = (type: string) => async () => ({
    ...job(asking),
    status: { conditions: [{ type, status: "True" }] },
  });

  test("is replaced, with delete before create, if it has not", async () => {
    const replaced = {
      changes: true,
      replaces: ['.metadata.annotations["pulumi.com/replaceUnready"]'],
      deleteBeforeReplace: true,
      changedKeys: [],
    };
    assert.deepEqual(await diff(job(asking), having("Failed")), replaced);
    assert.deepEqual(await diff(job(asking), having("Suspended")), replaced);
  });

  test("is kept if it has, if it lacks the annotation, and if its state is unknown", async () => {
    const stays = { changes: false, replaces: [], deleteBeforeReplace: false, changedKeys: [] };
    assert.deepEqual(await diff(job(asking), having("Complete")), stays);
    assert.deepEqual(await diff(job({}), having("Failed")), stays);
    const gone = async () => Promise.reject(new Error("not found"));
    assert.deepEqual(await diff(job(asking), gone), stays);
  });
});

test("a preview of a replacement with the same name does its dry run with another name if fields are immutable", async () => {
  const tried: string[] = [];
  const apply = async (object: KubeObject) => {
    tried.push(object.metadata.name ?? "");
    if (object.metadata.name === "v") throw new ApiError("spec.nodeAffinity: field is immutable", "Invalid", {});
    return object;
  };
  const api = { apply, resource: async () => ({}) };
  const connection = { api, kubeconfig: {} } as unknown as Parameters<typeof objectHandler>[0]["connection"];
  const cluster = { settings: stackSettings, defaultNamespace: "ns", connection };
  const volume = { apiVersion: "v1", kind: "PersistentVolume" };
  const told: string[] = [];
  const listening = { ...call, log: { ...call.log, info: (message: string) => void told.push(message) } };
  const inputs = { ...volume, metadata: { name: "v" } };
  await objectHandler(cluster, { ...volume, patch: false }).create(inputs, true, listening);
  assert.match(tried.join(" "), /^v v[0-9a-f]{5}$/);
  assert.match(told.join(), /^Preview creation failed due to immutable fields; retrying with name "v[0-9a-f]{5}"$/);
});

describe("without a cluster", () => {
  const cluster = { settings: stackSettings, defaultNamespace: "ns", connection: { unreachable: "nobody there" } };
  const secret = objectHandler(cluster, { apiVersion: "v1", kind: "Secret", patch: false });
  const volume = objectHandler(cluster, { apiVersion: "v1", kind: "PersistentVolume", patch: false });
  const node = patchHandler(cluster, { apiVersion: "v1", kind: "Node", patch: true });
  const release = releaseHandler(cluster);

  test("inputs get their defaults: kind, namespace, name", async () => {
    const given = await secret.check?.({ metadata: { name: "s" } }, undefined, call);
    assert.deepEqual(given?.inputs, { apiVersion: "v1", kind: "Secret", metadata: { name: "s", namespace: "ns" } });
    const named = await volume.check?.({}, undefined, call);
    assert.match(JSON.stringify(named?.inputs.metadata), /"name":"thing-[0-9a-f]{8}".*"pulumi.com\/autonamed":"true"/);
    const kept = await volume.check?.({}, named?.inputs, call);
    assert.deepEqual(kept?.inputs, named?.inputs);
  });

  test("a patch needs a name", async () => {
    await assert.rejects(
      async () => node.check?.({ metadata: {} }, undefined, call),
      /metadata\.name.*field to be set/,
    );
  });

  test("preview returns the inputs", async () => {
    const inputs = { apiVersion: "v1", kind: "Secret", metadata: { name: "s" } };
    for (const handler of [secret, node]) {
      assert.deepEqual(await handler.create(inputs, true, call), { id: "", outputs: inputs });
      assert.deepEqual(await handler.update("s", inputs, inputs, inputs, true, call), { outputs: inputs });
    }
    const previewed = await release.create({ name: "r" }, true, call);
    assert.deepEqual(previewed.outputs, { name: "r", resourceNames: UNKNOWN, status: UNKNOWN });
  });

  test("a Job that is to be replaced unless it has succeeded is not checked, with a warning", async () => {
    const warned: string[] = [];
    const job = objectHandler(cluster, { apiVersion: "batch/v1", kind: "Job", patch: false });
    const metadata = { name: "j", annotations: { "pulumi.com/replaceUnready": "true" } };
    const inputs = { apiVersion: "batch/v1", kind: "Job", metadata };
    const listening = { ...call, log: { ...call.log, warn: (message: string) => void warned.push(message) } };
    assert.equal((await job.diff?.("ns/j", inputs, inputs, inputs, listening))?.changes, false);
    assert.deepEqual(warned, ["Cluster is unreachable, skipping replaceUnready check"]);
  });

  test("all other operations fail", async () => {
    const unreachable = /^Error: configured Kubernetes cluster is unreachable: nobody there$/;
    await assert.rejects(secret.create({}, false, call), unreachable);
    await assert.rejects(node.create({}, false, call), unreachable);
    await assert.rejects(secret.update("s", {}, {}, {}, false, call), unreachable);
    await assert.rejects(secret.read("s", {}, {}, call), /failed to read resource state due to unreachable cluster/);
    await assert.rejects(secret.delete("s", {}, {}, call), /configured Kubernetes cluster is unreachable/);
    await assert.rejects(release.create({}, false, call), /can't create Helm Release with unreachable cluster: nobody/);
  });
});

describe("a Release", () => {
  const defaults = { name: "made-up", namespace: "default" };
  const release = (inputs: Props): helm.Release =>
    helm.completed({ chart: "./c", name: "r", namespace: "n", ...inputs }, defaults);

  test("gets every default, and loses unknown inputs", () => {
    const completed = helm.completed({ chart: "c", compat: "true", values: { a: null } }, defaults);
    assert.deepEqual(
      [completed.name, completed.namespace, completed.timeout, completed.atomic, completed.description],
      ["made-up", "default", 300, false, ""],
    );
    assert.deepEqual(completed.values, { a: null });
    assert.equal("compat" in completed, false);
    assert.equal(helm.completed({ values: UNKNOWN }, defaults).values, UNKNOWN);
  });

  test("installs and upgrades with the values on standard input, and waits, also when it is uninstalled", () => {
    const inputs = { version: "2.7.7", postrender: "./repair", timeout: 1800, repositoryOpts: { repo: "https://a/b" } };
    const options = [
      ...["--namespace", "n", "--values", "-", "--version", "2.7.7", "--repo", "https://a/b"],
      ...["--wait", "--timeout", "1800s", "--post-renderer", "./repair"],
    ];
    assert.deepEqual(helm.installArguments(release(inputs)), ["install", "r", "./c", ...options]);
    assert.deepEqual(helm.upgradeArguments(release(inputs)), ["upgrade", "r", "./c", ...options, "--history-max", "0"]);
    assert.deepEqual(helm.upgradeArguments(release({ maxHistory: 3 })).slice(-2), ["--history-max", "3"]);
    assert.ok(helm.installArguments(release({ waitForJobs: true })).includes("--wait-for-jobs"));
    assert.deepEqual(helm.uninstallArguments(release({ timeout: 7 })), [
      ...["uninstall", "r", "--namespace", "n", "--wait", "--timeout", "7s"],
    ]);
    assert.deepEqual(helm.showChartArguments(release(inputs)), [
      ...["show", "chart", "./c", "--version", "2.7.7", "--repo", "https://a/b"],
    ]);
  });

  test("has only inputs that the stand-in implements", async () => {
    const handler = releaseHandler({ settings: stackSettings, defaultNamespace: "n", connection: { unreachable: "" } });
    const refused = async (inputs: Props) => {
      const checked = await handler.check?.({ chart: "./nowhere", ...inputs }, undefined, call);
      return checked?.failures?.map(({ property }) => property);
    };
    assert.deepEqual(await refused({ atomic: true }), ["atomic"]);
    assert.deepEqual(await refused({ valueYamlFiles: [{}] }), ["valueYamlFiles"]);
    assert.deepEqual(await refused({ repositoryOpts: { password: "x" } }), ["repositoryOpts.password"]);
    assert.deepEqual(await refused({ atomic: false, keyring: "", valueYamlFiles: [] }), ["chart"]);
  });

  test("differs if Helm's release differs from the inputs, or an input was removed", () => {
    const inputs = release({ values: { a: 1, b: { c: 2 }, list: [1, 2] } });
    const state = { ...inputs, values: { ...inputs.values, byHand: 1 }, status: { revision: 3 }, resourceNames: {} };
    assert.equal(diffReleases(inputs, state, inputs).changes, false);
    const drifted = { ...state, values: { ...state.values, a: 7 } };
    assert.deepEqual(diffReleases(inputs, drifted, inputs).changedKeys, ["values.a"]);
    assert.deepEqual(diffReleases(inputs, state, release({ values: { a: 1, list: [1] } })).changedKeys, [
      ...["values.b", "values.list[1]"],
    ]);
    assert.deepEqual(diffReleases(inputs, state, { ...inputs, version: UNKNOWN }).changedKeys, ["version"]);
  });

  test("is replaced for another name or namespace only", () => {
    const inputs = release({});
    const news = release({ name: "other", namespace: "elsewhere", chart: "./d", values: { a: 1 } });
    assert.deepEqual(diffReleases(inputs, inputs, news).replaces.sort(), ["name", "namespace"]);
  });

  test("is read from Helm's storage", async () => {
    const revision = {
      name: "r",
      namespace: "n",
      version: 4,
      info: { status: "failed" },
      chart: { metadata: { name: "c", version: "2.7.7", appVersion: "2.7.4" } },
      config: { a: 2 },
      manifest: "",
    };
    const zipped = gzipSync(JSON.stringify(revision)).toString("base64");
    const decoded = await decodeRevision(Buffer.from(zipped).toString("base64"));
    assert.deepEqual(decoded, revision);
    const state = stateOf(release({ values: { a: 1, b: 1 }, version: "" }), decoded);
    assert.deepEqual(state.values, { a: 2, b: 1 });
    assert.equal(state.version, "2.7.7");
    assert.deepEqual(state.status, {
      ...{
        appVersion: "2.7.4",
        chart: "c",
        name: "r",
        namespace: "n",
        revision: 4,
        status: "failed",
        version: "2.7.7",
      },
    });
  });

  test("lists its resources by kind, group and version", () => {
    const manifest = [
      "apiVersion: apps/v1\nkind: StatefulSet\nmetadata: { name: b, namespace: n }",
      "apiVersion: apps/v1\nkind: StatefulSet\nmetadata: { name: a, namespace: n }",
      "# nothing here",
      "apiVersion: v1\nkind: ConfigMap\nmetadata: { name: c }",
    ].join("\n---\n");
    assert.deepEqual(resourceNames(manifest), { "StatefulSet.apps/apps/v1": ["n/a", "n/b"], "ConfigMap/v1": ["c"] });
  });
});
