/** The stand-in for the kubernetes plugin, with a real API server and a real Helm. */
import assert from "node:assert/strict";
import { mkdir, writeFile } from "node:fs/promises";
import { delimiter, dirname, join } from "node:path";
import { after, before, describe, test } from "node:test";
import { startCluster } from "../../../rehearsal/cluster/controlPlane.ts";
import { simulatedNodes } from "../../../rehearsal/cluster/nodes.ts";
import type { Api } from "../../../rehearsal/standins/kubernetes/api.ts";
import { type Cluster, connect, reachable, settingsOf } from "../../../rehearsal/standins/kubernetes/cluster.ts";
import { at, kindOfType, type KubeObject, parseId } from "../../../rehearsal/standins/kubernetes/kinds.ts";
import { objectHandler } from "../../../rehearsal/standins/kubernetes/objects.ts";
import { patchHandler } from "../../../rehearsal/standins/kubernetes/patches.ts";
import { releaseHandler } from "../../../rehearsal/standins/kubernetes/release.ts";
import { getOrGone } from "../../../rehearsal/standins/kubernetes/waiting.ts";
import { type Call, PartialError, type Props, type ResourceHandler } from "../../../rehearsal/standins/protocol.ts";
import { prepareTools } from "../../../rehearsal/tools/tools.ts";
import { waitFor } from "../../../rehearsal/cluster/waiting.ts";
import { openWorkspace, type Workspace } from "../../../rehearsal/engine/workspace.ts";

let workspace: Workspace;
let cluster: Cluster;
let api: Api;
const path = process.env.PATH;

before(async () => {
  workspace = await openWorkspace();
  const { tools } = await prepareTools({ log: console.log, signal: workspace.signal });
  process.env.PATH = `${dirname(tools.helm)}${delimiter}${path ?? ""}`;
  const control = await startCluster({ tools, workspace });
  await control.addNodes(simulatedNodes({ nodes: [{ name: "node1", hostname: "node1" }], otherNodes: { count: 0 } }));
  cluster = await connect(settingsOf({ kubeconfig: control.kubeconfig, upsertExistingObjects: true }));
  api = reachable(cluster);
});

after(async () => {
  process.env.PATH = path;
  await workspace.close();
});

interface Options {
  timeoutSeconds?: number;
  signal?: AbortSignal;
  warn?: (message: string) => void;
}

/** A resource as the engine updates it, from one state to the next. */
class Resource {
  readonly handler: ResourceHandler;
  id = "";
  inputs: Props = {};
  outputs: Props = {};
  readonly #type: string;
  readonly #options: Options;

  constructor(type: string, options: Options = {}) {
    const kind = kindOfType(type);
    const handlers = kind?.patch === true ? patchHandler : objectHandler;
    this.handler = type === releaseType || !kind ? releaseHandler(cluster) : handlers(cluster, kind);
    this.#type = type;
    this.#options = options;
  }

  get call(): Call {
    const { timeoutSeconds = 0, signal = new AbortController().signal, warn = () => undefined } = this.#options;
    const log = { info: () => undefined, warn, status: () => undefined };
    return { urn: `urn:pulumi:s::p::${this.#type}::it`, type: this.#type, name: "it", timeoutSeconds, log, signal };
  }

  async check(news: Props): Promise<Props> {
    const olds = this.id === "" ? undefined : this.inputs;
    return (await this.handler.check?.(news, olds, this.call))?.inputs ?? news;
  }

  /** Applies inputs like `up`: no change, create or update, which it returns. After a failure, it has the state that the engine would keep. */
  async up(news: Props): Promise<"create" | "update" | "same"> {
    const inputs = await this.check(news);
    try {
      if (this.id === "") {
        const { id, outputs } = await this.handler.create(inputs, false, this.call);
        this.#keep(id, inputs, outputs);
        return "create";
      }
      const diff = await this.handler.diff?.(this.id, this.inputs, this.outputs, inputs, this.call);
      assert.deepEqual(diff?.replaces, []);
      if (!diff.changes) return "same";
      const updated = await this.handler.update(this.id, this.inputs, this.outputs, inputs, false, this.call);
      this.#keep(this.id, inputs, updated.outputs);
      return "update";
    } catch (error) {
      if (error instanceof PartialError) this.#keep(error.id, error.inputs, error.outputs);
      throw error;
    }
  }

  /** Refreshes like `refresh`: returns the changed property paths, or that the resource no longer exists. */
  async refresh(): Promise<string[] | "gone"> {
    const oldInputs = this.inputs;
    const found = await this.handler.read(this.id, this.inputs, this.outputs, this.call);
    if (!found) return "gone";
    this.#keep(this.id, found.inputs, found.outputs);
    const diff = await this.handler.diff?.(this.id, found.inputs, found.outputs, oldInputs, this.call);
    return diff?.changedKeys ?? [];
  }

  async delete(): Promise<void> {
    await this.handler.delete(this.id, this.inputs, this.outputs, this.call);
    this.id = "";
  }

  #keep(id: string, inputs: Props, outputs: Props): void {
    Object.assign(this, { id, inputs, outputs });
  }
}

