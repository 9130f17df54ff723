/**
 * The architecture on one page: settings in, components wired, outputs out. Nothing is decided here; what a setting means is in
 * settings.ts, what a component makes is in its file.
 */
import * as pulumi from "@pulumi/pulumi";
import { BookieRacks } from "./components/bookieRacks.ts";
import { JwtAuth, tokenSecret } from "./components/jwtAuth.ts";
import { imageRef } from "./model/charts/images.ts";
import { clusterProvider } from "./components/clusterProvider.ts";
import { allTolerations } from "./model/layouts/layout.ts";
import { LocalVolumes } from "./components/localVolumes.ts";
import { ManagerDatabase } from "./components/managerDatabase.ts";
import { ManagerSetup } from "./components/managerSetup.ts";
import { NetworkPolicies } from "./components/networkPolicies.ts";
import { NodePlan } from "./components/nodePlan.ts";
import { PodMonitors } from "./components/podMonitors.ts";
import { ProductionGuard } from "./components/productionGuard.ts";
import { PulsarIngress } from "./components/pulsarIngress.ts";
import { PulsarNamespace } from "./components/pulsarNamespace.ts";
import { PulsarRelease } from "./components/pulsarRelease.ts";
import { releaseHooks } from "./resources/kubernetes/helmRecord.ts";
import { ownObjects } from "./resources/kubernetes/ownership.ts";
import { podMonitorHook } from "./resources/kubernetes/podMonitorKind.ts";
import { TokenRollout } from "./resources/kubernetes/tokenRollout.ts";
import { VolumeContract } from "./resources/kubernetes/volumeContract.ts";
import { volumePlaceHooks } from "./resources/kubernetes/volumePlaces.ts";
import { SmokeTest } from "./components/smokeTest.ts";
import { PulsarTenants } from "./components/pulsarTenants.ts";
import { contractOf } from "./model/volumeMoves.ts";
import { stackSettings } from "./settings/settings.ts";

const settings = stackSettings();
const { cluster, clusterDomain, namespace, release, images, tokens, claims, managerDatabase, production } = settings;
const { line, layout, plannedVolumes, racks } = settings;
const pulsarImage = imageRef(images.pulsar);

const stack = `${pulumi.getOrganization()}/${pulumi.getProject()}/${pulumi.getStack()}`;
ownObjects(cluster, stack, release);
const provider = clusterProvider(cluster);

// Before all else: a change that would part a pod from its data is refused before anything is touched.
const contract = new VolumeContract(
  "volume-contract",
  contractOf({
    namespace,
    release,
    clusterDomain,
    storageClass: settings.volumes.storageClass.name,
    chartLine: line.name,
    volumes: plannedVolumes,
    accepted: settings.movedVolumes,
    production,
  }),
  {
    hooks: volumePlaceHooks(cluster, { volumes: plannedVolumes, nodes: settings.nodes, namespace: settings.namespace }),
  },
);
const afterContract = { provider, dependsOn: contract };

const nodes = new NodePlan("nodes", { layout, cluster, owner: stack }, { dependsOn: contract });

const home = new PulsarNamespace(
  "namespace",
  {
    name: namespace,
    create: settings.createNamespace,
    protect: production,
    pullSecret: images.pullSecret,
    pullCredentials: settings.imagePullCredentials,
  },
  afterContract,
);

const auth = new JwtAuth(
  "auth",
  {
    namespace: home.namespaceName,
    release,
    keys: tokens.keys,
    generation: tokens.generation,
    protect: production,
    ...claims,
  },
  afterContract,
);

const volumes = new LocalVolumes(
  "volumes",
  {
    namespace: home.namespaceName,
    release,
    volumes: plannedVolumes,
    protect: production,
    moved: settings.movedVolumes.map(({ pod }) => pod),
    storageClass: settings.volumes.storageClass,
    directories: settings.volumes.createDirectories
      ? {
          image: pulsarImage,
          pullSecret: images.pullSecret,
          tolerations: allTolerations(layout),
          after: (node) => [nodes.marks.get(node) ?? nodes, home],
        }
      : undefined,
  },
  afterContract,
);

const database = new ManagerDatabase(
  "manager-database",
  {
    connection: managerDatabase,
    admin: managerDatabase.admin,
    database: managerDatabase.name,
    role: managerDatabase.user,
    rolePassword: managerDatabase.password,
    managerVersion: images.manager.tag,
    create: managerDatabase.create,
    deleteData: managerDatabase.deleteData,
    protect: production,
  },
  { dependsOn: contract },
);

const network = settings.networkPolicies.enabled
  ? [
      new NetworkPolicies(
        "network",
        {
          namespace: home.namespaceName,
          release,
          line,
          access: { ...settings.networkPolicies, databasePort: managerDatabase.port },
        },
        afterContract,
      ),
    ]
  : [];

const podMonitors = settings.monitoring.podMonitors
  ? [
      new PodMonitors(
        "pod-monitors",
        {
          namespace: home.namespaceName,
          release,
          line,
          interval: settings.monitoring.interval,
          labels: settings.monitoring.labels,
          hook: podMonitorHook(cluster),
        },
        afterContract,
      ),
    ]
  : [];

