/**
 * Each pod's data is on the disk of one node, so a pod that starts on another node starts empty. This module decides which changes of the
 * settings separate pods from their data, and what the message says. The resource VolumeContract checks it at preview.
 */
import { claimName, type Volume } from "./charts/names.ts";
import type { AcceptedMove, PlannedVolume } from "./volumes.ts";

/** Where the data of a pod is. */
export interface PodVolumes {
  node: string;
  /** The node's `kubernetes.io/hostname` label: the volumes are pinned to it. */
  hostname: string;
  /** By volume: its directory on the node, and the size that its claim requests. */
  claims: Record<string, { path: string; size: string }>;
}

export interface VolumeContractArgs {
  namespace: string;
  release: string;
  /** DNS domain of the Kubernetes cluster. Undefined in a state that is older than the setting. */
  clusterDomain?: string;
  storageClass: string;
  /** The family of chart versions: 2.7 or 4. Data of one needs a migration to the other. */
  chartLine: string;
  /** By pod, such as "bookie-1". */
  volumes: Record<string, PodVolumes>;
  /** Reviewed moves and removals. Entries that match no change are ignored, so they may stay in the settings. */
  accepted: AcceptedMove[];
  /** Changes only the advice in the message. */
  production: boolean;
}

/** The settings that decide where the data is. */
export interface ContractSettings extends Pick<VolumeContractArgs, "namespace" | "release" | "production"> {
  clusterDomain: string;
  volumes: { storageClass: { name: string } };
  line: { name: string };
  plannedVolumes: readonly PlannedVolume[];
  movedVolumes: AcceptedMove[];
}

/** The contract of a stack. */
export function contractOf(settings: ContractSettings): VolumeContractArgs {
  const { namespace, release, clusterDomain, production } = settings;
  const volumes: Record<string, PodVolumes> = {};
  for (const { pod, node, hostname, volume, path, request } of settings.plannedVolumes) {
    volumes[pod] ??= { node, hostname, claims: {} };
    volumes[pod].claims[volume] = { path, size: request };
  }
  return {
    namespace,
    release,
    clusterDomain,
    storageClass: settings.volumes.storageClass.name,
    chartLine: settings.line.name,
    accepted: settings.movedVolumes,
    production,
    volumes,
  };
}

/** A pod that would be separated from its data. */
interface SeparatedPod {
  pod: string;
  component: string;
  before: PodVolumes;
  /** Undefined if the pod is removed. */
  after: PodVolumes | undefined;
}

/** Up to this number of pods, each has a message of its own with its claims. Above it, there is one line for each component. */
const maxDetailedPods = 3;

/**
 * What would separate pods from their data, one line each, with what to do. New pods and new volumes are no breach.
 *
 * A move or a removal can be accepted, exactly as it is. A change of path, size, namespace, release or storage class cannot: the old value can
 * be set again, and the runbooks say how to move the data.
 */
export function breaches(before: VolumeContractArgs, after: VolumeContractArgs): string[] {
  const separated = separatedPods(before, after);
  const reordered = componentsOf(separated).filter((component) => isReordered(component, separated, before));
  const others = separated.filter(({ component }) => !reordered.includes(component));
  return [
    ...chartLineBreaches(before, after),
    ...sharedSettingBreaches(before, after),
    ...clusterDomainBreaches(before, after),
    ...reordered.map((component) => reorderingBreach(separated.filter((pod) => pod.component === component))),
    ...(others.length > maxDetailedPods
      ? manyPodsBreaches(others)
      : others.map((pod) => podBreach(pod, { ...after, release: before.release }))),
    ...volumeBreaches(before, after),
  ];
}

/** The whole error message of a preview. */
export function refusal(lines: readonly string[], production: boolean): string {
  return [
    "this change would leave data behind:",
    ...lines.map((line) => `  - ${line}`),
    production
      ? "Nothing was changed. In production, an update alone never moves or gives up data: follow the runbook."
      : "Nothing was changed. If nobody needs the data: run `pulumi destroy` with the former settings, then `pulumi up` with these.",
  ].join("\n");
}

function separatedPods(before: VolumeContractArgs, after: VolumeContractArgs): SeparatedPod[] {
  return Object.entries(before.volumes)
    .map(([pod, volumes]) => ({ pod, component: componentOf(pod), before: volumes, after: after.volumes[pod] }))
    .filter(({ before, after }) => before.node !== after?.node || before.hostname !== after.hostname)
    .filter((separated) => !after.accepted.some((entry) => accepts(entry, separated)))
    .sort((a, b) => a.component.localeCompare(b.component) || ordinalOf(a.pod) - ordinalOf(b.pod));
}

function accepts(entry: AcceptedMove, { pod, before, after }: SeparatedPod): boolean {
  return entry.pod === pod && entry.from === before.node && entry.to === after?.node;
}

/** Another chart line has another Pulsar version, other Kubernetes objects and another container user: no upgrade in place (charts 2.7.7 and 4.7.0). */
function chartLineBreaches(before: VolumeContractArgs, after: VolumeContractArgs): string[] {
  return before.chartLine === after.chartLine
    ? []
    : [
        `pulsar:chart.version: changes from chart line ${before.chartLine} to ${after.chartLine}, which needs a migration and not an upgrade; set ` +
          "the former version again and follow docs/operations/migrate-to-pulsar-4.md",
      ];
}

/** Changes of settings that all volumes depend on. */
function sharedSettingBreaches(before: VolumeContractArgs, after: VolumeContractArgs): string[] {
  const settings = { namespace: "namespace", release: "release", storageClass: "volumes.storageClass.name" } as const;
  return (["namespace", "release", "storageClass"] as const)
    .filter((key) => before[key] !== after[key])
    .map(
      (key) =>
        `pulsar:${settings[key]}: changes from ${before[key]} to ${after[key]}, so every volume would be created again and every pod would ` +
        `start without its data; set it to ${before[key]} again, and use another stack for a second cluster`,
    );
}