const releaseType = "kubernetes:helm.sh/v3:Release";

async function live(type: string, id: string): Promise<KubeObject | undefined> {
  const kind = kindOfType(type);
  assert.ok(kind);
  return getOrGone(api, { ...kind, metadata: parseId(id) });
}

const template = (rest: Props = {}): Props => ({
  template: { spec: { restartPolicy: "Never", containers: [{ name: "main", image: "busybox" }], ...rest } },
});

describe("objects", () => {
  const lifecycles: [string, Props, Props?][] = [
    [
      "kubernetes:core/v1:Namespace",
      { metadata: { name: "made", labels: {} } },
      { metadata: { name: "made", labels: { a: "1" } } },
    ],
    ["kubernetes:core/v1:Secret", { metadata: { name: "s" }, stringData: { a: "1", b: "" } }],
    ["kubernetes:core/v1:Secret", { metadata: {}, data: { a: btoa("1") }, type: "Opaque", immutable: false }],
    [
      "kubernetes:storage.k8s.io/v1:StorageClass",
      {
        metadata: { name: "c" },
        provisioner: "kubernetes.io/no-provisioner",
        volumeBindingMode: "WaitForFirstConsumer",
      },
    ],
    [
      "kubernetes:core/v1:PersistentVolume",
      {
        metadata: { name: "v" },
        spec: {
          capacity: { storage: "1024Mi" },
          accessModes: ["ReadWriteOnce"],
          local: { path: "/data" },
          claimRef: { namespace: "default", name: "claim" },
          nodeAffinity: {
            required: {
              nodeSelectorTerms: [
                { matchExpressions: [{ key: "kubernetes.io/hostname", operator: "In", values: ["node1"] }] },
              ],
            },
          },
        },
      },
    ],
    ["kubernetes:batch/v1:Job", { metadata: { name: "j" }, spec: template() }],
  ];
  for (const [type, inputs, changed] of lifecycles) {
    test(`${type} is created, unchanged on refresh${changed ? ", changed" : ""} and deleted`, async () => {
      const resource = new Resource(type);
      assert.equal(await resource.up(inputs), "create");
      const { id } = resource;
      assert.deepEqual(await resource.refresh(), []);
      assert.equal(await resource.up(inputs), "same");
      if (changed) {
        assert.equal(await resource.up(changed), "update");
        assert.deepEqual(await resource.refresh(), []);
        assert.equal(await resource.up(inputs), "update");
        assert.equal(await resource.up(inputs), "same");
      }
      await resource.delete();
      assert.equal(await live(type, id), undefined);
      // Another client was faster.
      Object.assign(resource, { id });
      await resource.delete();
    });
  }

  test("an existing object is adopted", async () => {
    const metadata = { name: "taken", namespace: "default" };
    await api.apply({ apiVersion: "v1", kind: "ConfigMap", metadata }, { fieldManager: "test" });
    const resource = new Resource("kubernetes:core/v1:ConfigMap");
    assert.equal(await resource.up({ metadata, data: { a: "1" } }), "create");
    assert.deepEqual(resource.outputs.data, { a: "1" });
  });

  test("a foreign change of an own field is drift and a conflict, a foreign field is neither", async () => {
    const type = "kubernetes:core/v1:ServiceAccount";
    const resource = new Resource(type);
    const account = (label: string): Props => ({ metadata: { name: "sa", labels: { ours: label } } });
    await resource.up(account("1"));
    const foreign = { apiVersion: "v1", kind: "ServiceAccount", metadata: { name: "sa", namespace: "default" } };
    const labels = { ours: "2", theirs: "1" };
    const object = { ...foreign, metadata: { ...foreign.metadata, labels } };
    await api.apply(object, { fieldManager: "somebody", force: true });
    assert.deepEqual(await resource.refresh(), ["metadata.labels.ours"]);
    await assert.rejects(
      resource.up(account("3")),
      /apply conflict: Apply failed with 1 conflict: .*somebody.*labels\.ours/,
    );
    assert.equal(await resource.up(account("2")), "same");
  });

  test("a Job that never runs is kept in the state with the scheduler's reason", async () => {
    const resource = new Resource("kubernetes:batch/v1:Job", { timeoutSeconds: 1 });
    const spec = template({ nodeSelector: { nowhere: "nothing" } });
    await assert.rejects(
      resource.up({ metadata: { name: "stuck" }, spec }),
      /successfully created, but .* 'stuck' timed out waiting to be Ready\n\[Pod default\/stuck-\w+\]: 0\/1 nodes are available/,
    );
    assert.equal(resource.id, "default/stuck");
    await assert.rejects(resource.refresh(), PartialError);
    await resource.delete();
  });

  test("a cancelled operation stops waiting", async () => {
    const resource = new Resource("kubernetes:batch/v1:Job", { signal: AbortSignal.timeout(300) });
    const spec = template({ nodeSelector: { nowhere: "nothing" } });
    await assert.rejects(resource.up({ metadata: { name: "cancelled" }, spec }), /Resource operation was cancelled/);
  });

  test("the error of a refused Secret contains none of its values", async () => {
    const [hidden, type] = ["hunter2 is not base64", "kubernetes:core/v1:Secret"];
    for (const secret of [
      { data: { key: hidden } },
      { stringData: { "in valid": hidden } },
      { type: hidden, data: 1 },
    ]) {
      const refused = new Resource(type).up({ metadata: { name: "refused" }, ...secret });
      await assert.rejects(refused, (error: Error) => {
        assert.match(error.message, /was not successfully created/);
        assert.doesNotMatch(`${error.message} ${error.stack ?? ""}`, /data.*hunter2/);
        return true;
      });
    }
  });

  test("a preview sends a dry run to the server, and changes nothing", async () => {
    const type = "kubernetes:core/v1:ConfigMap";
    const resource = new Resource(type);
    const inputs = await resource.check({ metadata: { name: "previewed" }, data: { a: "1" } });
    const { outputs } = await resource.handler.create(inputs, true, resource.call);
    assert.equal(typeof at(outputs, "metadata", "uid"), "string");
    assert.equal(await live(type, "default/previewed"), undefined);
    const elsewhere = await resource.check({ metadata: { name: "previewed", namespace: "not-yet" } });
    assert.deepEqual(await resource.handler.create(elsewhere, true, resource.call), { id: "", outputs: elsewhere });
  });
});

