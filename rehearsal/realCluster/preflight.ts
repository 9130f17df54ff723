/** The checks before anything in an existing cluster is changed. */
import { allTolerations } from "../../model/layouts/layout.ts";
import { amount, type SizedComponent } from "../../model/sizing.ts";
import { placeFaults } from "../../model/volumePlaces.ts";
import { isOlder } from "../../resources/kubernetes/kubernetesVersion.ts";
import type { Settings } from "../../settings/resolve.ts";
import { isReady } from "../cluster/controlPlane.ts";
import { nodeView, podView, reservedFor, type NodeView, type Resources } from "../cluster/observe.ts";
import { enumerate, quantity, taintText, untolerated } from "../report/explain.ts";
import type { Facts } from "./facts.ts";

const disposableLabel = "pulsar-stack/disposable";

/** Whether somebody has said that everything in the cluster may be lost. */
export function disposableFaults(
  { namespaces }: Facts,
  args: { context: string; disposable: boolean; stacks: readonly string[] },
): string[] {
  const isDisposable = args.disposable || namespaces["kube-system"]?.[disposableLabel] === "true";
  return [
    ...args.stacks.map(
      (file) => `--context: ${args.context} is the cluster of ${file}; a rehearsal needs another, disposable one`,
    ),
    ...(isDisposable
      ? []
      : [
          `--disposable: nothing says that the cluster of ${args.context} may be lost; add --disposable, or kubectl label ns kube-system ${disposableLabel}=true`,
        ]),
  ];
}

/** Why the stack cannot be deployed to the cluster, one line each. The nodes of the plan that do not exist are not mentioned. */
export function clusterFaults(facts: Facts, settings: Settings): string[] {
  return [...versionFaults(facts, settings), ...inTheWay(facts, settings), ...missing(facts, settings), ...unusable(facts, settings), ...shortages(facts, settings)]; // prettier-ignore
}

function versionFaults({ version }: Facts, { chart, line }: Settings): string[] {
  const { from } = line.kubernetes;
  if (!isOlder(version, from)) return [];
  return [
    `pulsar:chart.version: chart ${chart.version} needs Kubernetes ${from}, found ${version}; use a newer cluster`,
  ];
}

function inTheWay(facts: Facts, settings: Settings): string[] {
  const { namespace, createNamespace, release, volumes, nodes, plannedVolumes } = settings;
  const exists = facts.namespaces[namespace] !== undefined;
  const isReleased = facts.secrets.some((name) => name.startsWith(`sh.helm.release.v1.${release}.v`));
  const claims = new Set(plannedVolumes.map(({ claim }) => claim));
  const existing = facts.volumes.flatMap(({ metadata }) =>
    claims.has(metadata?.name ?? "") ? [metadata?.name ?? ""] : [],
  );
  const classes = facts.storageClasses.includes(volumes.storageClass.name) && volumes.storageClass.create;
  return [
    ...(exists && createNamespace
      ? [`pulsar:namespace: the cluster has a namespace ${namespace}; delete it, or use another cluster`]
      : []),
    ...(isReleased
      ? [`pulsar:release: namespace ${namespace} has a Helm release ${release}; uninstall it, or use another cluster`]
      : []),
    ...(existing.length === 0
      ? []
      : [
          `pulsar:volumes: the cluster has the PersistentVolumes ${enumerate(existing)}; delete them, or use another cluster`,
        ]),
    ...(classes
      ? [
          `pulsar:volumes.storageClass.name: the cluster has a StorageClass ${volumes.storageClass.name}; delete it, or use another cluster`,
        ]
      : []),
    ...placeFaults(
      { volumes: plannedVolumes, nodes, namespace },
      {
        nodes: facts.nodes,
        // Those of the planned names are reported above.
        volumes: facts.volumes.filter(({ metadata }) => !claims.has(metadata?.name ?? "")),
      },
    ),
  ];
}

/** What the settings say exists already. */
function missing(facts: Facts, settings: Settings): string[] {
  const { namespace, createNamespace, images, imagePullCredentials, volumes, pods } = settings;
  const { name, create } = volumes.storageClass;
  const classes = new Set(Object.values(pods).flatMap(({ priorityClass }) => priorityClass ?? []));
  const secret = imagePullCredentials === undefined ? images.pullSecret : undefined;
  return [
    ...(createNamespace || facts.namespaces[namespace] !== undefined
      ? []
      : [`pulsar:createNamespace: the cluster has no namespace ${namespace}; create it`]),
    ...(secret === undefined || facts.secrets.includes(secret)
      ? []
      : [`pulsar:images.pullSecret: namespace ${namespace} has no Secret ${secret}; create it`]),
    ...(create || facts.storageClasses.includes(name)
      ? []
      : [`pulsar:volumes.storageClass: the cluster has no StorageClass ${name}; create it`]),
    ...[...classes]
      .filter((one) => !facts.priorityClasses.includes(one))
      .map((one) => `pulsar:pods: the cluster has no PriorityClass ${one}; create it`),
  ];
}

