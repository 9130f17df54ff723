/** What differs between the charts 2.7.7 and 4.7.0, of the facts that charts.rehearsal.test.ts checks. */
import type { ChartVersion } from "../../../model/charts/lines.ts";
import type { Rendered, Values } from "./chartRender.ts";

/** Rows of columns that any number of spaces separates. The first row has the names of the columns. */
type Table = string;

export interface Line {
  /** Fields of Chart.yaml: the version of its format, its name, its version, and Pulsar's. */
  about: string[];
  /** Values that the stand-in refuses, by the keys in the message. */
  lacking: Record<string, Values>;
  /** The keys that the message names without any values. */
  monitoring: string;
  /** The names of all objects by kind, without the release's name. */
  objects: Partial<Record<Parameters<Rendered["names"]>[0], string>>;
  pods: Table;
  /** Init containers, each with its timeout in seconds if it has one. */
  waits: Record<string, string>;
  /** The workloads whose pods lack what most have. */
  without: Record<"labels" | "placement" | "pullSecrets" | "annotations" | "limits", string[]>;
  services: Table;
  /** The sizes of the claims, by the name of their template. */
  claims: Record<string, string>;
  /** The addresses of the metadata with the prefix /main, by ConfigMap and key. */
  metadata: Record<string, string>;
  /** A key of `configData` that the template writes too. */
  repeated: { component: string; configMap: string; key: string };
  /** What the manager gets if there are tokens: keys of its ConfigMap, and files. */
  manager: { config: Record<string, string>; asymmetric: string[]; symmetric: string[] };
}

const initJobs = ["pulsar-bookie-init", "pulsar-pulsar-init"];
const hookJobs = ["pulsar-broker-sts-cleanup", "pulsar-zookeeper-sts-cleanup"];
const managerKeys = "/pulsar-manager/keys/token";

