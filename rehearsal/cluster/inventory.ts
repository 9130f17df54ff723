import type { V1Taint } from "@kubernetes/client-node";
import { taintText } from "../report/explain.ts";
import type { Api } from "./api.ts";
import { compareNames } from "./observe.ts";

/** Everything that exists in a cluster at one time. */
export interface Inventory {
  /** The uid of each object by `Kind name` or `Kind namespace/name`. */
  objects: Record<string, string>;
  /** The labels and taints of each node, as kubectl writes them. */
  nodes: Record<string, string[]>;
}

interface Resource {
  resource: string;
  responseKind: { kind: string };
  scope: "Cluster" | "Namespaced";
  verbs: string[];
}

interface Discovery {
  items: { metadata: { name?: string }; versions: { version: string; resources: Resource[] }[] }[];
}

interface MetadataList {
  /** Null for some kinds without objects. */
  items: null | { metadata: { name: string; namespace?: string; uid: string } }[];
}

/** Kinds whose objects the cluster creates and deletes all the time. */
const ignoredKinds = new Set(["Event", "Lease", "Endpoints", "EndpointSlice"]);

/** Lists the metadata of every object of every kind that the API server knows. */
export async function takeInventory(api: Api): Promise<Inventory> {
  const paths = await listablePaths(api);
  const lists = await Promise.all(
    paths.map(async ({ kind, path }) => {
      const { items } = await api.get<MetadataList>(
        path,
        "application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1",
      );
      return (items ?? []).map(({ metadata: { name, namespace, uid } }): [string, string] => [
        `${kind} ${namespace === undefined ? "" : `${namespace}/`}${name}`,
        uid,
      ]);
    }),
  );
  const nodes = await api.core.listNode();
  return {
    objects: Object.fromEntries(lists.flat()),
    nodes: Object.fromEntries(
      nodes.items.map(({ metadata, spec }) => [
        metadata?.name ?? "",
        marks(metadata?.labels ?? {}, spec?.taints ?? []),
      ]),
    ),
  };
}

function marks(labels: Record<string, string>, taints: V1Taint[]): string[] {
  return [
    ...Object.entries(labels).map(([key, value]) => `label ${key}=${value}`),
    ...taints.map((taint) => `taint ${taintText(taint)}`),
  ];
}

async function listablePaths(api: Api): Promise<{ kind: string; path: string }[]> {
  const accept = "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList";
  const [core, groups] = await Promise.all([api.get<Discovery>("/api", accept), api.get<Discovery>("/apis", accept)]);
  return [...core.items, ...groups.items].flatMap(({ metadata, versions }) => {
    // The first version is the preferred one.
    const [preferred] = versions;
    if (preferred === undefined) return [];
    const base = metadata.name === undefined ? "/api" : `/apis/${metadata.name}`;
    return preferred.resources
      .filter(({ verbs, responseKind }) => verbs.includes("list") && !ignoredKinds.has(responseKind.kind))
      .map(({ resource, responseKind }) => ({
        kind: responseKind.kind,
        path: `${base}/${preferred.version}/${resource}`,
      }));
  });
}

/** The difference between two inventories. */
export interface Difference {
  /** What was added and still exists. */
  added: string[];
  /** What was removed, or replaced by a new object of the same name. */
  removed: string[];
}

export function compare(before: Inventory, after: Inventory): Difference {
  const added = Object.keys(after.objects).filter((name) => !(name in before.objects) && !isSystemObject(name));
  const removed = Object.keys(before.objects).filter((name) => after.objects[name] !== before.objects[name]);
  for (const node of new Set([...Object.keys(before.nodes), ...Object.keys(after.nodes)])) {
    const [then, now] = [before.nodes[node] ?? [], after.nodes[node] ?? []];
    added.push(...now.filter((mark) => !then.includes(mark)).map((mark) => `${mark} on node ${node}`));
    removed.push(...then.filter((mark) => !now.includes(mark)).map((mark) => `${mark} on node ${node}`));
  }
  return { added: added.sort(compareNames), removed: removed.sort(compareNames) };
}

/** Whether the control plane creates the object: for its own use, or in every namespace. */
function isSystemObject(name: string): boolean {
  return / kube-(system|public|node-lease)\/|^ServiceAccount .*\/default$|^ConfigMap .*\/kube-root-ca\.crt$/.test(name);
}
