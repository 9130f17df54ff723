/**
 * What a preview of the test stack is measured against (`npm run bench`): the resources of Pulumi.test.yaml in one program, as somebody
 * would write them down who has this one stack only. No components, no schema, no marks of ownership and next to no hooks; what those cost is the
 * ratio. The resources of our own are the stack's, as no provider has them.
 */
import { readFileSync } from "node:fs";
import * as k8s from "@pulumi/kubernetes";
import * as postgresql from "@pulumi/postgresql";
import * as pulumi from "@pulumi/pulumi";
import * as tls from "@pulumi/tls";
import { ManagerNames } from "../../../resources/postgres/managerNames.ts";
import { ManagerTables } from "../../../resources/postgres/managerTables.ts";
import { NodeMarks } from "../../../resources/kubernetes/nodeMarks.ts";
import { checkingProvider } from "../../../resources/kit/storedProvider.ts";
import { TokenRollout } from "../../../resources/kubernetes/tokenRollout.ts";
import { keyPair, signToken } from "../../../model/tokens.ts";

const config = new pulumi.Config();
const databasePassword = config.requireSecret("managerDatabasePassword");
const adminPassword = config.requireSecret("managerDatabaseAdminPassword");
const managerPassword = config.requireSecret("managerPassword");
const pullCredentials = config.requireSecret("imagePullCredentials");
/** Set where the chart's repository cannot be reached. */
const chartPath = config.getObject<{ source: string }>("chart")?.source;

const nodes = ["node1", "node2", "node3"];
const labels = { "node-role.kubernetes.io/pulsar": "pulsar" };
const taint = { key: "dedicated", value: "pulsar", effect: "NoSchedule" } as const;
const tolerations = [{ ...taint, operator: "Equal" }];
const pulsarImage = { repository: "harbor.example.com/library/apachepulsar/pulsar-all", tag: "2.7.4" };
const managerImage = { repository: "harbor.example.com/library/apachepulsar/pulsar-manager", tag: "v0.2.0" };
const directories = {
  "zookeeper-data": "/home/pulsar/data/zookeeper-data",
  "bookie-journal": "/home/pulsar/data/bookie-data/journal",
  "bookie-ledgers": "/home/pulsar/data/bookie-data/ledgers",
};

const provider = new k8s.Provider("cluster", {
  clusterIdentifier: "pulsar-stack",
  upsertExistingObjects: true,
  enableSecretMutable: true,
});

const claims = (...volumes: [keyof typeof directories, string][]) =>
  Object.fromEntries(volumes.map(([volume, size]) => [volume, { path: directories[volume], size }]));
// The stack's own class would look for the module beside this program's Pulumi.yaml: unlike the others it is asked at preview.
class VolumeContract extends pulumi.dynamic.Resource {}
const contract = new VolumeContract(
  checkingProvider("../../../resources/kubernetes/volumeContractProvider.ts"),
  "volume-contract",
  {
    namespace: "pulsar",
    release: "pulsar",
    storageClass: "local-storage",
    chartLine: "2.7",
    volumes: Object.fromEntries(
      nodes.flatMap((node, i) => [
        [`zookeeper-${i}`, { node, hostname: node, claims: claims(["zookeeper-data", "20Gi"]) }],
        [
          `bookie-${i}`,
          { node, hostname: node, claims: claims(["bookie-journal", "50Gi"], ["bookie-ledgers", "50Gi"]) },
        ],
      ]),
    ),
    accepted: [],
    production: false,
  },
  {},
  "pulsar",
  "VolumeContract",
);
const inCluster = { provider, dependsOn: contract };

const marks = nodes.map(
  (node) =>
    new NodeMarks(
      `marks-${node}`,
      { cluster: {}, owner: "organization/pulsar/test", node, labels, taints: [taint] },
      { dependsOn: contract },
    ),
);

const home = new k8s.core.v1.Namespace("namespace", { metadata: { name: "pulsar" } }, inCluster);
const namespace = home.metadata.name;
const pullSecret = new k8s.core.v1.Secret(
  "pull-secret",
  {
    metadata: { name: "regsecret", namespace },
    type: "kubernetes.io/dockerconfigjson",
    stringData: { ".dockerconfigjson": pullCredentials },
  },
  inCluster,
);

