import { maxLabelLength } from "../model/charts/names.ts";
import { layoutOf } from "../model/layouts/layouts.ts";
import { amount, podSizes } from "../model/sizing.ts";
import { overlap, planVolumes } from "../model/volumes.ts";
import { type Fault, keyOf } from "./faults.ts";
import {
  allNodes,
  groupNames,
  ledgersOf,
  nodeGroupsOf,
  nodeSizesOf,
  otherNodesOf,
  replicasOf,
  type SettingsNode,
} from "./resolved.ts";
import type { Parsed } from "./schema.ts";

/** The settings that name the nodes. */
const nodeKeys = ["layout", "nodes", "nodeGroups"] as const;
type NodeSettings = Pick<Parsed, (typeof nodeKeys)[number]>;

/** The settings that say what runs where. */
const placementKeys = [
  ...nodeKeys,
  ...(["nodeLabel", "nodeTaint", "clusterHasOtherNodes", "replicas", "ledgers", "pods", "volumes", "release"] as const),
] as const;
type PlacementSettings = Pick<Parsed, (typeof placementKeys)[number]>;

/** Adds a fault of a key, which is given as its path or whole. */
type Add = (key: PropertyKey[] | string, found: string, allowed: string) => void;

/** Faults of what runs where that no single value shows; what rests on a setting that is wrong by itself is not looked at. */
export function placementFaults(settings: Partial<Parsed>): Fault[] {
  const faults: Fault[] = [];
  const add: Add = (key, found, allowed) =>
    faults.push({ key: typeof key === "string" ? key : keyOf(key), found, allowed });
  if (!has(settings, nodeKeys)) return faults;
  rightList(settings, add);
  namesOnce(settings, add);
  hostnames(settings, add);
  if (!has(settings, placementKeys)) return faults;
  room(settings, add);
  zoneRoom(settings, add);
  zones(settings, add);
  quorums(settings, add);
  limits(settings, add);
  memory(settings, add);
  if (faults.length === 0) paths(settings, add);
  return faults;
}

function has<Key extends keyof Parsed>(settings: Partial<Parsed>, keys: readonly Key[]): settings is Pick<Parsed, Key> {
  return keys.every((key) => key in settings);
}

/** The layout says which list of nodes counts; the other one would be silently ignored. */
function rightList({ layout, nodes, nodeGroups }: NodeSettings, add: Add) {
  const grouped = groupNames.filter((group) => nodeGroups[group].nodes.length > 0);
  if (layout === "mixed") {
    if (nodes.length === 0) add(["nodes"], "[]", "at least one node");
    if (grouped.length > 0) {
      add(
        ["nodeGroups"],
        `nodes for ${grouped.join(", ")}`,
        "none with pulsar:layout mixed: its nodes are in pulsar:nodes",
      );
    }
    return;
  }
  if (nodes.length > 0) {
    add(["nodes"], `${nodes.length} nodes`, "none with pulsar:layout dedicated: its nodes are in pulsar:nodeGroups");
  }
  for (const group of ["zookeeper", "bookkeeper"] as const) {
    if (!grouped.includes(group)) add(["nodeGroups", group, "nodes"], "[]", "at least one node");
  }
  const { untainted } = nodeGroups.serving;
  const listed = grouped.includes("serving");
  if (!listed && untainted === undefined) {
    add(
      ["nodeGroups", "serving"],
      "no node for brokers and proxies",
      "nodes of their own (nodes), or the number of the cluster's other nodes that have no taint (untainted)",
    );
  }
  if (listed && untainted !== undefined) {
    add(["nodeGroups", "serving", "untainted"], String(untainted), "nothing where the serving nodes are listed");
  }
}

function namesOnce(settings: NodeSettings, add: Add) {
  const all = allNodes(settings);
  const place = ({ setting }: SettingsNode) => setting.slice("pulsar:".length);
  const listOf = ({ setting }: SettingsNode) => setting.replace(/\[\d+\]$/, "");
  all.forEach((node, i) => {
    const sameName = all.findIndex((other) => other.name === node.name);
    const sameHost = all.findIndex((other) => other.hostname === node.hostname);
    const [first, host] = [all[sameName], all[sameHost]];
    if (sameName < i && first) {
      const rule = listOf(first) === listOf(node) ? "a name that no other node has" : "a node in one group only";
      add(`${node.setting}.name`, JSON.stringify(node.name), `${rule} (${place(first)} has it)`);
    } else if (sameHost < i && host) {
      add(
        `${node.setting}.hostname`,
        JSON.stringify(node.hostname),
        `a label that no other node has (${place(host)} has it)`,
      );
    }
  });
}