export const lines: Record<ChartVersion, Line> = {
  "2.7.7": {
    about: ["v1", "pulsar", "2.7.7", "2.7.4"],
    lacking: {
      "monitoring.grafana": { monitoring: { prometheus: false, grafana: true } },
      "rbac.psp": { rbac: { enabled: true, psp: true } },
      "broker.podMonitor.enabled": { broker: { podMonitor: { enabled: true } } },
      "extra.dashboard": { extra: { dashboard: true } },
      "proxy.ingress.enabled": { proxy: { ingress: { enabled: true } } },
      "bookkeeper.volumes.journal.storageClass": {
        bookkeeper: { volumes: { journal: { storageClass: { type: "ssd" } } } },
      },
    },
    monitoring: "monitoring.grafana, monitoring.prometheus",
    objects: {
      StatefulSet: "bookie broker proxy recovery toolset zookeeper",
      Deployment: "pulsar-manager",
      Job: "bookie-init pulsar-init",
      Service: "bookie broker proxy pulsar-manager recovery toolset zookeeper",
      ConfigMap: "bookie broker functions-worker-config proxy pulsar-manager recovery toolset zookeeper",
      PodDisruptionBudget: "bookie broker proxy zookeeper",
      Secret: "pulsar-manager-secret",
      ServiceAccount: "broker-acct functions-worker",
      ClusterRole: "broker-clusterrole functions-worker",
      ClusterRoleBinding: "broker-clusterrolebinding functions-worker",
    },
    pods: `
      workload               replicas  start         affinity   account             memory  cpu   metrics  images
      pulsar-zookeeper       3         OrderedReady  required   -                   256Mi   0.1   8000     zookeeper:1
      pulsar-bookie          4         Parallel      required   -                   512Mi   0.2   8000     bookie:1
      pulsar-recovery        1         Parallel      required   -                   64Mi    0.05  8000     autorecovery:1
      pulsar-broker          3         Parallel      preferred  pulsar-broker-acct  512Mi   0.2   8080     broker:1
      pulsar-proxy           3         Parallel      required   -                   128Mi   0.2   80       proxy:1
      pulsar-toolset         1         Parallel      none       -                   256Mi   0.1   -        broker:1
      pulsar-pulsar-manager  1         -             none       -                   250Mi   0.1   -        pulsar_manager:1
      pulsar-bookie-init     -         -             none       -                   -       -     -        bookie:1
      pulsar-pulsar-init     -         -             none       -                   -       -     -        init:1
    `,
    waits: {
      "pulsar-bookie": "pulsar-bookkeeper-verify-clusterid",
      "pulsar-recovery": "pulsar-bookkeeper-verify-clusterid",
      "pulsar-broker": "wait-zookeeper-ready, wait-bookkeeper-ready",
      "pulsar-proxy": "wait-zookeeper-ready, wait-broker-ready",
      "pulsar-bookie-init": "wait-zookeeper-ready",
      "pulsar-pulsar-init": "wait-zookeeper-ready, pulsar-bookkeeper-verify-clusterid",
    },
    without: {
      labels: initJobs,
      placement: initJobs,
      pullSecrets: [...initJobs, "pulsar-zookeeper"],
      annotations: initJobs,
      limits: [],
    },
    services: `
      service                type          ports                if not ready
      pulsar-zookeeper       headless      8000,2888,3888,2181  no
      pulsar-bookie          headless      3181,8000            yes
      pulsar-recovery        headless      8000                 no
      pulsar-broker          headless      8080,6650            no
      pulsar-proxy           LoadBalancer  80,6650              no
      pulsar-toolset         headless      -                    no
      pulsar-pulsar-manager  LoadBalancer  9527                 no
    `,
    claims: { "pulsar-bookie-journal": "10Gi", "pulsar-bookie-ledgers": "50Gi", "pulsar-zookeeper-data": "20Gi" },
    metadata: {
      "pulsar-broker zookeeperServers": "pulsar-zookeeper:2181/main",
      "pulsar-broker configurationStoreServers": "pulsar-zookeeper:2181/main",
      "pulsar-bookie zkLedgersRootPath": "/main/ledgers",
    },
    repeated: { component: "proxy", configMap: "pulsar-proxy", key: "httpNumThreads" },
    manager: { config: {}, asymmetric: [], symmetric: [] },
  },
  "4.7.0": {
    about: ["v2", "pulsar", "4.7.0", "4.0.12"],
    lacking: {
      "auth.authentication.jwt.generateSecrets.enabled": {
        auth: { authentication: { jwt: { generateSecrets: { enabled: true } } } },
      },
      "bookkeeper.volumes.journal.useMultiVolumes": {
        bookkeeper: { volumes: { journal: { useMultiVolumes: true } } },
      },
      "bookkeeper.volumes.journal.storageClass": {
        bookkeeper: { volumes: { journal: { storageClass: { type: "ssd" } } } },
      },
      "components.functions, components.oxia": { components: { functions: true, oxia: true } },
      "proxy.ingress.enabled": { proxy: { ingress: { enabled: true } } },
      "standalone.enabled": { standalone: { enabled: true } },
      "tls.proxy.cacerts.enabled": { tls: { proxy: { cacerts: { enabled: true } } } },
    },
    monitoring: "victoria-metrics-k8s-stack.enabled",
    objects: {
      StatefulSet: "bookie broker proxy pulsar-manager recovery toolset zookeeper",
      Job: "bookie-init broker-sts-cleanup pulsar-init pulsar-manager-init zookeeper-sts-cleanup",
      Service:
        "bookie broker broker-headless proxy pulsar-manager pulsar-manager-admin recovery toolset zookeeper zookeeper-headless",
      ConfigMap: "bookie broker certs-scripts proxy pulsar-manager recovery toolset zookeeper",
      PodDisruptionBudget: "bookie broker proxy zookeeper",
      PodMonitor: "autorecovery bookkeeper broker proxy zookeeper",
      Secret: "pulsar-manager-secret",
      ServiceAccount: "bookie broker-acct broker-sts-cleanup proxy recovery toolset zookeeper zookeeper-sts-cleanup",
      Role: "broker-role broker-sts-cleanup zookeeper-sts-cleanup",
      RoleBinding: "broker-rolebinding broker-sts-cleanup zookeeper-sts-cleanup",
    },
    // The manager's init Job waits for a broker with the image of the proxy.
    pods: `
      workload                      replicas  start     affinity   account                       memory  cpu   metrics  images
      pulsar-zookeeper              3         Parallel  required   pulsar-zookeeper              256Mi   0.1   8000     zookeeper:1
      pulsar-bookie                 4         Parallel  required   pulsar-bookie                 512Mi   0.2   8000     bookie:1
      pulsar-recovery               1         Parallel  required   pulsar-recovery               128Mi   0.05  8000     autorecovery:1
      pulsar-broker                 3         Parallel  preferred  pulsar-broker-acct            512Mi   0.2   8080     broker:1
      pulsar-proxy                  3         Parallel  required   pulsar-proxy                  128Mi   0.2   8080     proxy:1
      pulsar-toolset                1         Parallel  none       pulsar-toolset                256Mi   0.1   -        broker:1
      pulsar-pulsar-manager         1         -         none       -                             250Mi   0.1   -        pulsar_manager:1
      pulsar-bookie-init            -         -         none       pulsar-bookie                 -       -     -        bookie:1
      pulsar-pulsar-init            -         -         none       -                             -       -     -        init:1
      pulsar-pulsar-manager-init    -         -         none       -                             -       -     -        init:1,proxy:1
      pulsar-broker-sts-cleanup     -         -         none       pulsar-broker-sts-cleanup     -       -     -        alpine/k8s:1.32.12
      pulsar-zookeeper-sts-cleanup  -         -         none       pulsar-zookeeper-sts-cleanup  -       -     -        alpine/k8s:1.32.12
    `,
    waits: {
      "pulsar-bookie": "pulsar-bookkeeper-verify-clusterid 600",
      "pulsar-recovery": "pulsar-bookkeeper-verify-clusterid 120",
      "pulsar-broker": "wait-zookeeper-ready 600, wait-bookkeeper-ready 120",
      "pulsar-proxy": "wait-zookeeper-ready 600, wait-broker-ready 120",
      "pulsar-bookie-init": "wait-zookeeper-ready 600",
      "pulsar-pulsar-init": "wait-zk-metastore-ready 600, pulsar-bookkeeper-verify-clusterid 120",
      "pulsar-pulsar-manager-init": "wait-pulsar-manager-ready, wait-broker-ready",
    },
    without: {
      labels: hookJobs,
      placement: hookJobs,
      pullSecrets: hookJobs,
      annotations: [...initJobs, "pulsar-pulsar-manager-init", ...hookJobs],
      limits: hookJobs,
    },
    services: `
      service                      type       ports                if not ready
      pulsar-zookeeper             ClusterIP  8000,2181            no
      pulsar-zookeeper-headless    headless   8000,2888,3888,2181  yes
      pulsar-bookie                headless   3181,8000            yes
      pulsar-recovery              headless   8000                 no
      pulsar-broker                ClusterIP  8080,6650            no
      pulsar-broker-headless       headless   8080,6650            yes
      pulsar-proxy                 ClusterIP  80,6650              no
      pulsar-toolset               headless   -                    no
      pulsar-pulsar-manager        ClusterIP  9527                 no
      pulsar-pulsar-manager-admin  ClusterIP  7750                 no
    `,
    claims: {
      "pulsar-bookie-journal": "10Gi",
      "pulsar-bookie-ledgers": "50Gi",
      "pulsar-pulsar-manager-data": "128Mi",
      "pulsar-zookeeper-data": "20Gi",
    },
    metadata: {
      "pulsar-broker metadataStoreUrl": "zk:pulsar-zookeeper:2181/main",
      "pulsar-broker bookkeeperMetadataServiceUri": "zk+hierarchical://pulsar-zookeeper:2181/main/ledgers",
      "pulsar-bookie metadataServiceUri": "zk+hierarchical://pulsar-zookeeper:2181/main/ledgers",
      "pulsar-bookie zkServers": "",
    },
    repeated: { component: "autorecovery", configMap: "pulsar-recovery", key: "metadataServiceUri" },
    manager: {
      config: { PRIVATE_KEY: `file://${managerKeys}/private.key`, PUBLIC_KEY: `file://${managerKeys}/public.key` },
      asymmetric: [
        `pulsar-token-asymmetric-key PRIVATEKEY ${managerKeys}/private.key`,
        `pulsar-token-asymmetric-key PUBLICKEY ${managerKeys}/public.key`,
      ],
      symmetric: [`pulsar-token-symmetric-key SECRETKEY ${managerKeys}/secret.key`],
    },
  },
};
