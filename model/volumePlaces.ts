import { overlap, type PlannedVolume } from "./volumes.ts";

/** The planned volumes and their nodes. */
export interface VolumePlaces {
  volumes: readonly PlannedVolume[];
  /** The nodes of the settings. */
  nodes: readonly { name: string; hostname: string; setting: string }[];
  /** Namespace of the claims. */
  namespace: string;
}

/** The nodes and PersistentVolumes of the cluster, with the fields that matter here. */
export interface FoundPlaces {
  nodes: readonly FoundNode[];
  volumes: readonly FoundVolume[];
}
export interface FoundNode {
  metadata?: { name?: string; labels?: Record<string, string> };
}
export interface FoundVolume {
  metadata?: { name?: string };
  spec?: {
    local?: { path: string };
    hostPath?: { path: string };
    claimRef?: { namespace?: string; name?: string };
    nodeAffinity?: { required?: { nodeSelectorTerms: SelectorTerm[] } };
  };
  /** The stack that created it, if any. */
  stack?: string | undefined;
}
export interface SelectorTerm {
  matchExpressions?: Requirement[];
  matchFields?: Requirement[];
}
interface Requirement {
  key: string;
  operator: string;
  values?: string[];
}

const hostnameLabel = "kubernetes.io/hostname";

/**
 * Why the volumes cannot be where they are planned, a line for each reason: a node whose label differs from the settings, because no volume
 * would bind there; a directory of a foreign PersistentVolume, because both would write there.
 */
export function placeFaults(places: VolumePlaces, found: FoundPlaces): string[] {
  return [...labelFaults(places, found), ...directoryFaults(places, found)];
}

function labelFaults({ volumes, nodes }: VolumePlaces, found: FoundPlaces): string[] {
  return nodes.flatMap(({ name, hostname, setting }) => {
    const node = found.nodes.find(({ metadata }) => metadata?.name === name);
    if (node === undefined || !volumes.some((volume) => volume.node === name)) return [];
    const label = node.metadata?.labels?.[hostnameLabel];
    if (label === hostname) return [];
    const start = `${setting}.hostname: the settings say ${hostname}, but node ${name} has`;
    return label === undefined
      ? `${start} no label ${hostnameLabel}, and no volume would bind there; run kubectl label node ${name} ${hostnameLabel}=${hostname}`
      : `${start} the label ${hostnameLabel}=${label}, and no volume would bind there; set hostname: ${label}`;
  });
}

function directoryFaults({ volumes, namespace }: VolumePlaces, found: FoundPlaces): string[] {
  // By the claim, not by the stack that created it: a stack may be renamed, and two backends may hold stacks of one name.
  const claims = new Set(volumes.map(({ claim }) => claim));
  const isPlanned = (claim?: { namespace?: string; name?: string }) =>
    claim?.namespace === namespace && claims.has(claim.name ?? "");
  const foreign = found.volumes.flatMap((volume) => {
    const path = volume.spec?.local?.path ?? volume.spec?.hostPath?.path;
    return path === undefined || isPlanned(volume.spec?.claimRef) ? [] : [{ volume, path }];
  });
  return volumes.flatMap(({ pod, volume, node, hostname, path, setting }) => {
    const live = found.nodes.find(({ metadata }) => metadata?.name === node);
    const labels = { [hostnameLabel]: hostname, ...live?.metadata?.labels };
    return foreign
      .filter((other) => isOn(other.volume, node, labels) && overlap(other.path, path))
      .map(
        (other) =>
          `${setting}: ${pod} would have its ${volume} in ${path} on ${node}, where ${described(other.volume)} has ${other.path}; ` +
          "set another directory",
      );
  });
}

/** Whether a pod on the node could use the volume; true if unknown. */
function isOn({ spec }: FoundVolume, node: string, labels: Record<string, string>): boolean {
  const terms = spec?.nodeAffinity?.required?.nodeSelectorTerms;
  return terms === undefined || terms.some((term) => fits(term, { ...labels, "metadata.name": node }));
}

function fits({ matchExpressions = [], matchFields = [] }: SelectorTerm, values: Record<string, string>) {
  return [...matchExpressions, ...matchFields].every(({ key, operator, values: listed = [] }) => {
    const value = values[key];
    const isListed = value !== undefined && listed.includes(value);
    if (operator === "In") return isListed;
    if (operator === "NotIn") return !isListed;
    if (operator === "Exists") return value !== undefined;
    if (operator === "DoesNotExist") return value === undefined;
    return true;
  });
}

function described({ metadata, spec, stack }: FoundVolume): string {
  const claim = spec?.claimRef;
  const whose = [
    ...(stack === undefined ? [] : [`stack ${stack}`]),
    claim === undefined ? "no claim" : `claim ${claim.namespace}/${claim.name}`,
  ];
  return `PersistentVolume ${metadata?.name} (${whose.join(", ")})`;
}
