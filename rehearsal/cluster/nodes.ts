/** What the simulated nodes are made from. */
export interface SimulatedNodesArgs {
  /** The nodes of the stack. */
  nodes: readonly ({ name: string; hostname: string } & Room)[];
  /** Plain nodes that are not the stack's. */
  otherNodes: { count: number } & Room;
}

/** What a node offers to pods, as Kubernetes quantities. The default has room for all of Pulsar, unless a stack asks for more. */
interface Room {
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
  /** Both alike: a real kubelet keeps something back, but what a stack says of a node is what pods get. */
  status: { capacity: Record<string, string>; allocatable: Record<string, string> };
}

/**
 * The Node objects of the rehearsed cluster, as kubelets would register them: without the labels and taints of the stack, which the program
 * has to put there. The other nodes are named other-1, other-2 and so on, without the names and hostnames that the stack's nodes have.
 */
export function simulatedNodes({ nodes, otherNodes: { count, ...room } }: SimulatedNodesArgs): SimulatedNode[] {
  const taken = new Set(nodes.flatMap(({ name, hostname }) => [name, hostname]));
  const free = Array.from({ length: count + taken.size }, (_, i) => `other-${i + 1}`).filter(
    (name) => !taken.has(name),
  );
  const others = free.slice(0, count).map((name) => ({ name, hostname: name, ...room }));
  return [...nodes, ...others].map(simulatedNode);
}

function simulatedNode({ name, hostname, cpu, memory }: SimulatedNodesArgs["nodes"][number]): SimulatedNode {
  const room = { cpu: cpu ?? "16", memory: memory ?? "64Gi", pods: "110", "ephemeral-storage": "1Ti" };
  return {
    apiVersion: "v1",
    kind: "Node",
    metadata: {
      name,
      labels: { "kubernetes.io/hostname": hostname, "kubernetes.io/os": "linux", "kubernetes.io/arch": "amd64" },
    },
    status: { capacity: room, allocatable: { ...room } },
  };
}
