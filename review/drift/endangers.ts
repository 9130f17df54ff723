/** What a difference endangers, by kind of object and field. The first row that matches applies. */
import { pathText, type Path } from "./fields.ts";

const anyKind = /./;
const workloads = /^(StatefulSet|Deployment|DaemonSet)$/;
/** A workload, or a Job that has to run again. */
const withPods = /^(StatefulSet|Deployment|DaemonSet|Job)$/;

type Row = readonly [kind: RegExp, field: RegExp, endangers: string];

/** For an object that is gone, or was created again by somebody else. */
const objects: readonly Row[] = [
  [/^(PersistentVolume|PersistentVolumeClaim)$/, /^/, "data: the record of which disk holds a pod's data"],
  [/^StorageClass$/, /^/, "volumes: claims of this class cannot bind"],
  [workloads, /^/, "service: its pods"],
  [/^PodDisruptionBudget$/, /^/, "quorum: a drain may stop too many pods at once"],
  [/^NetworkPolicy$/, /^/, "network: the pods are open to every other pod"],
  [/^Secret$/, /^/, "credentials: pods that use it do not start"],
  [/^ConfigMap$/, /^/, "configuration: pods that use it do not start"],
  [/^Service$/, /^/, "connections to the component"],
  [/^Ingress$/, /^/, "access from outside the cluster"],
  [/^(ServiceAccount|Role|RoleBinding|ClusterRole|ClusterRoleBinding)$/, /^/, "rights of the pods"],
  [/^Job$/, /^/, "nothing that runs; pulumi refresh and up run it again"],
  [/^Namespace$/, /^/, "everything in it"],
  [/^Node$/, /^/, "placement: the pods planned for it"],
  [/^(Helm release|tables)$/, /^/, "upgrades: what is deployed is not what the stack has deployed"],
  [/^(tenant|namespace|topic|permission)$/, /^/, "clients: they cannot produce or consume"],
  [anyKind, /^/, "what depends on it"],
];

const fields: readonly Row[] = [
  [/^Node$/, /unschedulable/, "placement: its pods cannot start there again"],
  [/^Node$/, /^/, "placement: pods of others may run there, or the stack's may not"],
  [/^Helm release$/, /^/, "upgrades: the next pulumi up starts from another release"],
  [/^tables$/, /^/, "Pulsar Manager: it cannot read or write its data"],
  [/^(tenant|permission)$/, /^/, "access: who may administer, produce or consume"],
  [/^namespace$/, /^/, "data: how long messages are kept"],
  [/^topic$/, /^/, "clients: order and distribution of messages"],
  [anyKind, /pulsar-stack\/owner|meta\.helm\.sh|managed-by/, "ownership: the next pulumi up may refuse the object"],
  [anyKind, /restartedAt/, "availability: the pods were restarted outside of the stack"],
  [/^Namespace$/, /pod-security/, "rights of the pods"],
  [/^Secret$/, /^data/, "credentials: pods get other ones with their next start"],
  [/^ConfigMap$/, /^data/, "configuration: applies with the next restart of the pods"],
  [workloads, /^spec\.replicas$/, "quorum and capacity"],
  [/^PodDisruptionBudget$/, /^spec/, "quorum: a drain may stop too many pods at once"],
  [/^PersistentVolume$/, /ReclaimPolicy/, "data: it may be deleted with the claim"],
  [/^StorageClass$/, /reclaimPolicy/, "data: that of new volumes may be deleted with the claim"],
  [/^StorageClass$/, /^/, "volumes: which claims get it, and what their volumes are"],
  [/^PersistentVolume(Claim)?$/, /^spec/, "data: the volume of the pod"],
  [/^NetworkPolicy$/, /^spec/, "network: who reaches the pods"],
  [/^Ingress$/, /^spec|annotations/, "access from outside the cluster"],
  [/^Service$/, /type|nodePort|externalIPs|loadBalancer/, "exposure: who reaches it from outside the cluster"],
  [/^Service$/, /^spec/, "connections to the component"],
  [/Role|ServiceAccount/, /^/, "rights of the pods"],
  [withPods, /\.image$|imagePull/, "version: what runs was not reviewed"],
  [withPods, /\.resources/, "scheduling and memory of the pods"],
  [
    withPods,
    /nodeSelector|tolerations|affinity|topologySpread|nodeName|priorityClass/i,
    "placement: where the pods run",
  ],
  [withPods, /[pP]robe|terminationGrace|lifecycle/, "availability: when pods count as ready and restart"],
  [withPods, /securityContext|serviceAccount|host(Network|PID|IPC)/, "rights of the pods"],
  [withPods, /\.env|\.args|\.command/, "configuration of the pods"],
  [withPods, /volume/i, "data and configuration that the pods mount"],
  [
    workloads,
    /updateStrategy|strategy|podManagementPolicy|minReadySeconds|paused/,
    "rollouts: how many pods restart at once",
  ],
  [workloads, /serviceName|selector/, "connections to the pods by name"],
  [withPods, /containers/, "version: what runs was not reviewed"],
  [anyKind, /labels/, "selection by labels: Services, policies and budgets"],
  [anyKind, /^/, "what depends on it"],
];

export function endangers(kind: string, path: Path): string {
  const text = pathText(path);
  const [, , found = ""] = (path.length === 0 ? objects : fields).find(([k, f]) => k.test(kind) && f.test(text)) ?? [];
  return found;
}