/** A node's name is its label kubernetes.io/hostname unless the settings say otherwise; a label's value is shorter than a name may be. */
function hostnames(settings: NodeSettings, add: Add) {
  for (const { setting, name, hostname } of allNodes(settings)) {
    if (hostname.length <= maxLabelLength) continue;
    const allowed = `${maxLabelLength} characters at most, or hostname: what the node's label kubernetes.io/hostname says`;
    add(`${setting}.name`, JSON.stringify(name), allowed);
  }
}

/** ZooKeeper and bookies keep their data on their node; brokers and proxies are spread with hard anti-affinity. */
function room(settings: PlacementSettings, add: Add) {
  const replicas = replicasOf(settings);
  const { nodeGroups, layout } = settings;
  const serving = nodeGroups.serving.nodes.length || otherNodesOf(settings).count;
  const own = layout === "mixed" ? undefined : nodeGroups;
  const rooms = {
    zookeeper: own ? own.zookeeper.nodes.length : settings.nodes.length,
    bookkeeper: own ? own.bookkeeper.nodes.length : settings.nodes.length,
    broker: own ? serving : settings.nodes.length,
    proxy: own ? serving : settings.nodes.length,
  };
  const list = {
    zookeeper: "nodeGroups.zookeeper",
    bookkeeper: "nodeGroups.bookkeeper",
    broker: "nodeGroups.serving",
    proxy: "nodeGroups.serving",
  };
  for (const component of ["zookeeper", "bookkeeper", "broker", "proxy"] as const) {
    const [wanted, nodes] = [replicas[component], rooms[component]];
    if (nodes === 0 || wanted <= nodes) continue;
    const where = own ? list[component] : "nodes";
    add(
      ["replicas", component],
      `${wanted} on ${nodes} nodes`,
      `at most one a node: add nodes to pulsar:${where}, or ask for ${nodes} at most`,
    );
  }
  if (replicas.zookeeper > 0 && replicas.zookeeper % 2 === 0) {
    add(
      ["replicas", "zookeeper"],
      String(replicas.zookeeper),
      "an odd number: an even one bears no more losses than one less, and is lost when it is cut in half",
    );
  }
  if (layout === "dedicated" && replicas.zookeeper > 0 && replicas.zookeeper < 3) {
    add(
      ["replicas", "zookeeper"],
      String(replicas.zookeeper),
      "at least 3 in the dedicated layout, so that one may be lost",
    );
  }
}

/** Brokers and proxies are spread over zones too, one more in one than in another at most, so a small zone limits the others. */
function zoneRoom(settings: PlacementSettings, add: Add) {
  const { layout, nodes, nodeGroups } = settings;
  const list = layout === "mixed" ? nodes : nodeGroups.serving.nodes;
  if (list.length === 0 || list.some(({ zone }) => zone === undefined)) return;
  const sizes = [...new Set(list.map(({ zone }) => zone))].map(
    (name) => list.filter(({ zone }) => zone === name).length,
  );
  const most = sizes.reduce((sum, size) => sum + Math.min(size, Math.min(...sizes) + 1), 0);
  for (const component of ["broker", "proxy"] as const) {
    const wanted = settings.replicas[component];
    if (wanted <= most || wanted > list.length) continue;
    add(
      ["replicas", component],
      `${wanted} over zones of ${sizes.join(", ")} nodes`,
      `${most} at most: one more in one zone than in another; or more nodes in the smallest`,
    );
  }
}

