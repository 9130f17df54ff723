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
// A single file of the library, which takes 0.25 s to load as a whole.
import { quantityToScalar } from "@kubernetes/client-node/dist/util.js";
import type { Api, Plain } from "./api.ts";

/** Compute resources, such as requests of pods. */
export interface Resources {
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
  /** For all pods together. */
  allocatable: Resources;
}

/** A pod of the stack's namespace. */
export interface PodView {
  name: string;
  /** The name without a random suffix: the pod's name in a StatefulSet, else that of its Job or Deployment. */
  title: string;
  /** Its `component` label, else that of its Job. Absent for pods that are not the chart's. */
  component?: string;
  /** The Job it belongs to. */
  job?: string;
  /** The node it was bound to. */
  node?: string;
  /** `done`: a completed pod of a Job. `ready`: a running pod whose condition Ready is true. */
  state: "pending" | "starting" | "ready" | "done" | "failed" | "ending";
  /** Why the scheduler does not bind it: the message of the condition PodScheduled. */
  unscheduled?: string;
  tolerations: Plain<V1Toleration>[];
  nodeSelector: Record<string, string>;
  /** What the scheduler reserves for it. */
  requests: Resources;
  /** Names of its claims. */
  claims: string[];
  images: string[];
  /** Names of its image pull secrets. */
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
  /** `namespace/name` of the claim that it is bound to or reserved for. */
  claim?: string;
  size: string;
  /** The values of `kubernetes.io/hostname` in its node affinity. */
  hostnames: string[];
}

export interface JobView {
  name: string;
  /** Its `component` label. Absent for Jobs that are not the chart's. */
  component?: string;
  state: "open" | "complete" | "failed";
}

export interface ServiceView {
  name: string;
  type: string;
  /** `port/protocol`, in the Service's order. */
  ports: string[];
  /** Whether it has no load balancer address yet. */
  pending: boolean;
}

/** A StatefulSet or a Deployment. */
export interface WorkloadView {
  kind: "StatefulSet" | "Deployment";
  name: string;
  component?: string;
  /** The numbers of desired, existing and ready pods. */
  wanted: number;
  created: number;
  ready: number;
  /** Why the controller cannot create its pods. */
  refusal?: string;
}

/** The state of a rehearsed cluster at one time. Every list is sorted by name. It contains no ages or timestamps. */
export interface Observation {
  nodes: NodeView[];
  pods: PodView[];
  claims: ClaimView[];
  volumes: VolumeView[];
  jobs: JobView[];
  services: ServiceView[];
  workloads: WorkloadView[];
}

/** Reads all nodes and volumes, and the other objects in `namespace`, which need not exist. */
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
    // The StatefulSet controller lists a pod's claims in random order.
    claims: (spec?.volumes?.flatMap(({ persistentVolumeClaim }) => persistentVolumeClaim?.claimName ?? []) ?? []).sort(
      compareNames,
    ),
    images: [...(spec?.initContainers ?? []), ...(spec?.containers ?? [])].flatMap(({ image }) => image ?? []),
    pullSecrets: spec?.imagePullSecrets?.flatMap(({ name }) => name ?? []) ?? [],
  };
}

/**
 * Kubernetes' rule (`PodRequests`): the larger of the largest init container and the sum of the other containers, plus the overhead. Sidecars
 * (init containers that keep running) are not treated specially, because the charts have none.
 */
function requested(spec: Plain<V1PodSpec> | undefined, resource: keyof Resources): number {
  const of = ({ resources }: Pick<Plain<V1Container>, "resources">) => amount(resources?.requests?.[resource]);
  const together = spec?.containers.map(of).reduce((sum, one) => sum + one, 0) ?? 0;
  return Math.max(together, ...(spec?.initContainers ?? []).map(of)) + amount(spec?.overhead?.[resource]);
}

/** Whether a pod has ended and its resources are free again. */
export function isFinished({ state }: PodView): boolean {
  return state === "done" || state === "failed";
}

/** What the scheduler reserves for these pods together. */
export function reservedFor(pods: readonly PodView[]): Resources {
  const requests = pods.filter((pod) => !isFinished(pod)).map((pod) => pod.requests);
  const sum = (resource: keyof Resources) => requests.reduce((total, one) => total + one[resource], 0);
  return { cpu: sum("cpu"), memory: sum("memory") };
}

/** A quantity in cores or bytes. The library cannot parse a fraction with a suffix such as Gi, but the API server never writes one. */
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
  // The events of a Deployment concern its ReplicaSets, whose names begin with its own.
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

/** Compares by `name`, with numbers by value: bookie-2 comes before bookie-10. Does not depend on the locale. */
export function byName(a: { name: string }, b: { name: string }): number {
  return compareNames(a.name, b.name);
}

const collator = new Intl.Collator("en", { numeric: true });

export function compareNames(a: string, b: string): number {
  return collator.compare(a, b);
}
