import { maxLabelLength } from "../model/charts/names.ts";
import { amount } from "../model/sizing.ts";
import { overlap } from "../model/volumes.ts";
import type { Add } from "./faults.ts";
import { groupNames, type Settings, type SettingsNode } from "./resolve.ts";
import type { Parsed } from "./schema.ts";

/** Faults of the lists of nodes. */
export function nodeFaults(settings: Settings, add: Add, given: Parsed) {
  usedList(given, add);
  uniqueNames(settings, add);
  hostnames(settings, add);
}

/** Each layout uses one list of nodes and would ignore the other one. */
function usedList({ layout, nodes, nodeGroups }: Parsed, add: Add) {
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

function uniqueNames({ nodes: all }: Settings, add: Add) {
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

/** By default the label kubernetes.io/hostname is the node's name, but a name may be longer than a label. */
function hostnames({ nodes }: Settings, add: Add) {
  for (const { setting, name, hostname } of nodes) {
    if (hostname.length <= maxLabelLength) continue;
    add(
      `${setting}.name`,
      `${JSON.stringify(name)} is longer than a label may be (${maxLabelLength} characters)`,
      "set hostname to the node's label kubernetes.io/hostname",
    );
  }
}

/** ZooKeeper and bookies keep their data on their node; brokers and proxies are spread with hard anti-affinity. */
export function room({ replicas, layoutName, layout, otherNodes }: Settings, add: Add) {
  for (const component of ["zookeeper", "bookkeeper", "broker", "proxy"] as const) {
    const isServing = component === "broker" || component === "proxy";
    const wanted = replicas[component];
    const nodes = layout.placements[component].nodes.length || (isServing ? otherNodes.count : 0);
    if (nodes === 0 || wanted <= nodes) continue;
    const where = layoutName === "mixed" ? "nodes" : `nodeGroups.${isServing ? "serving" : component}`;
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
  if (layoutName === "dedicated" && replicas.zookeeper > 0 && replicas.zookeeper < 3) {
    add(
      ["replicas", "zookeeper"],
      `${replicas.zookeeper} does not tolerate the loss of a node`,
      "use 3 or more in the dedicated layout",
    );
  }
}

/** Brokers and proxies are also spread over zones, whose numbers of pods differ by one at most, so a small zone limits the others. */
export function zoneRoom({ replicas }: Settings, add: Add, { layout, nodes, nodeGroups }: Parsed) {
  const list = layout === "mixed" ? nodes : nodeGroups.serving.nodes;
  if (list.length === 0 || list.some(({ zone }) => zone === undefined)) return;
  const sizes = [...new Set(list.map(({ zone }) => zone))].map(
    (name) => list.filter(({ zone }) => zone === name).length,
  );
  const most = sizes.reduce((sum, size) => sum + Math.min(size, Math.min(...sizes) + 1), 0);
  for (const component of ["broker", "proxy"] as const) {
    const wanted = replicas[component];
    if (wanted <= most || wanted > list.length) continue;
    add(
      ["replicas", component],
      `${wanted} cannot be spread evenly over zones of ${sizes.join(", ")} nodes, which differ by one pod at most`,
      `use ${most} or less, or add nodes to the smallest zone`,
    );
  }
}

/** Either all nodes of a group have a zone or none has. With three zones or more, no zone may hold ZooKeeper's majority. */
export function zones({ layoutName, replicas, ...settings }: Settings, add: Add) {
  const groups =
    layoutName === "mixed"
      ? [{ path: ["nodes"], nodes: settings.nodes, zookeeper: true }]
      : groupNames.map((group) => ({
          path: ["nodeGroups", group, "nodes"],
          nodes: settings.nodeGroups[group],
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
    const count = replicas.zookeeper;
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

export function quorums({ ledgers, replicas: { bookkeeper: bookies } }: Settings, add: Add, given: Parsed) {
  const { ensemble, write, ack } = ledgers;
  const isDefault = (key: keyof typeof ledgers) => given.ledgers[key] === undefined;
  const own = (key: keyof typeof ledgers) => `${ledgers[key]}${isDefault(key) ? " (the default)" : ""}`;
  const other = (key: keyof typeof ledgers) => `ledgers.${key} (${ledgers[key]}${isDefault(key) ? " by default" : ""})`;
  if (bookies > 0 && ensemble > bookies) {
    add(
      ["ledgers", "ensemble"],
      `${own("ensemble")} exceeds the number of bookies (${bookies}), so no ledger could be opened`,
      `use ${bookies} or less, or add bookies`,
    );
  }
  if (write > ensemble) {
    add(
      ["ledgers", "write"],
      `${own("write")} exceeds ${other("ensemble")}, and each entry goes to bookies of the ensemble`,
      `use ${ensemble} or less, or raise ledgers.ensemble`,
    );
  }
  if (ack > write) {
    add(
      ["ledgers", "ack"],
      `${own("ack")} exceeds ${other("write")}, so no write would ever be acknowledged`,
      `use ${write} or less, or raise ledgers.write`,
    );
  }
}

/** The API server refuses a pod that asks for more than its limit, and the StatefulSet would wait for it permanently. */
export function limits({ pods }: Settings, add: Add) {
  for (const [component, { requests, limits }] of Object.entries(pods)) {
    for (const resource of ["cpu", "memory"] as const) {
      const [request, limit] = [requests?.[resource], limits?.[resource]];
      if (request === undefined || limit === undefined || amount(request) <= amount(limit)) continue;
      add(["pods", component, "requests", resource], `${request} exceeds the limit (${limit})`, `use ${limit} or less`);
    }
  }
}

/** The kernel kills a JVM that uses more memory than its container may, under load and without a message. */
export function memory({ pods }: Settings, add: Add) {
  for (const [component, { heap, direct, limits }] of Object.entries(pods)) {
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

/** Two volumes in one directory, or one within the other, would mix their files. Each pair of settings is reported once. */
export function paths({ nodes, plannedVolumes: volumes }: Settings, add: Add) {
  // Such nodes have a fault already.
  if (new Set(nodes.map(({ name }) => name)).size < nodes.length) return;
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
