/** Renders the chart of a Release as Helm would install it: with the program's values and its post-renderer. */
import { dirname, delimiter } from "node:path";
import { execa } from "execa";
import { parseManifest } from "../../model/charts/manifest.ts";
import { withoutPlainSecrets } from "../../model/secretLooks.ts";
import { redactor } from "../../rehearsal/engine/redact.ts";
import { helmMessage } from "../../rehearsal/standins/kubernetes/helm.ts";
import type { KubernetesObject } from "../plan.ts";

export interface ReleaseInputs {
  name: string;
  namespace: string;
  /** With markers in place of secrets and unknown values, so that no rendered object holds one. */
  values: Record<string, unknown>;
  /** Path of the post-renderer, relative to the program's folder. */
  postrender?: string;
}

/** @throws Error with Helm's message, if the chart refuses the values */
export async function renderChart(
  { name, namespace, values, postrender }: ReleaseInputs,
  { helm, chart, folder, signal }: { helm: string; chart: string; folder: string; signal?: AbortSignal },
): Promise<KubernetesObject[]> {
  const options = ["--namespace", namespace, "--values", "-", ...(postrender ? ["--post-renderer", postrender] : [])];
  const { failed, stdout, stderr } = await execa(helm, ["template", name, chart, ...options], {
    cwd: folder,
    input: JSON.stringify(values),
    // The post-renderer takes node from PATH. No kubeconfig: nothing in the cluster may change the result.
    env: { PATH: `${dirname(process.execPath)}${delimiter}${process.env["PATH"] ?? ""}`, KUBECONFIG: "/dev/null" },
    reject: false,
    cancelSignal: signal,
  });
  signal?.throwIfAborted();
  if (failed) throw new Error(redactor([])(helmMessage(stderr)));
  return objectsIn(stdout);
}

/** The objects of a manifest without secret values, in the order of kind, namespace and name. */
export function objectsIn(manifest: string): KubernetesObject[] {
  return parseManifest(manifest)
    .map(masked)
    .sort((a, b) => (keyOf(a) < keyOf(b) ? -1 : 1));
}

/** Identifies an object in a cluster, among those of one release. */
export function keyOf({ apiVersion, kind, metadata }: KubernetesObject): string {
  return [kind, apiVersion.split("/").slice(0, -1).join("/"), metadata.namespace ?? "", metadata.name].join(" ");
}

/** A value is often a random number of the chart, so its marker depends only on the program's markers in it: another secret counts as a change. */
function masked(object: KubernetesObject): KubernetesObject {
  const plain = withoutPlainSecrets(object) as KubernetesObject;
  if (object.kind !== "Secret") return plain;
  const fields = ["data", "stringData"].flatMap((field) => {
    const data = object[field];
    if (typeof data !== "object" || data === null) return [];
    const values = Object.entries(data).map(([key, value]) => {
      const text = field === "data" ? Buffer.from(String(value), "base64").toString() : String(value);
      return [key, text.match(/\[secret [0-9a-f]{8}\]/g)?.join("") ?? "[secret]"];
    });
    return [[field, Object.fromEntries(values)] as const];
  });
  return { ...plain, ...Object.fromEntries(fields) };
}
