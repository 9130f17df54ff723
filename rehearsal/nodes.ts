/** What the simulated nodes are made from. */
export interface SimulatedNodesArgs {
  /** The nodes of the stack. */
  nodes: readonly { name: string; hostname: string }[];
  /** Adds one plain node that is not the stack's. */
  clusterHasOtherNodes: boolean;
}

/** A Node object as a kubelet registers it. */
export interface SimulatedNode {
  apiVersion: "v1";
  kind: "Node";
  metadata: { name: string; annotations: Record<string, string>; labels: Record<string, string> };
  status: { capacity: Record<string, string>; allocatable: Record<string, string> };
}

/** What every simulated node offers: room for all of Pulsar, so that resources are never why a pod stays out unless a stack asks for more. */
const capacity = { cpu: "16", memory: "64Gi", pods: "110", "ephemeral-storage": "1Ti" };

/**
 * The Node objects of the rehearsed cluster, as kubelets would register them: without the labels and taints of the stack, which the program
 * has to put there. The plain node takes a name that no node of the stack has.
 */
export function simulatedNodes(args: SimulatedNodesArgs): SimulatedNode[] {
  const nodes = args.nodes.map(simulatedNode);
  if (!args.clusterHasOtherNodes) return nodes;
  const taken = new Set(args.nodes.map((node) => node.name));
  let name = "other";
  while (taken.has(name)) name += "-x";
  return [...nodes, simulatedNode({ name, hostname: name })];
}

function simulatedNode({ name, hostname }: { name: string; hostname: string }): SimulatedNode {
  return {
    apiVersion: "v1",
    kind: "Node",
    metadata: {
      name,
      // KWOK plays the kubelet of nodes with this annotation.
      annotations: { "kwok.x-k8s.io/node": "fake" },
      labels: { "kubernetes.io/hostname": hostname, "kubernetes.io/os": "linux", "kubernetes.io/arch": "amd64" },
    },
    status: { capacity: { ...capacity }, allocatable: { ...capacity } },
  };
}