/** Nodes on which no pod of the stack would start. */
function unusable({ nodes }: Facts, { layout }: Settings): string[] {
  const tolerations = allTolerations(layout);
  return layout.nodes.flatMap(({ name }) => {
    const node = nodes.find(({ metadata }) => metadata?.name === name);
    if (node === undefined) return [];
    if (node.spec?.unschedulable === true) return [`--nodes: ${name} is cordoned; run kubectl uncordon ${name}`];
    if (!isReady(node)) return [`--nodes: ${name} is not Ready; start its kubelet, or choose another node`];
    return untolerated({ tolerations }, { taints: node.spec?.taints ?? [] }).map(
      (taint) => `--nodes: ${name} has the taint ${taintText(taint)}; remove it, or choose another node`,
    );
  });
}

/** The requests of the charts (2.7.7 and 4.7.0), in cores and bytes. */
const usual: Record<SizedComponent, Resources> = {
  zookeeper: { cpu: 0.1, memory: 256 * 2 ** 20 },
  bookkeeper: { cpu: 0.2, memory: 512 * 2 ** 20 },
  broker: { cpu: 0.2, memory: 512 * 2 ** 20 },
  proxy: { cpu: 0.2, memory: 128 * 2 ** 20 },
  autorecovery: { cpu: 0.05, memory: 128 * 2 ** 20 },
  toolset: { cpu: 0.1, memory: 256 * 2 ** 20 },
  manager: { cpu: 0.1, memory: 250 * 2 ** 20 },
};

/** Nodes whose free CPU or memory is too small for the pods that are planned there. A pod that may run on several nodes is put on the emptiest. */
function shortages(facts: Facts, settings: Settings): string[] {
  const views = facts.nodes.map(nodeView);
  const demand = demandOn(views.map(({ name, allocatable }) => ({ name, free: subtract(allocatable, usedOn(name, facts)) })), settings); // prettier-ignore
  return views.flatMap((node) => {
    const needed = demand.get(node.name);
    if (needed === undefined) return [];
    return (["cpu", "memory"] as const).flatMap((resource) => shortage(node, resource, needed, facts));
  });
}

type Demand = Resources & { pods: string[] };

function shortage(node: NodeView, resource: keyof Resources, needed: Demand, facts: Facts): string[] {
  const offered = node.allocatable[resource];
  const free = offered - usedOn(node.name, facts)[resource];
  // The scheduler counts in thousandths of a core; sums of fractions are a little off.
  if (needed[resource] - free < 0.001) return [];
  const [want, rest, all] = [needed[resource], free, offered].map((each) => quantity(each, resource));
  const what = resource === "cpu" ? "CPU" : "memory";
  return [
    `--nodes: ${node.name} has ${rest} of ${all} ${what} free, and the stack requests ${want} there (${needed.pods.join(", ")}); add --small, stop other pods there, or choose another node`,
  ];
}

function demandOn(nodes: { name: string; free: Resources }[], { pods, layout }: Settings): Map<string, Demand> {
  const demand = new Map<string, Demand>();
  for (const rule of ["ordinal", "spread", "any"] as const) {
    for (const component of Object.keys(usual) as SizedComponent[]) {
      const placement = layout.placements[component];
      if (placement.rule !== rule) continue;
      const { requests } = pods[component];
      const room = {
        cpu: requests?.cpu === undefined ? usual[component].cpu : amount(requests.cpu),
        memory: requests?.memory === undefined ? usual[component].memory : amount(requests.memory),
      };
      const candidates = nodes.filter(({ name }) => placement.nodes.includes(name));
      for (const ordinal of Array(placement.replicas).keys()) {
        const open = candidates.filter(({ name }) => rule === "any" || !demand.get(name)?.pods.includes(component));
        const place =
          rule === "ordinal"
            ? candidates.find(({ name }) => name === placement.nodes[ordinal])
            : open.toSorted((a, b) => b.free.memory - a.free.memory)[0];
        if (place === undefined) continue;
        const before = demand.get(place.name) ?? { cpu: 0, memory: 0, pods: [] };
        demand.set(place.name, {
          cpu: before.cpu + room.cpu,
          memory: before.memory + room.memory,
          pods: [...before.pods, component],
        });
        place.free = subtract(place.free, room);
      }
    }
  }
  return demand;
}

/** What the scheduler has reserved on a node. */
function usedOn(node: string, { pods }: Facts): Resources {
  return reservedFor(pods.map((pod) => podView(pod, [])).filter((pod) => pod.node === node));
}

function subtract(a: Resources, b: Resources): Resources {
  return { cpu: a.cpu - b.cpu, memory: a.memory - b.memory };
}