const key = new tls.PrivateKey("key", { algorithm: "RSA", rsaBits: 2048 });
const keySecret = new k8s.core.v1.Secret(
  "key-secret",
  {
    metadata: { name: "pulsar-token-asymmetric-key", namespace },
    type: "Opaque",
    data: key.privateKeyPem.apply(keyPair),
  },
  inCluster,
);
const tokens = ["broker-admin", "proxy-admin", "admin"].map((role) => {
  const token = key.privateKeyPem.apply((pem) => signToken(pem, "asymmetric", { role }));
  const secret = new k8s.core.v1.Secret(
    `token-${role}`,
    {
      metadata: { name: `pulsar-token-${role}`, namespace },
      type: "Opaque",
      data: {
        TOKEN: token.apply((text) => Buffer.from(text).toString("base64")),
        TYPE: Buffer.from("asymmetric").toString("base64"),
      },
    },
    inCluster,
  );
  return { token, secret };
});

const storageClass = new k8s.storage.v1.StorageClass(
  "storage-class",
  {
    metadata: { name: "local-storage" },
    provisioner: "kubernetes.io/no-provisioner",
    volumeBindingMode: "WaitForFirstConsumer",
    reclaimPolicy: "Retain",
  },
  inCluster,
);
const volumes = (
  [
    ["zookeeper-data", "zookeeper", "20Gi"],
    ["bookie-journal", "bookie", "50Gi"],
    ["bookie-ledgers", "bookie", "50Gi"],
  ] as const
).flatMap(([volume, pods, storage]) =>
  nodes.flatMap((node, i) => {
    const name = `pulsar-${volume}-pulsar-${pods}-${i}`;
    const persistentVolume = new k8s.core.v1.PersistentVolume(
      `${volume}-${i}`,
      {
        metadata: { name },
        spec: {
          capacity: { storage },
          accessModes: ["ReadWriteOnce"],
          persistentVolumeReclaimPolicy: "Retain",
          storageClassName: "local-storage",
          local: { path: directories[volume] },
          claimRef: { name, namespace },
          nodeAffinity: {
            required: {
              nodeSelectorTerms: [
                { matchExpressions: [{ key: "kubernetes.io/hostname", operator: "In", values: [node] }] },
              ],
            },
          },
        },
      },
      { provider, dependsOn: [contract, storageClass] },
    );
    const claim = new k8s.core.v1.PersistentVolumeClaim(
      `${volume}-${i}-claim`,
      {
        metadata: { name, namespace },
        spec: {
          accessModes: ["ReadWriteOnce"],
          storageClassName: "local-storage",
          volumeName: persistentVolume.metadata.name,
          resources: { requests: { storage } },
        },
      },
      inCluster,
    );
    return [persistentVolume, claim];
  }),
);
const jobs = nodes.map(
  (node, i) =>
    new k8s.batch.v1.Job(
      `directories-${node}`,
      {
        metadata: { name: `pulsar-directories-${node}`, namespace },
        spec: {
          backoffLimit: 3,
          template: {
            spec: {
              restartPolicy: "Never",
              nodeSelector: { "kubernetes.io/hostname": node },
              tolerations,
              imagePullSecrets: [{ name: "regsecret" }],
              automountServiceAccountToken: false,
              containers: [
                {
                  name: "directories",
                  image: `${pulsarImage.repository}:${pulsarImage.tag}`,
                  command: ["true"],
                  volumeMounts: Object.entries(directories).map(([name, mountPath]) => ({ name, mountPath })),
                },
              ],
              volumes: Object.entries(directories).map(([name, path]) => ({
                name,
                hostPath: { path, type: "DirectoryOrCreate" },
              })),
            },
          },
        },
      },
      { provider, dependsOn: [contract, marks[i] ?? contract, home, pullSecret] },
    ),
);

