/** Why a changed pod template restarts pods, in the field's words. */
import { isDeepStrictEqual } from "node:util";
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
  for (const [key, old, now] of changed(before.metadata?.annotations, after.metadata?.annotations)) {
    if (key.startsWith("checksum/")) add(`configuration${changedKeys.length > 0 ? `: ${listed(changedKeys)}` : ""}`);
    else add(`annotation ${key}${fromTo(old, now)}`);
  }
  for (const [key, old, now] of changed(before.metadata?.labels, after.metadata?.labels)) {
    add(`label ${key}${fromTo(old, now)}`);
  }
  for (const [field, old, now] of changed(before.spec, after.spec)) {
    if (field === "containers" || field === "initContainers") containerReasons(old, now).forEach(add);
    else if (field === "volumes") {
      for (const [name] of changed(byName(old), byName(now))) add(`volume ${name}`);
    } else add(placement.includes(field) ? "placement" : field);
  }
  return [...reasons].sort();
}

function containerReasons(before: unknown, after: unknown): string[] {
  return changed(byName(before), byName(after)).flatMap(([name, old, now]) => {
    if (old === undefined) return [`container ${name} is new`];
    if (now === undefined) return [`container ${name} is removed`];
    return changed(old as Fields, now as Fields).flatMap(([field, was, is]) => {
      if (field === "image") return [imageReason(name, String(was), String(is))];
      if (field === "env") {
        const names = changed(byName(was), byName(is)).map(([variable]) => variable);
        return [names.length > 0 ? `environment of ${name}: ${listed(names)}` : `order of the environment of ${name}`];
      }
      return [`${ofContainer[field] ?? field} of ${name}`];
    });
  });
}

/** Only the tags, where only those differ. */
function imageReason(container: string, before: string, after: string): string {
  const parts = (image: string) => /^(.*?)([:@][^/]*)?$/.exec(image) ?? [];
  const [, oldName, oldTag = ""] = parts(before);
  const [, newName, newTag = ""] = parts(after);
  const [old, now] = oldName === newName ? [oldTag.slice(1), newTag.slice(1)] : [before, after];
  return `image of ${container}: ${old} to ${now}`;
}

/** Lists of named things by name. Two with one name, as ports of two protocols, count as one. */
function byName(list: unknown): Fields {
  const entries = (Array.isArray(list) ? list : []) as { name?: string }[];
  return Object.fromEntries(entries.map((entry, index) => [entry.name ?? index, entry]));
}

function changed<T>(
  before: Record<string, T> = {},
  after: Record<string, T> = {},
): [key: string, before?: T, after?: T][] {
  const keys = [...new Set([...Object.keys(before), ...Object.keys(after)])].sort();
  return keys.flatMap((key): [string, T?, T?][] =>
    isDeepStrictEqual(before[key], after[key]) ? [] : [[key, before[key], after[key]]],
  );
}

function fromTo(before: string | undefined, after: string | undefined): string {
  if (before === undefined) return " is new";
  if (after === undefined) return " is removed";
  return `: ${before} to ${after}`;
}

const shown = 4;

/** At most four names, and how many more there are. */
export function listed(names: readonly string[]): string {
  const more = names.length - shown;
  return names.slice(0, shown).join(", ") + (more > 0 ? ` and ${more} more` : "");
}