/** Zones count for all nodes of a group or for none, and no zone may take ZooKeeper's majority with it where others could share it. */
function zones(settings: PlacementSettings, add: Add) {
  const groups =
    settings.layout === "mixed"
      ? [{ path: ["nodes"], nodes: allNodes(settings), zookeeper: true }]
      : groupNames.map((group) => ({
          path: ["nodeGroups", group, "nodes"],
          nodes: nodeGroupsOf(settings)[group],
          zookeeper: group === "zookeeper",
        }));
  for (const { path, nodes, zookeeper } of groups) {
    const without = nodes.filter(({ zone }) => zone === undefined);
    if (without.length > 0 && without.length < nodes.length) {
      add(
        path,
        `no zone for ${without.map(({ name }) => name).join(", ")}`,
        "a zone for every node of the list, or for none",
      );
      continue;
    }
    if (!zookeeper || without.length > 0) continue;
    const count = replicasOf(settings).zookeeper;
    const all = nodes.map(({ zone }) => zone);
    const inZone = (zone: string | undefined) => all.slice(0, count).filter((other) => other === zone).length;
    const majority = Math.floor(count / 2) + 1;
    const heavy = [...new Set(all)].find((zone) => new Set(all).size >= 3 && count - inZone(zone) < majority);
    if (heavy !== undefined) {
      add(
        path,
        `${inZone(heavy)} of ${count} ZooKeepers in zone ${heavy}`,
        `${count - majority} at most: the others must be a majority when the zone is lost`,
      );
    }
  }
}

function quorums(settings: PlacementSettings, add: Add) {
  const { ensemble, write, ack } = ledgersOf(settings);
  const bookies = replicasOf(settings).bookkeeper;
  if (bookies > 0 && ensemble > bookies) {
    add(
      ["ledgers", "ensemble"],
      `${ensemble} with ${bookies} bookies`,
      `${bookies} at most, or more bookies: no ledger could be opened`,
    );
  }
  if (write > ensemble) {
    add(
      ["ledgers", "write"],
      `${write} with an ensemble of ${ensemble}`,
      "the ensemble at most: each entry goes to some of its bookies",
    );
  }
  if (ack > write) {
    add(
      ["ledgers", "ack"],
      `${ack} of ${write} copies`,
      "the number of copies (ledgers.write) at most: nothing would ever be acknowledged",
    );
  }
}

/** The API server refuses a pod that asks for more than its limit, and the StatefulSet would wait for it for ever. */
function limits(settings: PlacementSettings, add: Add) {
  for (const [component, { requests, limits }] of Object.entries(podSizes(settings.pods, nodeSizesOf(settings)))) {
    for (const resource of ["cpu", "memory"] as const) {
      const [request, limit] = [requests?.[resource], limits?.[resource]];
      if (request === undefined || limit === undefined || amount(request) <= amount(limit)) continue;
      add(["pods", component, "requests", resource], `${request} with a limit of ${limit}`, "the limit at most");
    }
  }
}

/** A JVM that may take more than its container has is killed by the kernel, under load and without a word. */
function memory(settings: PlacementSettings, add: Add) {
  const sizes = podSizes(settings.pods, nodeSizesOf(settings));
  for (const [component, { heap, direct, limits }] of Object.entries(sizes)) {
    if (limits?.memory === undefined || heap === undefined) continue;
    if (amount(heap) + amount(direct ?? "0") >= amount(limits.memory)) {
      add(
        ["pods", component],
        `heap ${heap}${direct === undefined ? "" : ` and direct ${direct}`} in ${limits.memory}`,
        "less than the container's memory in all, or more memory",
      );
    }
  }
}

/** Two volumes in one directory, or one within the other, would mix their files. Each pair of settings is named once. */
function paths(settings: PlacementSettings, add: Add) {
  const nodeGroups = nodeGroupsOf(settings);
  const nodes = allNodes(settings);
  const { placements } = layoutOf({ ...settings, nodes, nodeGroups, replicas: replicasOf(settings) });
  const volumes = planVolumes({ ...settings.volumes, release: settings.release, nodes, placements });
  const named = new Set<string>();
  for (const [i, volume] of volumes.entries()) {
    for (const earlier of volumes.slice(0, i)) {
      if (earlier.node !== volume.node || !overlap(earlier.path, volume.path)) continue;
      const pair = `${earlier.setting} ${volume.setting}`;
      if (named.has(pair)) continue;
      named.add(pair);
      // Two directories below the data directory never overlap, so one of the two has a setting of its own.
      const [wrong, other] = volume.setting === "pulsar:volumes.dataDirectory" ? [earlier, volume] : [volume, earlier];
      add(
        wrong.setting,
        `${wrong.path} on ${wrong.node}, where ${other.pod} has its ${other.volume} in ${other.path}`,
        "a directory of its own for each volume of a node; journal and ledgers best on disks of their own",
      );
    }
  }
}