describe("patches", () => {
  test("own only their fields, release them, and ignore those of others", async () => {
    const type = "kubernetes:core/v1:NodePatch";
    const resource = new Resource(type);
    const patch = (labels: Props): Props => ({ metadata: { name: "node1", labels } });
    assert.equal(await resource.up(patch({ one: "1", two: "2" })), "create");
    assert.deepEqual(await resource.refresh(), []);
    assert.equal(await resource.up(patch({ one: "1" })), "update");
    const labels = (await live(type, "node1"))?.metadata.labels as Props;
    assert.deepEqual([labels.one, labels.two, labels["kubernetes.io/hostname"]], ["1", undefined, "node1"]);
    await resource.delete();
    const left = (await live(type, "node1"))?.metadata.labels as Props;
    assert.deepEqual([left.one, left["kubernetes.io/hostname"]], [undefined, "node1"]);
  });

  test("conflict with the owner of a field unless forced", async () => {
    const labels = { "kubernetes.io/hostname": "other" };
    const resource = new Resource("kubernetes:core/v1:NodePatch");
    await assert.rejects(
      resource.up({ metadata: { name: "node1", labels } }),
      /server-side apply field conflict detected/,
    );
    const type = "kubernetes:core/v1:ServiceAccountPatch";
    const forced = new Resource(type);
    const annotations = { "pulumi.com/patchForce": "true" };
    await forced.up({ metadata: { name: "default", annotations }, imagePullSecrets: [{ name: "regsecret" }] });
    assert.deepEqual((await live(type, "default/default"))?.imagePullSecrets, [{ name: "regsecret" }]);
    await forced.delete();
    assert.equal((await live(type, "default/default"))?.imagePullSecrets, undefined);
  });

  test("create a missing object, like the official plugin", async () => {
    const type = "kubernetes:core/v1:NamespacePatch";
    const resource = new Resource(type);
    await resource.up({ metadata: { name: "by-patch", labels: { a: "1" } } });
    await resource.delete();
    assert.ok(await live(type, "by-patch"));
  });
});

