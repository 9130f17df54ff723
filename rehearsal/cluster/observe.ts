import type {
  CoreV1Event,
  V1Container,
  V1Job,
  V1Node,
  V1PersistentVolume,
  V1PersistentVolumeClaim,
  V1Pod,
  V1PodSpec,
  V1Service,
  V1StatefulSet,
  V1Deployment,
  V1Taint,
  V1Toleration,
} from "@kubernetes/client-node";
// The file itself: the whole library takes a quarter of a second to load.
import { quantityToScalar } from "@kubernetes/client-node/dist/util.js";
import type { Api, Plain } from "./api.ts";
import { byName, compareNames } from "../report/sorting.ts";

/** What pods take of a node. */
export interface Room {
  /** In cores. */
  cpu: number;
  /** In bytes. */
  memory: number;
}

/** A node as the scheduler sees it. */
export interface NodeView {
  name: string;
  labels: Record<string, string>;
  taints: Plain<V1Taint>[];
  /** What it offers to all pods together. */
  allocatable: Room;
}

/** A pod of the stack's namespace. */
export interface PodView {
  name: string;
  /** The name without what is drawn by lot: the pod's own in a StatefulSet, else that of its Job or Deployment. */
  title: string;
  /** Its `component` label, else that of its Job; none for pods that are not the chart's. */
  component?: string;
  /** The Job it belongs to. */
  job?: string;
  /** The node it was bound to. */
  node?: string;
  /** `done` is a finished pod of a Job, `ready` a running one whose Ready condition holds. */
  state: "pending" | "starting" | "ready" | "done" | "failed" | "ending";
  /** Why the scheduler does not bind it, in its own words: the message of the condition PodScheduled. */
  unscheduled?: string;
  tolerations: Plain<V1Toleration>[];
  nodeSelector: Record<string, string>;
  /** What the scheduler keeps free for it. */
  requests: Room;
  /** Names of its claims. */
  claims: string[];
  images: string[];
  /** Names of the Secrets it pulls its images with. */
  pullSecrets: string[];
}

export interface ClaimView {
  name: string;
  phase: string;
  volume?: string;
}

export interface VolumeView {
  name: string;
  phase: string;
  /** `namespace/name` of the claim it is bound to or kept for. */
  claim?: string;
  size: string;
  /** The values of `kubernetes.io/hostname` it is pinned to; empty when it is pinned to none. */
  hostnames: string[];
}

export interface JobView {
  name: string;
  /** Its `component` label; none for Jobs that are not the chart's. */
  component?: string;
  state: "open" | "complete" | "failed";
}

export interface ServiceView {
  name: string;
  type: string;
  /** `port/protocol`, in the Service's order. */
  ports: string[];
  /** Whether it waits for the address of a load balancer. */
  pending: boolean;
}

/** What makes pods: a StatefulSet or a Deployment. */
export interface WorkloadView {
  kind: "StatefulSet" | "Deployment";
  name: string;
  component?: string;
  /** How many pods it asks for, has, and has ready. */
  wanted: number;
  created: number;
  ready: number;
  /** Why it makes no pods, where the controller says so. */
  refusal?: string;
}

/** What a rehearsed cluster looks like at one moment. Every list is sorted by name; nothing in it changes with time alone. */
export interface Observation {
  nodes: NodeView[];
  pods: PodView[];
  claims: ClaimView[];
  volumes: VolumeView[];
  jobs: JobView[];
  services: ServiceView[];
  workloads: WorkloadView[];
}

/** Looks at all nodes and volumes, and at what is in `namespace`, which need not exist. */
export async function observe(api: Api, namespace: string): Promise<Observation> {
  const [nodes, pods, claims, volumes, jobs, services, statefulSets, deployments, refusals] = await Promise.all([
    api.core.listNode(),
    api.core.listNamespacedPod({ namespace }),
    api.core.listNamespacedPersistentVolumeClaim({ namespace }),
    api.core.listPersistentVolume(),
    api.batch.listNamespacedJob({ namespace }),
    api.core.listNamespacedService({ namespace }),
    api.apps.listNamespacedStatefulSet({ namespace }),
    api.apps.listNamespacedDeployment({ namespace }),
    api.core.listNamespacedEvent({ namespace, fieldSelector: "reason=FailedCreate" }),
  ]);
  const jobViews = jobs.items.map(jobView).sort(byName);
  return {
    nodes: nodes.items.map(nodeView).sort(byName),
    pods: pods.items.map((pod) => podView(pod, jobViews)).sort(byName),
    claims: claims.items.map(claimView).sort(byName),
    volumes: volumes.items.map(volumeView).sort(byName),
    jobs: jobViews,
    services: services.items.map(serviceView).sort(byName),
    workloads: [
      ...statefulSets.items.map((set) => workloadView("StatefulSet", set, refusals.items)),
      ...deployments.items.map((deployment) => workloadView("Deployment", deployment, refusals.items)),
    ].sort(byName),
  };
}

export function nodeView(node: Plain<V1Node>): NodeView {
  const { cpu, memory } = node.status?.allocatable ?? {};
  return {
    name: node.metadata?.name ?? "",
    labels: node.metadata?.labels ?? {},
    taints: node.spec?.taints ?? [],
    allocatable: { cpu: amount(cpu), memory: amount(memory) },
  };
}

