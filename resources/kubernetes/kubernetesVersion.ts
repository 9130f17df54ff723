import * as pulumi from "@pulumi/pulumi";
import { fault } from "../kit/fault.ts";
import type { ClusterRef } from "../../model/clusterRef.ts";
import { answerInPreview, ask, type Cluster, connect } from "./connection.ts";

/** What a chart requires of the cluster. */
export interface KubernetesNeed {
  /** Version of the chart, as in `pulsar:chart.version`. */
  chart: string;
  /** The oldest minor version of Kubernetes that has all its API versions, such as "1.25". */
  from: string;
}

/**
 * Checks before an install or upgrade, and in a preview, that the cluster is new enough for the chart; see `checkKubernetes`. A preview warns if the
 * cluster was not queried, which the Kubernetes plugin (4.34) does not report.
 */
export function kubernetesVersionHook(ref: ClusterRef, need: KubernetesNeed): pulumi.ResourceHook {
  const check = async () => {
    if (!pulumi.runtime.isDryRun()) {
      await checkKubernetes(ref, need);
      return;
    }
    const { found, unasked } = await previewKubernetes(ref, need);
    if (found !== undefined) await pulumi.log.info(found);
    if (unasked !== undefined) await pulumi.log.warn(unasked);
  };
  return new pulumi.ResourceHook("check-kubernetes-version", check, { onDryRun: true });
}

/**
 * As `checkKubernetes`, but a preview need not reach the cluster: see `answerInPreview`.
 *
 * @returns what was found, or why the cluster was not queried
 */
export async function previewKubernetes(
  ref: ClusterRef,
  need: KubernetesNeed,
  seconds?: number,
): Promise<{ found?: string; unasked?: string }> {
  let reason = "";
  const found = await answerInPreview(ref, queryVersion, { seconds, unasked: (why) => void (reason = why) });
  if (found) return { found: refuseOlder(found, need) };
  return {
    unasked: `the cluster was not queried: ${reason}. This preview does not show what the cluster would refuse, or what others have changed in it.`,
  };
}

/**
 * Refuses a cluster that is too old for the chart.
 *
 * @returns what was found, in one line
 * @throws Error of one line: the context, what was found and what the chart needs; or why the cluster could not be queried
 */
export async function checkKubernetes(ref: ClusterRef, need: KubernetesNeed): Promise<string> {
  return refuseOlder(await queryVersion(await connect(ref)), need);
}

interface Found {
  context: string;
  version: string;
}

async function queryVersion(cluster: Cluster): Promise<Found> {
  const { major, minor } = await ask(cluster, () => cluster.version.getCode());
  // Some clouds write "27+".
  return { context: cluster.context, version: `${major}.${Number.parseInt(minor)}` };
}

function refuseOlder({ context, version }: Found, { chart, from }: KubernetesNeed): string {
  const found = `context "${context}" has Kubernetes ${version}`;
  const needed = `chart ${chart} needs ${from} or newer`;
  if (!isOlder(version, from)) return `${found}; ${needed}`;
  throw fault(`${found}, but ${needed}; use a newer cluster, or another pulsar:chart.version`);
}

/** Whether a version such as "1.9" comes before another such as "1.25". */
export function isOlder(version: string, than: string): boolean {
  return version.localeCompare(than, "en", { numeric: true }) < 0;
}