describe("releases", () => {
  let chart: string;

  before(async () => {
    chart = await workspace.folder("tiny");
    await mkdir(join(chart, "templates"));
    await writeFile(join(chart, "Chart.yaml"), "apiVersion: v2\nname: tiny\nversion: 1.2.3\nappVersion: '9'\n");
    await writeFile(join(chart, "values.yaml"), "x: '1'\nnodeSelector: {}\nbroken: ''\npassword: ''\n");
    await writeFile(
      join(chart, "templates/all.yaml"),
      `
apiVersion: v1
kind: ConfigMap
metadata: { name: {{ .Release.Name }} }
data: { x: {{ .Values.x | quote }}, install: {{ .Release.IsInstall | quote }} }
---
apiVersion: apps/v1
kind: Deployment
metadata: { name: {{ .Release.Name }} }
spec:
  selector: { matchLabels: { app: {{ .Release.Name }} } }
  template:
    metadata: { labels: { app: {{ .Release.Name }} } }
    spec:
      nodeSelector: {{ toJson .Values.nodeSelector }}
      containers: [{ name: main, image: busybox }]
{{- with .Values.broken }}{{ fail . }}{{ end }}
`,
    );
    await writeFile(join(chart, "repair.sh"), "#!/bin/sh\nsed 's/x: \"/x: \"repaired-/'\n", { mode: 0o755 });
    await writeFile(join(chart, "fail.sh"), "#!/bin/sh\necho nothing to repair >&2\nexit 3\n", { mode: 0o755 });
  });

  const nowhere = { nodeSelector: { nowhere: "nothing" } };
  const configOf = async (name: string): Promise<unknown> =>
    (await live("kubernetes:core/v1:ConfigMap", `default/${name}`))?.data;

  test("are installed, unchanged on refresh, upgraded, post-rendered and uninstalled", async () => {
    const resource = new Resource(releaseType);
    const inputs = { name: "tiny", chart, values: { list: [1] } };
    assert.equal(await resource.up(inputs), "create");
    assert.deepEqual(resource.outputs.status, {
      ...{ appVersion: "9", chart: "tiny", name: "tiny", namespace: "default", revision: 1, status: "deployed" },
      version: "1.2.3",
    });
    assert.deepEqual(resource.outputs.resourceNames, {
      "ConfigMap/v1": ["tiny"],
      "Deployment.apps/apps/v1": ["tiny"],
    });
    assert.deepEqual(await resource.refresh(), []);
    assert.equal(await resource.up(inputs), "same");
    assert.equal(await resource.up({ ...inputs, postrender: join(chart, "repair.sh") }), "update");
    assert.deepEqual(await configOf("tiny"), { install: "false", x: "repaired-1" });
    assert.equal(at(resource.outputs.status, "revision"), 2);
    await resource.delete();
    assert.equal(await configOf("tiny"), undefined);
    assert.equal(await resource.refresh(), "gone");
  });

  test("that do not become ready are kept, and fixed by an upgrade", async () => {
    const warnings: string[] = [];
    const resource = new Resource(releaseType, { warn: (message) => warnings.push(message) });
    const inputs = { name: "stuck", chart, timeout: 2, values: nowhere };
    await assert.rejects(
      resource.up(inputs),
      /"default\/stuck" was created, but failed to initialize completely\. Use Helm CLI to investigate: failed to become available/,
    );
    assert.match(warnings.join(), /Helm release "stuck" was created but has a failed status/);
    assert.equal(at(resource.outputs.status, "status"), "failed");
    // With other values. Without values, Helm uses those of the last revision.
    assert.equal(await resource.up({ name: "stuck", chart, timeout: 60, values: { x: "2" } }), "update");
    assert.equal(at(resource.outputs.status, "status"), "deployed");
    await resource.delete();
  });

  test("with failing templates or post-renderer report the error, without values", async () => {
    const values = { broken: "hunter2 it is", password: "hunter2" };
    const broken = new Resource(releaseType).up({ name: "broken", chart, values });
    await assert.rejects(
      broken,
      /^Error: execution error at \(tiny\/templates\/all\.yaml:\d+:\d+\): \[secret\] it is$/,
    );
    const unrendered = new Resource(releaseType).up({ name: "broken", chart, postrender: join(chart, "fail.sh") });
    await assert.rejects(unrendered, /^Error: error while running post render[^]*nothing to repair\n: exit status 3$/);
  });

  test("that are cancelled end at once and are marked as failed", async () => {
    const cancelled = new AbortController();
    const resource = new Resource(releaseType, { signal: cancelled.signal });
    const installing = resource.up({ name: "cancelled", chart, values: nowhere });
    const refused = assert.rejects(installing, /context canceled/);
    await waitFor(() => configOf("cancelled"), { what: "the install", limit: 30_000, signal: workspace.signal });
    cancelled.abort();
    await refused;
    assert.equal(at(resource.outputs.status, "status"), "failed");
  });

  test("with a name in use are refused", async () => {
    await new Resource(releaseType).up({ name: "used", chart });
    await assert.rejects(
      new Resource(releaseType).up({ name: "used", chart }),
      /cannot re-use a name that is still in use/,
    );
  });

  test("with a missing chart fail the check", async () => {
    const { handler, call } = new Resource(releaseType);
    const checked = await handler.check?.({ name: "r", chart: "./nowhere" }, undefined, call);
    const reason = 'path "./nowhere" not found; check the chart name and repository configuration.';
    assert.deepEqual(checked?.failures, [{ property: "chart", reason }]);
  });
});
