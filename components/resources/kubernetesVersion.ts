import * as pulumi from "@pulumi/pulumi";
import { answerInPreview, ask, type Cluster, type ClusterRef, connect, fault } from "./cluster.ts";

/** What a chart needs of the cluster it is installed in. */
export interface KubernetesNeed {
  /** Version of the chart, as in `pulsar:chart.version`. */
  chart: string;
  /** The oldest minor version of Kubernetes that knows all its objects, such as "1.25". */
  from: string;
}

/** Looks before an install or upgrade, in a preview already, whether the cluster is new enough for the chart; see `checkKubernetes`. */
export function kubernetesVersionHook(ref: ClusterRef, need: KubernetesNeed): pulumi.ResourceHook {
  const look = async () => {
    const preview = pulumi.runtime.isDryRun();
    const found = preview ? await previewKubernetes(ref, need) : await checkKubernetes(ref, need);
    if (preview && found !== undefined) await pulumi.log.info(found);
  };
  return new pulumi.ResourceHook("check-kubernetes-version", look, { onDryRun: true });
}

/**
 * As `checkKubernetes`, but that a preview need not reach the cluster: see `answerInPreview`.
 *
 * @returns what was found, or nothing
 */
export async function previewKubernetes(
  ref: ClusterRef,
  need: KubernetesNeed,
  seconds?: number,
): Promise<string | undefined> {
  const found = await answerInPreview(ref, versionOf, seconds);
  return found && judged(found, need);
}

/**
 * Refuses a cluster that is too old for the chart.
 *
 * @returns what was found, in a line
 * @throws Error of one line: the context, what was found and what the chart needs; or why the cluster could not be asked
 */
export async function checkKubernetes(ref: ClusterRef, need: KubernetesNeed): Promise<string> {
  return judged(await versionOf(await connect(ref)), need);
}

interface Found {
  context: string;
  version: string;
}

async function versionOf(cluster: Cluster): Promise<Found> {
  const { major, minor } = await ask(cluster, () => cluster.version.getCode());
  // Some clouds write "27+".
  return { context: cluster.context, version: `${major}.${Number.parseInt(minor)}` };
}

function judged({ context, version }: Found, { chart, from }: KubernetesNeed): string {
  const found = `context "${context}" has Kubernetes ${version}`;
  const needed = `chart ${chart} needs ${from} or newer`;
  if (!isOlder(version, from)) return `${found}; ${needed}`;
  const message = `${found}, but ${needed}: use a newer cluster, or another pulsar:chart.version`;
  throw fault(message);
}

/** Whether a version such as "1.9" comes before another such as "1.25". */
export function isOlder(version: string, than: string): boolean {
  return version.localeCompare(than, "en", { numeric: true }) < 0;
}
