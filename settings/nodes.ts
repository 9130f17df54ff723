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
type Add = (key: PropertyKey[] | string, problem: string, remedy: string) => void;

/** Faults of what runs where that no single value shows; what rests on a setting that is wrong by itself is not looked at. */
export function placementFaults(settings: Partial<Parsed>): Fault[] {
  const faults: Fault[] = [];
  const add: Add = (key, problem, remedy) =>
    faults.push({ key: typeof key === "string" ? key : keyOf(key), problem, remedy });
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
    if (nodes.length === 0) add(["nodes"], "is empty", "list at least one node");
    if (grouped.length > 0) {
      add(
        ["nodeGroups"],
        `lists nodes for ${grouped.join(", ")}, which the mixed layout does not use`,
        "list the nodes in pulsar:nodes instead",
      );
    }
    return;
  }
  if (nodes.length > 0) {
    add(
      ["nodes"],
      `lists nodes (${nodes.length}), which the dedicated layout does not use`,
      "list the nodes in pulsar:nodeGroups instead",
    );
  }
  for (const group of ["zookeeper", "bookkeeper"] as const) {
    if (!grouped.includes(group)) add(["nodeGroups", group, "nodes"], "is empty", "list at least one node");
  }
  const { untainted } = nodeGroups.serving;
  const listed = grouped.includes("serving");
  if (!listed && untainted === undefined) {
    add(
      ["nodeGroups", "serving"],
      "has no node for brokers and proxies",
      "list their nodes (nodes), or set the number of the cluster's other nodes without a taint (untainted)",
    );
  }
  if (listed && untainted !== undefined) {
    add(
      ["nodeGroups", "serving", "untainted"],
      `${untainted} is set although the serving nodes are listed`,
      "remove it",
    );
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
      const remedy =
        listOf(first) === listOf(node) ? "give each node its own name" : "put each node into one group only";
      add(`${node.setting}.name`, `${JSON.stringify(node.name)} is also the name of ${place(first)}`, remedy);
    } else if (sameHost < i && host) {
      add(
        `${node.setting}.hostname`,
        `${JSON.stringify(node.hostname)} is also the host name of ${place(host)}`,
        "use the node's own label kubernetes.io/hostname",
      );
    }
  });
}

/** A node's name is its label kubernetes.io/hostname unless the settings say otherwise; a label's value is shorter than a name may be. */
function hostnames(settings: NodeSettings, add: Add) {
  for (const { setting, name, hostname } of allNodes(settings)) {
    if (hostname.length <= maxLabelLength) continue;
    add(
      `${setting}.name`,
      `${JSON.stringify(name)} is longer than a label may be (${maxLabelLength} characters)`,
      "set hostname to the node's label kubernetes.io/hostname",
    );
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
      `${wanted} exceeds the number of nodes (${nodes}), and each node runs one at most`,
      `use ${nodes} or less, or add nodes to pulsar:${where}`,
    );
  }
  if (replicas.zookeeper > 0 && replicas.zookeeper % 2 === 0) {
    add(
      ["replicas", "zookeeper"],
      `${replicas.zookeeper} is even, so it tolerates no more failures than ${replicas.zookeeper - 1}`,
      "use an odd number",
    );
  }
  if (layout === "dedicated" && replicas.zookeeper > 0 && replicas.zookeeper < 3) {
    add(
      ["replicas", "zookeeper"],
      `${replicas.zookeeper} does not tolerate the loss of a node`,
      "use 3 or more in the dedicated layout",
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
      `${wanted} cannot be spread evenly over zones of ${sizes.join(", ")} nodes, which differ by one pod at most`,
      `use ${most} or less, or add nodes to the smallest zone`,
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
        `has no zone for ${without.map(({ name }) => name).join(", ")}`,
        "set the zone of every node of the list, or of none",
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
        `places ${inZone(heavy)} of ${count} ZooKeeper pods in zone ${heavy}, whose loss would cost the majority`,
        `place ${count - majority} at most in one zone`,
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
      `${ensemble} exceeds the number of bookies (${bookies}), so no ledger could be opened`,
      `use ${bookies} or less, or add bookies`,
    );
  }
  if (write > ensemble) {
    add(
      ["ledgers", "write"],
      `${write} exceeds ledgers.ensemble (${ensemble}), and each entry goes to bookies of the ensemble`,
      `use ${ensemble} or less`,
    );
  }
  if (ack > write) {
    add(
      ["ledgers", "ack"],
      `${ack} exceeds ledgers.write (${write}), so no write would ever be acknowledged`,
      `use ${write} or less`,
    );
  }
}

/** The API server refuses a pod that asks for more than its limit, and the StatefulSet would wait for it for ever. */
function limits(settings: PlacementSettings, add: Add) {
  for (const [component, { requests, limits }] of Object.entries(podSizes(settings.pods, nodeSizesOf(settings)))) {
    for (const resource of ["cpu", "memory"] as const) {
      const [request, limit] = [requests?.[resource], limits?.[resource]];
      if (request === undefined || limit === undefined || amount(request) <= amount(limit)) continue;
      add(["pods", component, "requests", resource], `${request} exceeds the limit (${limit})`, `use ${limit} or less`);
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
        `heap ${heap}${direct === undefined ? "" : ` and direct ${direct}`} leave no room in the container's ${limits.memory}`,
        "use less, or raise limits.memory",
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
        `${wrong.path} on ${wrong.node} overlaps ${other.path}, which holds the ${other.volume} of ${other.pod}`,
        "use a separate directory for each volume of a node, and preferably a separate disk for journal and ledgers",
      );
    }
  }
}
