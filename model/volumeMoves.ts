/**
 * Ordinal to node is a contract: the data of bookie-1 lies on one node's disk, and a pod that is started elsewhere is started empty. Which
 * changes of the settings break that, and what to say then, is decided here; resources/volumeContract.ts asks at preview.
 */
import { claimName, type Volume } from "./charts/names.ts";
import type { PlannedVolume } from "./volumes.ts";

/** Where a pod's data is. */
export interface PodVolumes {
  node: string;
  /** The node's `kubernetes.io/hostname` label: the volumes are pinned to it. */
  hostname: string;
  /** By volume: its directory on the node, and what its claim asks for. */
  claims: Record<string, { path: string; size: string }>;
}

/** One entry of `pulsar:movedVolumes`: the data of `pod` on node `from` is given up. */
export interface AcceptedMove {
  pod: string;
  from: string;
  /** The node it starts on, empty; left out where the pod is taken away. */
  to?: string | undefined;
}

export interface VolumeContractArgs {
  namespace: string;
  release: string;
  /** DNS domain of the Kubernetes cluster; not in a state from before it was a setting. */
  clusterDomain?: string;
  storageClass: string;
  /** The family of chart versions: 2.7 or 4. What one has written the other does not just take over. */
  chartLine: string;
  /** By pod, such as "bookie-1". */
  volumes: Record<string, PodVolumes>;
  /** What somebody has reviewed; entries that fit no change are ignored, so that they may stay for a while. */
  accepted: AcceptedMove[];
  /** Only says what is advised. */
  production: boolean;
}

/** The contract of planned volumes. */
export function contractOf(
  args: Omit<VolumeContractArgs, "volumes"> & { volumes: readonly PlannedVolume[] },
): VolumeContractArgs {
  const { volumes: planned, ...common } = args;
  const volumes: Record<string, PodVolumes> = {};
  for (const { pod, node, hostname, volume, path, request } of planned) {
    volumes[pod] ??= { node, hostname, claims: {} };
    volumes[pod].claims[volume] = { path, size: request };
  }
  return { ...common, volumes };
}

/** A pod that would not find its data. */
interface Parting {
  pod: string;
  component: string;
  before: PodVolumes;
  /** Left out where the pod is taken away. */
  after: PodVolumes | undefined;
}

/** So many pods are named one by one; with more of them, the change is another than the one in mind, and a line a component says so. */
const fewPods = 3;

/**
 * What would part a pod from its data, one line each, with the way out; nothing for new pods and new volumes.
 *
 * Accepted are a move and a removal, exactly as they are. Another path, size, namespace, release or class is nobody's to accept: the old
 * value can be written down, and data is taken along by the runbooks.
 */
export function breaches(before: VolumeContractArgs, after: VolumeContractArgs): string[] {
  const partings = partingsOf(before, after);
  const shuffled = componentsOf(partings).filter((component) => isShuffled(component, partings, before));
  const others = partings.filter(({ component }) => !shuffled.includes(component));
  return [
    ...migration(before, after),
    ...everything(before, after),
    ...identity(before, after),
    ...shuffled.map((component) => shuffle(partings.filter((parting) => parting.component === component))),
    ...(others.length > fewPods
      ? exodus(others)
      : others.map((parting) => lost(parting, { ...after, release: before.release }))),
    ...elsewhere(before, after),
  ];
}

/** The whole refusal, for somebody who has just run a preview. */
export function refusal(lines: readonly string[], production: boolean): string {
  return [
    "this change would leave data behind:",
    ...lines.map((line) => `  - ${line}`),
    production
      ? "Nothing was changed. Production data is never moved or given up by an update alone: go by the runbook."
      : "Nothing was changed. If nobody needs the data: `pulumi destroy` with the former settings, then `pulumi up` with these.",
  ].join("\n");
}

function partingsOf(before: VolumeContractArgs, after: VolumeContractArgs): Parting[] {
  return Object.entries(before.volumes)
    .map(([pod, volumes]) => ({ pod, component: componentOf(pod), before: volumes, after: after.volumes[pod] }))
    .filter(({ before, after }) => before.node !== after?.node || before.hostname !== after.hostname)
    .filter((parting) => !after.accepted.some((entry) => accepts(entry, parting)))
    .sort((a, b) => a.component.localeCompare(b.component) || ordinalOf(a.pod) - ordinalOf(b.pod));
}

function accepts(entry: AcceptedMove, { pod, before, after }: Parting): boolean {
  return entry.pod === pod && entry.from === before.node && entry.to === after?.node;
}

/** Another chart line is another Pulsar, other Kubernetes objects and another user in the containers: no upgrade in place (charts 2.7.7 and 4.7.0). */
function migration(before: VolumeContractArgs, after: VolumeContractArgs): string[] {
  return before.chartLine === after.chartLine
    ? []
    : [
        `pulsar:chart.version was of chart line ${before.chartLine} and is of line ${after.chartLine}: that is a migration and no upgrade: set the ` +
          "former version again, and follow docs/operations/migrate-to-pulsar-4.md",
      ];
}

