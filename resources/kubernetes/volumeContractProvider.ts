import type { dynamic } from "@pulumi/pulumi";
import { breaches, refusal, type VolumeContractArgs } from "../../model/volumeMoves.ts";
import { diffOn } from "../kit/diff.ts";
import { recordOnly } from "../kit/record.ts";

/**
 * Refuses a change that would separate a pod from its data.
 *
 * The failure names no property: the engine would print its value, which is all volumes.
 */
export function check(
  olds: Partial<VolumeContractArgs>,
  news: VolumeContractArgs,
): dynamic.CheckResult<VolumeContractArgs> {
  if (!isComplete(olds)) return {};
  const lines = breaches(olds, news);
  return lines.length === 0 ? {} : { failures: [{ property: "", reason: refusal(lines, news.production) }] };
}

/** Whether the recorded volumes change. What is accepted belongs to one change and is not compared. */
export function diff(_id: string, olds: VolumeContractArgs, news: VolumeContractArgs): dynamic.DiffResult {
  return diffOn(olds, news, ["namespace", "release", "clusterDomain", "storageClass", "chartLine", "volumes"]);
}

export const { create, update, read, remove } = recordOnly<VolumeContractArgs>("volumes");

/** A new resource has no old inputs. */
function isComplete(olds: Partial<VolumeContractArgs>): olds is VolumeContractArgs {
  return olds.volumes !== undefined;
}