export function podView(pod: Plain<V1Pod>, jobs: readonly JobView[]): PodView {
  const owner = pod.metadata?.ownerReferences?.find(({ controller }) => controller);
  const job = owner?.kind === "Job" ? owner.name : undefined;
  const scheduled = pod.status?.conditions?.find(({ type }) => type === "PodScheduled");
  const spec = pod.spec;
  const name = pod.metadata?.name ?? "";
  const hash = pod.metadata?.labels?.["pod-template-hash"];
  return {
    name,
    title: job ?? (owner?.kind === "ReplicaSet" && hash ? owner.name.replace(`-${hash}`, "") : name),
    component: pod.metadata?.labels?.["component"] ?? jobs.find(({ name }) => name === job)?.component,
    job,
    node: spec?.nodeName,
    state: podState(pod),
    unscheduled: scheduled?.status === "False" ? scheduled.message : undefined,
    tolerations: spec?.tolerations ?? [],
    nodeSelector: spec?.nodeSelector ?? {},
    requests: { cpu: requested(spec, "cpu"), memory: requested(spec, "memory") },
    // A StatefulSet's controller lists a pod's claims in an order drawn by lot.
    claims: (spec?.volumes?.flatMap(({ persistentVolumeClaim }) => persistentVolumeClaim?.claimName ?? []) ?? []).sort(
      compareNames,
    ),
    images: [...(spec?.initContainers ?? []), ...(spec?.containers ?? [])].flatMap(({ image }) => image ?? []),
    pullSecrets: spec?.imagePullSecrets?.flatMap(({ name }) => name ?? []) ?? [],
  };
}

/**
 * Kubernetes' rule (`PodRequests`): init containers run one after another and before all others, so the largest of them or the sum of the
 * others, and the overhead. Sidecars (init containers that keep running) count as any init container here: the charts have none.
 */
function requested(spec: Plain<V1PodSpec> | undefined, resource: keyof Room): number {
  const of = ({ resources }: Pick<Plain<V1Container>, "resources">) => amount(resources?.requests?.[resource]);
  const together = spec?.containers.map(of).reduce((sum, one) => sum + one, 0) ?? 0;
  return Math.max(together, ...(spec?.initContainers ?? []).map(of)) + amount(spec?.overhead?.[resource]);
}

/** A quantity in cores or bytes. The API server writes none with both a fraction and a suffix above one, which the library cannot read. */
function amount(quantity = "0"): number {
  return Number(quantityToScalar(quantity));
}

function podState(pod: Plain<V1Pod>): PodView["state"] {
  if (pod.metadata?.deletionTimestamp !== undefined) return "ending";
  if (pod.status?.phase === "Succeeded") return "done";
  if (pod.status?.phase === "Failed") return "failed";
  if (pod.spec?.nodeName === undefined) return "pending";
  const ready = pod.status?.conditions?.some(({ type, status }) => type === "Ready" && status === "True");
  return ready ? "ready" : "starting";
}

function claimView(claim: V1PersistentVolumeClaim): ClaimView {
  return {
    name: claim.metadata?.name ?? "",
    phase: claim.status?.phase ?? "Pending",
    volume: claim.spec?.volumeName,
  };
}

function volumeView(volume: V1PersistentVolume): VolumeView {
  const claim = volume.spec?.claimRef;
  const terms = volume.spec?.nodeAffinity?.required?.nodeSelectorTerms ?? [];
  return {
    name: volume.metadata?.name ?? "",
    phase: volume.status?.phase ?? "Pending",
    claim: claim && `${claim.namespace ?? ""}/${claim.name ?? ""}`,
    size: volume.spec?.capacity?.["storage"] ?? "",
    hostnames: terms.flatMap(
      ({ matchExpressions }) => matchExpressions?.find(({ key }) => key === "kubernetes.io/hostname")?.values ?? [],
    ),
  };
}

function jobView(job: V1Job): JobView {
  const holds = (wanted: string): boolean =>
    job.status?.conditions?.some(({ type, status }) => type === wanted && status === "True") ?? false;
  return {
    name: job.metadata?.name ?? "",
    component: job.metadata?.labels?.["component"],
    state: holds("Complete") ? "complete" : holds("Failed") ? "failed" : "open",
  };
}

function serviceView(service: V1Service): ServiceView {
  const type = service.spec?.type ?? "ClusterIP";
  const addresses = service.status?.loadBalancer?.ingress ?? [];
  return {
    name: service.metadata?.name ?? "",
    type,
    ports: service.spec?.ports?.map(({ port, protocol }) => `${port}/${protocol ?? "TCP"}`) ?? [],
    pending: type === "LoadBalancer" && addresses.length === 0,
  };
}

function workloadView(
  kind: WorkloadView["kind"],
  workload: V1StatefulSet | V1Deployment,
  refusals: readonly CoreV1Event[],
): WorkloadView {
  const name = workload.metadata?.name ?? "";
  const wanted = workload.spec?.replicas ?? 1;
  const created = workload.status?.replicas ?? 0;
  // A Deployment's pods are made by its ReplicaSets, whose names begin with the Deployment's.
  const refusal = refusals.find(({ involvedObject }) => involvedObject.name?.startsWith(name));
  return {
    kind,
    name,
    component: workload.metadata?.labels?.["component"],
    wanted,
    created,
    ready: workload.status?.readyReplicas ?? 0,
    refusal: created < wanted ? refusal?.message : undefined,
  };
}