const names = new ManagerNames("names", {
  host: "postgres.example.com",
  port: 5432,
  database: "postgres",
  user: "postgres",
  password: adminPassword,
  tls: "disable",
  names: { role: "pulsar_manager", database: "pulsar_manager" },
});
const server = new postgresql.Provider("server", {
  host: "postgres.example.com",
  port: 5432,
  username: "postgres",
  password: adminPassword,
  database: "postgres",
  superuser: true,
  sslmode: "disable",
  connectTimeout: 10,
});
const onServer = { provider: server, retainOnDelete: true };
const role = new postgresql.Role(
  "role",
  { name: "pulsar_manager", login: true, password: databasePassword, skipReassignOwned: true },
  { ...onServer, dependsOn: names },
);
const database = new postgresql.Database("database", { name: "pulsar_manager", owner: role.name }, onServer);
const inDatabase = { ...onServer, deletedWith: database };
const schema = new postgresql.Schema(
  "schema",
  { name: "public", database: database.name, owner: role.name, ifNotExists: true, dropCascade: false },
  inDatabase,
);
const grantDatabase = new postgresql.Grant(
  "grant-database",
  {
    role: role.name,
    database: database.name,
    objectType: "database",
    privileges: ["CONNECT", "CREATE", "TEMPORARY"],
  },
  { ...inDatabase, dependsOn: schema },
);
const grantSchema = new postgresql.Grant(
  "grant-schema",
  {
    role: role.name,
    database: database.name,
    schema: schema.name,
    objectType: "schema",
    privileges: ["CREATE", "USAGE"],
  },
  { ...inDatabase, dependsOn: grantDatabase },
);
const tables = new ManagerTables(
  "tables",
  {
    host: "postgres.example.com",
    port: 5432,
    database: "pulsar_manager",
    user: "pulsar_manager",
    password: databasePassword,
    tls: "disable",
    schemaVersion: "v0.2.0",
    sql: readFileSync(new URL("../../../model/managerSchemas/pulsar-manager-v0.2.0.sql", import.meta.url), "utf8"),
    tables: [
      "environments",
      "topics_stats",
      "publishers_stats",
      "replications_stats",
      "subscriptions_stats",
      "consumers_stats",
      "tokens",
      "users",
      "roles",
      "tenants",
      "namespaces",
      "role_binding",
    ],
    deleteTables: false,
  },
  { dependsOn: grantSchema, deletedWith: database },
);

const managerAccount = new k8s.core.v1.Secret(
  "manager-database",
  {
    metadata: { name: "pulsar-manager-database", namespace },
    type: "Opaque",
    stringData: {
      PULSAR_MANAGER_ADMIN_USER: "pulsar_manager",
      PULSAR_MANAGER_ADMIN_PASSWORD: databasePassword,
    },
  },
  inCluster,
);
const defaultAccount = new k8s.core.v1.ServiceAccountPatch(
  "default-account",
  { metadata: { name: "default", namespace }, imagePullSecrets: [{ name: "regsecret" }] },
  inCluster,
);
const scheduled = (replicaCount: number) => ({ replicaCount, nodeSelector: labels, tolerations });
const disk = (size: string) => ({ local_storage: true, size, storageClassName: "local-storage" });
const release = new k8s.helm.v3.Release(
  "pulsar",
  {
    name: "pulsar",
    namespace,
    ...(chartPath === undefined
      ? { chart: "pulsar", version: "2.7.7", repositoryOpts: { repo: "https://pulsar.apache.org/charts" } }
      : { chart: chartPath }),
    values: {
      initialize: true,
      clusterDomain: "cluster.local",
      auth: {
        authentication: { enabled: true, provider: "jwt", jwt: { usingSecretKey: false } },
        authorization: { enabled: true },
        superUsers: { broker: "broker-admin", proxy: "proxy-admin", client: "admin" },
      },
      components: {
        autorecovery: true,
        bookkeeper: true,
        broker: true,
        functions: true,
        proxy: true,
        pulsar_manager: true,
        toolset: true,
        zookeeper: true,
      },
      monitoring: { prometheus: false, grafana: false, node_exporter: false, alert_manager: false },
      volumes: { local_storage: true },
      zookeeper: { ...scheduled(3), volumes: { data: disk("20Gi") } },
      bookkeeper: { ...scheduled(3), volumes: { journal: disk("50Gi"), ledgers: disk("50Gi") } },
      broker: {
        ...scheduled(3),
        affinity: { anti_affinity: true, type: "requiredDuringSchedulingIgnoredDuringExecution" },
        configData: {
          managedLedgerDefaultEnsembleSize: "2",
          managedLedgerDefaultWriteQuorum: "2",
          managedLedgerDefaultAckQuorum: "2",
        },
      },
      proxy: {
        ...scheduled(3),
        service: { type: "ClusterIP" },
        configData: { PULSAR_PREFIX_authenticateMetricsEndpoint: "false" },
      },
      autorecovery: scheduled(1),
      toolset: scheduled(1),
      pulsar_manager: {
        ...scheduled(1),
        service: { type: "ClusterIP" },
        existingSecretName: "pulsar-manager-database",
        configData: {
          DRIVER_CLASS_NAME: "org.postgresql.Driver",
          URL: "jdbc:postgresql://postgres.example.com:5432/pulsar_manager",
          LOG_LEVEL: "INFO",
          JWT_TOKEN: "secretKeyRef:pulsar-token-admin/TOKEN",
        },
      },
      images: {
        imagePullSecrets: ["regsecret"],
        autorecovery: pulsarImage,
        bookie: pulsarImage,
        broker: pulsarImage,
        functions: pulsarImage,
        proxy: pulsarImage,
        pulsar_manager: managerImage,
        zookeeper: pulsarImage,
      },
      pulsar_metadata: { component: "pulsar-init", image: pulsarImage },
    },
    postrender: "../../../model/charts/line27/postrender",
    description: "chart 2.7.7",
    timeout: 1800,
    waitForJobs: true,
    maxHistory: 10,
  },
  {
    provider,
    dependsOn: [
      contract,
      ...marks,
      home,
      pullSecret,
      key,
      keySecret,
      ...tokens.map(({ secret }) => secret),
      storageClass,
      ...volumes,
      ...jobs,
      tables,
      managerAccount,
      defaultAccount,
    ],
    customTimeouts: { create: "35m", update: "35m", delete: "35m" },
  },
);

