import * as pulumi from "@pulumi/pulumi";
import { fault } from "../kit/fault.ts";
import type { ClusterRef } from "../../model/clusterRef.ts";
import { answerOf, ask, type AskingOptions, type Cluster } from "./connection.ts";

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
    const { found, unasked } = await checkKubernetes(ref, need);
    if (!pulumi.runtime.isDryRun()) return;
    if (found !== undefined) await pulumi.log.info(found);
    if (unasked !== undefined) await pulumi.log.warn(unasked);
  };
  return new pulumi.ResourceHook("check-kubernetes-version", check, { onDryRun: true });
}

/**
 * Refuses a cluster that is too old for the chart. A preview need not reach it: see `answerOf`.
 *
 * @returns what was found, in one line, or why the cluster was not queried
 * @throws Error of one line: the context, what was found and what the chart needs; or why the cluster could not be queried
 */
export async function checkKubernetes(
  ref: ClusterRef,
  { chart, from }: KubernetesNeed,
  options?: AskingOptions,
): Promise<{ found?: string; unasked?: string }> {
  let reason = "";
  const answer = await answerOf(ref, queryVersion, { ...options, unasked: (why) => void (reason = why) });
  if (answer === undefined) {
    return {
      unasked: `the cluster was not queried: ${reason}. This preview does not show what the cluster would refuse, or what others have changed in it.`,
    };
  }
  const found = `context "${answer.context}" has Kubernetes ${answer.version}`;
  const needed = `chart ${chart} needs ${from} or newer`;
  if (!isOlder(answer.version, from)) return { found: `${found}; ${needed}` };
  throw fault(`${found}, but ${needed}; use a newer cluster, or another pulsar:chart.version`);
}

async function queryVersion(cluster: Cluster): Promise<{ context: string; version: string }> {
  const { major, minor } = await ask(cluster, () => cluster.version.getCode());
  // Some clouds write "27+".
  return { context: cluster.context, version: `${major}.${Number.parseInt(minor)}` };
}

/** Whether a version such as "1.9" comes before another such as "1.25". */
export function isOlder(version: string, than: string): boolean {
  return version.localeCompare(than, "en", { numeric: true }) < 0;
}