/** A change of what all volumes have in common. */
function everything(before: VolumeContractArgs, after: VolumeContractArgs): string[] {
  const settings = { namespace: "namespace", release: "release", storageClass: "volumes.storageClass.name" } as const;
  return (["namespace", "release", "storageClass"] as const)
    .filter((key) => before[key] !== after[key])
    .map(
      (key) =>
        `pulsar:${settings[key]} was ${before[key]} and is ${after[key]}: every volume would be made anew and every pod started ` +
        `without its data: set it to ${before[key]} again; a second cluster is a stack of its own`,
    );
}

/** Each bookie's directories and ZooKeeper hold the full host name under which it was registered. */
function identity(
  { clusterDomain: before }: VolumeContractArgs,
  { clusterDomain: after }: VolumeContractArgs,
): string[] {
  return before === undefined || before === after
    ? []
    : [
        `pulsar:clusterDomain was ${before} and is ${after}: every bookie would start under another host name and refuse its directories ` +
          `(InvalidCookieException): set it to ${before} again`,
      ];
}

/**
 * Whether the list was put in another order: at least half of a component's pods that move would move to where another's data is. A node
 * put in between or taken out shifts all that come after it.
 */
function isShuffled(component: string, partings: readonly Parting[], { volumes }: VolumeContractArgs): boolean {
  const homes = new Map(Object.entries(volumes).map(([pod, { node }]) => [`${componentOf(pod)} ${node}`, pod]));
  const moved = partings.filter((parting) => parting.component === component && parting.after !== undefined);
  const ontoOthers = moved.filter(({ pod, after }) => {
    const resident = homes.get(`${component} ${after?.node}`);
    return resident !== undefined && resident !== pod;
  });
  return ontoOthers.length > 0 && ontoOthers.length * 2 >= moved.length;
}

function shuffle(partings: readonly Parting[]): string {
  return (
    `the order of the nodes has changed, and pods would be started on the disks of others: ${journeys(partings)}: put the nodes back in ` +
    "their order (ordinal i is on node i); new nodes go at the end, and only the last ones can be taken away; docs/operations/replace-a-node.md"
  );
}

function exodus(partings: readonly Parting[]): string[] {
  return [
    `the data of ${partings.length} pods would be left behind: put the nodes and replicas back, or follow docs/operations/replace-a-node.md one node ` +
      "after the other",
    ...componentsOf(partings).map((component) =>
      journeys(partings.filter((parting) => parting.component === component)),
    ),
  ];
}

function journeys(partings: readonly Parting[]): string {
  return listed(partings.map(({ pod, before, after }) => `${pod} ${before.node} -> ${after?.node ?? "nowhere"}`));
}

function lost({ pod, before, after }: Parting, { release, production }: VolumeContractArgs): string {
  const claims = Object.keys(before.claims)
    .map((volume) => claimName(release, volume as Volume, ordinalOf(pod)))
    .join(", ");
  const accept = (to?: string) =>
    `accept it in pulsar:movedVolumes as {pod: ${pod}, from: ${before.node}${to === undefined ? "" : `, to: ${to}`}}`;
  if (after === undefined) {
    return (
      `${pod} has its data on ${before.node} and would be taken away (${claims}): put ${before.node} back in its place in the list, and the ` +
      `replicas up again, or follow docs/operations/replace-a-node.md and ${accept()}` +
      (production ? ", with a `pulumi up` of its own before it is taken away: till then its volumes are protected" : "")
    );
  }
  if (before.node === after.node) {
    return (
      `${pod} has its data on ${before.node}, whose label kubernetes.io/hostname was ${before.hostname} and is ${after.hostname}; its ` +
      `volumes are pinned to the former (${claims}): put the hostname back, or follow docs/operations/replace-a-node.md and ${accept(after.node)}`
    );
  }
  return (
    `${pod} has its data on ${before.node} and would be started empty on ${after.node} (${claims}): put ${before.node} back in its place in ` +
    `the list, or follow docs/operations/replace-a-node.md and ${accept(after.node)}`
  );
}

/** Volumes of pods that stay on their node, in another directory, of another size, or not there any more; a line for pods alike. */
function elsewhere(before: VolumeContractArgs, after: VolumeContractArgs): string[] {
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
      `${change} (${listed(pods)}): write the former value into the stack file, or follow docs/operations/move-a-changed-default.md`,
  );
}

function changesOf(
  volume: string,
  before: PodVolumes["claims"][string],
  after?: PodVolumes["claims"][string],
): string[] {
  if (after === undefined) return [`${volume} has data in ${before.path} and is not planned any more`];
  return [
    before.path === after.path
      ? []
      : `${volume} has its data in ${before.path} and would be started empty in ${after.path}`,
    before.size === after.size
      ? []
      : `${volume} was made with ${before.size} and would be ${after.size}, but a StatefulSet's claims are immutable and a local ` +
        "volume does not grow",
  ].flat();
}

function componentsOf(partings: readonly Parting[]): string[] {
  return [...new Set(partings.map(({ component }) => component))];
}

/** No more than a line's worth of them. */
function listed(items: readonly string[]): string {
  const [most, rest] = [items.slice(0, 5), items.length - 5];
  return most.join(", ") + (rest > 0 ? ` and ${rest} more` : "");
}

function componentOf(pod: string): string {
  return pod.slice(0, pod.lastIndexOf("-"));
}

function ordinalOf(pod: string): number {
  return Number(pod.slice(pod.lastIndexOf("-") + 1));
}
