/** The nodes to simulate. */
export interface SimulatedNodesArgs {
  /** The nodes of the stack. */
  nodes: readonly ({ name: string; hostname: string } & Capacity)[];
  /** Nodes of the cluster that do not belong to the stack. */
  otherNodes: { count: number } & Capacity;
}

/** The allocatable resources of a node, as Kubernetes quantities. The defaults are enough for all of Pulsar with default requests. */
interface Capacity {
  /** @default 16 */
  cpu?: string;
  /** @default 64Gi */
  memory?: string;
}

/** A Node object as a kubelet registers it. */
export interface SimulatedNode {
  apiVersion: "v1";
  kind: "Node";
  metadata: { name: string; labels: Record<string, string> };
  /** Both are equal. A real kubelet reserves some capacity, but the settings of a stack state what pods can use. */
  status: { capacity: Record<string, string>; allocatable: Record<string, string> };
}

/**
 * The Node objects of the rehearsed cluster, as kubelets register them: without the labels and taints of the stack, which the program sets. The
 * other nodes are named other-1, other-2 and so on, except for names and hostnames of the stack's nodes.
 */
export function simulatedNodes({ nodes, otherNodes: { count, ...capacity } }: SimulatedNodesArgs): SimulatedNode[] {
  const used = new Set(nodes.flatMap(({ name, hostname }) => [name, hostname]));
  const free = Array.from({ length: count + used.size }, (_, i) => `other-${i + 1}`).filter((name) => !used.has(name));
  const others = free.slice(0, count).map((name) => ({ name, hostname: name, ...capacity }));
  return [...nodes, ...others].map(simulatedNode);
}

function simulatedNode({ name, hostname, cpu, memory }: SimulatedNodesArgs["nodes"][number]): SimulatedNode {
  const capacity = { cpu: cpu ?? "16", memory: memory ?? "64Gi", pods: "110", "ephemeral-storage": "1Ti" };
  return {
    apiVersion: "v1",
    kind: "Node",
    metadata: {
      name,
      labels: { "kubernetes.io/hostname": hostname, "kubernetes.io/os": "linux", "kubernetes.io/arch": "amd64" },
    },
    status: { capacity, allocatable: { ...capacity } },
  };
}