/** Each bookie's directories and ZooKeeper hold the full host name under which the bookie registered. */
function clusterDomainBreaches(
  { clusterDomain: before }: VolumeContractArgs,
  { clusterDomain: after }: VolumeContractArgs,
): string[] {
  return before === undefined || before === after
    ? []
    : [
        `pulsar:clusterDomain: changes from ${before} to ${after}, so every bookie would start under another host name and refuse its ` +
          `directories (InvalidCookieException); set it to ${before} again`,
      ];
}

/**
 * Whether the nodes were put in another order: at least half of a component's pods that move would move to a node with another pod's data.
 * A node inserted into or removed from the list shifts all later ones.
 */
function isReordered(component: string, separated: readonly SeparatedPod[], { volumes }: VolumeContractArgs): boolean {
  const podByNode = new Map(Object.entries(volumes).map(([pod, { node }]) => [`${componentOf(pod)} ${node}`, pod]));
  const moved = separated.filter((pod) => pod.component === component && pod.after !== undefined);
  const ontoOthers = moved.filter(({ pod, after }) => {
    const present = podByNode.get(`${component} ${after?.node}`);
    return present !== undefined && present !== pod;
  });
  return ontoOthers.length > 0 && ontoOthers.length * 2 >= moved.length;
}

function reorderingBreach(separated: readonly SeparatedPod[]): string {
  return (
    `the order of the nodes has changed, and pods would start on the disks of other pods: ${movesOf(separated)}; put the nodes back in their ` +
    "order (ordinal i is on node i), add new nodes only at the end, remove only the last ones, and follow docs/operations/replace-a-node.md"
  );
}

function manyPodsBreaches(separated: readonly SeparatedPod[]): string[] {
  return [
    `the data of ${separated.length} pods would be left behind; restore the former nodes and replicas, or follow ` +
      "docs/operations/replace-a-node.md for one node after the other",
    ...componentsOf(separated).map((component) => movesOf(separated.filter((pod) => pod.component === component))),
  ];
}

function movesOf(separated: readonly SeparatedPod[]): string {
  return listed(separated.map(({ pod, before, after }) => `${pod} ${before.node} -> ${after?.node ?? "removed"}`));
}

function podBreach({ pod, before, after }: SeparatedPod, { release, production }: VolumeContractArgs): string {
  const claims = Object.keys(before.claims)
    .map((volume) => claimName(release, volume as Volume, ordinalOf(pod)))
    .join(", ");
  const accept = (to?: string) =>
    `accept it in pulsar:movedVolumes as {pod: ${pod}, from: ${before.node}${to === undefined ? "" : `, to: ${to}`}}`;
  if (after === undefined) {
    return (
      `${pod} has its data on ${before.node} and would be removed (${claims}); put ${before.node} back in its place in the list and restore ` +
      `the replicas, or follow docs/operations/replace-a-node.md and ${accept()}` +
      (production ? ", then run `pulumi up` before you remove the pod: until then its volumes are protected" : "")
    );
  }
  if (before.node === after.node) {
    return (
      `${pod} has its data on ${before.node}, whose label kubernetes.io/hostname changes from ${before.hostname} to ${after.hostname}, but its ` +
      `volumes are pinned to ${before.hostname} (${claims}); restore the hostname, or follow docs/operations/replace-a-node.md and ` +
      accept(after.node)
    );
  }
  return (
    `${pod} has its data on ${before.node} and would start empty on ${after.node} (${claims}); put ${before.node} back in its place in ` +
    `the list, or follow docs/operations/replace-a-node.md and ${accept(after.node)}`
  );
}

/** Volumes that change their directory or size or are removed while their pod stays on its node. Pods with the same change share a line. */
function volumeBreaches(before: VolumeContractArgs, after: VolumeContractArgs): string[] {
  const changes = new Map<string, string[]>();
  for (const [pod, { node, claims }] of Object.entries(before.volumes)) {
    const now = after.volumes[pod];
    if (now?.node !== node) continue;
    for (const [volume, claim] of Object.entries(claims)) {
      for (const change of changesOf(volume, claim, now.claims[volume])) {
        changes.set(change, [...(changes.get(change) ?? []), pod]);
      }
    }
  }
  return [...changes].map(
    ([change, pods]) =>
      `${change} (${listed(pods)}); set the former value in the stack file, or follow docs/operations/move-a-changed-default.md`,
  );
}

function changesOf(
  volume: string,
  before: PodVolumes["claims"][string],
  after?: PodVolumes["claims"][string],
): string[] {
  if (after === undefined) return [`${volume} has data in ${before.path} and is no longer planned`];
  return [
    before.path === after.path ? [] : `${volume} has its data in ${before.path} and would start empty in ${after.path}`,
    before.size === after.size
      ? []
      : `${volume} was created with ${before.size} and would be ${after.size}, but a StatefulSet's claims are immutable and a local ` +
        "volume cannot grow",
  ].flat();
}

function componentsOf(separated: readonly SeparatedPod[]): string[] {
  return [...new Set(separated.map(({ component }) => component))];
}

/** The first five items, and how many more there are. */
function listed(items: readonly string[]): string {
  const rest = items.length - 5;
  return items.slice(0, 5).join(", ") + (rest > 0 ? ` and ${rest} more` : "");
}

function componentOf(pod: string): string {
  return pod.slice(0, pod.lastIndexOf("-"));
}

function ordinalOf(pod: string): number {
  return Number(pod.slice(pod.lastIndexOf("-") + 1));
}