new TokenRollout(
  "token-rollout",
  {
    cluster: {},
    namespace: "pulsar",
    release: "pulsar",
    key: pulumi.interpolate`asymmetric ${key.publicKeyFingerprintSha256}`,
    secrets: [
      "pulsar-token-asymmetric-key",
      "pulsar-token-broker-admin",
      "pulsar-token-proxy-admin",
      "pulsar-token-admin",
    ],
    limitMinutes: 30,
  },
  { dependsOn: [keySecret, ...tokens.map(({ secret }) => secret), release] },
);

const login = new k8s.core.v1.Secret(
  "manager-setup-requests",
  {
    metadata: { name: "pulsar-manager-setup", namespace: "pulsar" },
    type: "Opaque",
    stringData: {
      "login.json": managerPassword.apply((password) => JSON.stringify({ username: "admin", password })),
      "superuser.json": managerPassword.apply((password) =>
        JSON.stringify({ name: "admin", password, description: "", email: "admin@example.com" }),
      ),
      "environment.json": JSON.stringify({ name: "pulsar", broker: "http://pulsar-broker:8080" }),
    },
  },
  { provider, dependsOn: release },
);
const seal = new tls.PrivateKey("manager-setup-seal", { algorithm: "ECDSA", ecdsaCurve: "P256" });

const script = (file: string) => readFileSync(new URL(`../../../components/scripts/${file}`, import.meta.url), "utf8");
function job(
  task: string,
  file: string,
  env: Record<string, string>,
  secretName: string,
  dependsOn: pulumi.Resource[],
) {
  new k8s.batch.v1.Job(
    `${task}-job`,
    {
      metadata: { name: `pulsar-${task}`, namespace: "pulsar" },
      spec: {
        backoffLimit: 1,
        template: {
          spec: {
            restartPolicy: "Never",
            nodeSelector: labels,
            tolerations,
            imagePullSecrets: [{ name: "regsecret" }],
            automountServiceAccountToken: false,
            containers: [
              {
                name: task,
                image: `${pulsarImage.repository}:${pulsarImage.tag}`,
                command: ["sh", "-c"],
                args: [script(file)],
                env: Object.entries(env).map(([name, value]) => ({ name, value })),
                terminationMessagePolicy: "FallbackToLogsOnError",
                volumeMounts: [{ name: "secret", mountPath: "/secret", readOnly: true }],
              },
            ],
            volumes: [{ name: "secret", secret: { secretName } }],
          },
        },
      },
    },
    { provider, dependsOn },
  );
}
const page = "http://pulsar-pulsar-manager.pulsar.svc:9527";
job("manager-setup", "managerSetup.sh", { MANAGER_URL: page, REQUESTS: "/secret" }, "pulsar-manager-setup", [
  login,
  seal,
]);
const proxy = { ADMIN_URL: "http://pulsar-proxy.pulsar.svc:80", SERVICE_URL: "pulsar://pulsar-proxy.pulsar.svc:6650" };
job("smoke-test", "smokeTest.sh", { ...proxy, TOKEN_FILE: "/secret/TOKEN" }, "pulsar-token-admin", [release]);

export const status = release.status.status;
export const adminToken = tokens[2]?.token;