const pulsar = new PulsarRelease(
  "pulsar",
  {
    namespace: home.namespaceName,
    release,
    chart: settings.chart,
    cluster: {
      clusterDomain,
      placements: layout.placements,
      sizes: settings.pods,
      images,
      auth: {
        symmetric: tokens.keys === "symmetric",
        publicAlgorithm: tokens.keys === "ecdsa" ? "ES256" : undefined,
        superUsers: tokens.roles,
      },
      volumes: { storageClass: settings.volumes.storageClass.name, sizes: settings.volumes.sizes },
      ledgers: settings.ledgers,
      racks,
      manager: {
        jdbcUrl: database.jdbcUrl,
        token: tokenSecret(release, tokens.roles.manager ?? tokens.roles.client),
      },
    },
    managerCredentials: pulumi.output({
      database: { user: managerDatabase.user, password: managerDatabase.password },
      login: settings.managerLogin,
    }),
    values: settings.values,
    after: [nodes, home, auth, volumes, database.ready, ...network, ...podMonitors],
    hooks: releaseHooks(cluster, namespace, release, images.pullSecret, {
      chart: settings.chart.version,
      ...line.kubernetes,
    }),
  },
  afterContract,
);

const tokenKey = pulumi.interpolate`${tokens.keys} ${auth.fingerprint}`;

const rollout = new TokenRollout(
  "token-rollout",
  {
    cluster,
    namespace,
    release,
    key: tokenKey,
    expires: tokens.expires,
    secrets: auth.heldByPods,
    limitMinutes: settings.chart.timeoutMinutes,
  },
  { dependsOn: [auth, pulsar] },
);

const rackJobs = racks
  ? [
      new BookieRacks(
        "bookie-racks",
        {
          namespace: home.namespaceName,
          release,
          clusterDomain,
          racks,
          adminUrl: pulsar.addresses.admin,
          token: tokenSecret(release, tokens.roles.client),
          image: pulsarImage,
          pullSecret: images.pullSecret,
          placement: layout.placements.init,
        },
        { provider, dependsOn: pulsar },
      ),
    ]
  : [];

const tenants =
  settings.tenants.length > 0
    ? [
        new PulsarTenants(
          "tenants",
          {
            tenants: settings.tenants,
            cluster,
            kubernetesNamespace: namespace,
            release,
            livesIn: pulsar.release,
            token: tokenSecret(release, tokens.roles.client),
            adminApi: settings.adminApi,
          },
          // A token of another key is accepted only once the brokers and proxies have been restarted for it.
          { dependsOn: [pulsar, rollout] },
        ),
      ]
    : [];

const managerSetups =
  line.manager.setUpBy === "stack"
    ? [
        new ManagerSetup(
          "manager-setup",
          {
            namespace: home.namespaceName,
            release,
            managerUrl: pulsar.addresses.manager,
            login: settings.managerLogin,
            image: pulsarImage,
            pullSecret: images.pullSecret,
            placement: layout.placements.init,
          },
          { provider, dependsOn: pulsar },
        ),
      ]
    : [];

// Last: until the manager has its login, whoever reaches it could make one.
const ways = settings.ingress
  ? [
      new PulsarIngress(
        "ingress",
        { namespace: home.namespaceName, release, ...settings.ingress },
        { provider, dependsOn: [pulsar, ...managerSetups] },
      ),
    ]
  : [];

// Last, when all that it tests is as it will be.
const smokeTests = settings.smokeTest
  ? [
      new SmokeTest(
        "smoke-test",
        {
          namespace: home.namespaceName,
          release,
          addresses: pulsar.addresses,
          token: tokenSecret(release, tokens.roles.client),
          revision: pulumi.interpolate`${pulsar.revision} ${tokenKey}`,
          image: pulsarImage,
          pullSecret: images.pullSecret,
          placement: layout.placements.init,
        },
        { provider, dependsOn: [pulsar, rollout, ...rackJobs] },
      ),
    ]
  : [];

if (production) {
  const base = [nodes, home, auth, volumes, database, ...network, ...podMonitors, pulsar, rollout];
  new ProductionGuard("production-guard", [...base, ...rackJobs, ...managerSetups, ...tenants, ...ways, ...smokeTests]);
}

/** Which component runs how often, and on which nodes. */
export const placement = nodes.table;
/** What each component's pods ask for; nothing where the chart's own defaults hold. */
export const pods = settings.pods;
/** Addresses inside the cluster. */
export const services = pulsar.addresses;
/** Addresses from outside, where the settings name a host. */
export const ingress = ways[0]?.addresses ?? {};
/** Names of the Secrets with the tokens, by role. */
export const tokenSecrets = auth.secretNames.tokens;
/** The token of the administrators' role; `pulumi stack output --show-secrets adminToken`. */
export const adminToken = auth.tokens.apply((all) => all[tokens.roles.client]);
/** What an application needs to reach the cluster from inside, by its role; the Secret's key `TOKEN` is its token. */
export const applications = pulumi
  .all([pulsar.addresses, home.namespaceName])
  .apply(([{ proxy, admin }, where]) =>
    Object.fromEntries(
      claims.clients.map(({ role }) => [
        role,
        { serviceUrl: proxy, adminUrl: admin, secret: { namespace: where, name: auth.secretNames.tokens[role] } },
      ]),
    ),
  );
/** The tokens of the applications, by role; secret as well. */
export const clientTokens = auth.tokens.apply((all) =>
  Object.fromEntries(claims.clients.map(({ role }) => [role, all[role]])),
);
