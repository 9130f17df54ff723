/** Why a changed pod template restarts pods, in the names of its fields. */
import { isDeepStrictEqual } from "node:util";
import { listed } from "../../rehearsal/report/rows.ts";
import type { PodTemplate } from "./workloads.ts";

type Fields = Record<string, unknown>;

/** Fields of a pod that decide where it runs. */
const placement = ["nodeSelector", "tolerations", "affinity", "topologySpreadConstraints", "nodeName"];

/** Fields of a container that have their own reason. All others are named as they are. */
const ofContainer: Record<string, string> = {
  resources: "resources",
  livenessProbe: "probes",
  readinessProbe: "probes",
  startupProbe: "probes",
  command: "command",
  args: "command",
  ports: "ports",
  volumeMounts: "mounts",
};

/**
 * One reason for each kind of change in a template, sorted. Empty if the templates are equal.
 *
 * @param changedKeys the keys that change in the ConfigMaps of the pods, which a changed checksum stands for
 */
export function templateReasons(before: PodTemplate, after: PodTemplate, changedKeys: readonly string[]): string[] {
  if (isDeepStrictEqual(before, after)) return [];
  const reasons = new Set<string>();
  const add = (reason: string) => reasons.add(reason);
  const images = new Map<string, string[]>();
  for (const [key, old, now] of changed(before.metadata?.annotations, after.metadata?.annotations)) {
    if (key.startsWith("checksum/")) add(`configuration${changedKeys.length > 0 ? `: ${listed(changedKeys, 4)}` : ""}`);
    else add(`annotation ${key}${fromTo(old, now)}`);
  }
  for (const [key, old, now] of changed(before.metadata?.labels, after.metadata?.labels)) {
    add(`label ${key}${fromTo(old, now)}`);
  }
  for (const [field, old, now] of changed(before.spec, after.spec)) {
    if (field === "containers" || field === "initContainers") containerReasons(old, now, images).forEach(add);
    else if (field === "volumes") {
      for (const [name] of changed(byName(old), byName(now))) add(`volume ${name}`);
    } else add(placement.includes(field) ? "placement" : field);
  }
  for (const [change, containers] of images) add(`image of ${containers.sort().join(", ")}: ${change}`);
  return [...reasons].sort();
}

/** @param images receives the containers by the change of their image */
function containerReasons(before: unknown, after: unknown, images: Map<string, string[]>): string[] {
  return changed(byName(before), byName(after)).flatMap(([name, old, now]) => {
    if (old === undefined) return [`container ${name} is new`];
    if (now === undefined) return [`container ${name} is removed`];
    return changed(old as Fields, now as Fields).flatMap(([field, was, is]) => {
      if (field === "image") {
        const change = imageChange(String(was), String(is));
        images.set(change, [...(images.get(change) ?? []), name]);
        return [];
      }
      if (field === "env") {
        const names = changed(byName(was), byName(is)).map(([variable]) => variable);
        return [
          names.length > 0 ? `environment of ${name}: ${listed(names, 4)}` : `order of the environment of ${name}`,
        ];
      }
      return [`${ofContainer[field] ?? field} of ${name}`];
    });
  });
}

/** Only the tags, where only those differ. */
function imageChange(before: string, after: string): string {
  const parts = (image: string) => /^(.*?)([:@][^/]*)?$/.exec(image) ?? [];
  const [, oldName, oldTag = ""] = parts(before);
  const [, newName, newTag = ""] = parts(after);
  const [old, now] = oldName === newName ? [oldTag.slice(1), newTag.slice(1)] : [before, after];
  return `${old} to ${now}`;
}

/** Lists of named things by name. Two with one name, as ports of two protocols, count as one. */
function byName(list: unknown): Fields {
  const entries = (Array.isArray(list) ? list : []) as { name?: string }[];
  return Object.fromEntries(entries.map((entry, index) => [entry.name ?? index, entry]));
}

/** The chart writes an empty mapping as null. */
type Mapping<T> = Record<string, T> | null | undefined;

function changed<T>(before: Mapping<T>, after: Mapping<T>): [key: string, before?: T, after?: T][] {
  const [old, now] = [before ?? {}, after ?? {}];
  const keys = [...new Set([...Object.keys(old), ...Object.keys(now)])].sort();
  return keys.flatMap((key): [string, T?, T?][] =>
    isDeepStrictEqual(old[key], now[key]) ? [] : [[key, old[key], now[key]]],
  );
}

function fromTo(before: string | undefined, after: string | undefined): string {
  if (before === undefined) return " is new";
  if (after === undefined) return " is removed";
  return `: ${before} to ${after}`;
}
