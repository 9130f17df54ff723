/**
 * Wiring only: settings in, components, outputs. `settings/` says what a setting means, each component's own file says what it creates.
 */
import * as pulumi from "@pulumi/pulumi";
import { BookieRacks } from "./components/bookieRacks.ts";
import { clusterProvider } from "./components/clusterProvider.ts";
import { dependencies } from "./components/dependencies.ts";
import { issuedTls } from "./components/issuedTls.ts";
import { JwtAuth } from "./components/jwtAuth.ts";
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
import { PulsarTenants } from "./components/pulsarTenants.ts";
import { SmokeTest } from "./components/smokeTest.ts";
import { imageRef } from "./model/charts/images.ts";
import { allTolerations } from "./model/layouts/layout.ts";
import { caSecret } from "./model/tls.ts";
import { applicationsOf, tokenSecret } from "./model/tokens.ts";
import { AuthorityContract } from "./resources/kubernetes/authorityContract.ts";
import { ownObjects } from "./resources/kubernetes/ownership.ts";
import { certificateRollout, SecretRollout, tokenRollout } from "./resources/kubernetes/secretRollout.ts";
import { VolumeContract } from "./resources/kubernetes/volumeContract.ts";
import { policySettings } from "./settings/policies.ts";
import { stackSettings, warnOfEnds } from "./settings/settings.ts";

const settings = stackSettings();
const { cluster, clusterDomain, release, images, tokens, claims, managerDatabase, production, monitoring } = settings;
const { line, layout, plannedVolumes, racks } = settings;
const { pullSecret } = images;

const stack = `${pulumi.getOrganization()}/${pulumi.getProject()}/${pulumi.getStack()}`;
ownObjects(cluster, stack, release);
const provider = clusterProvider(cluster);

// First of all resources: it refuses a change that would separate a pod from its data before anything is changed.
const contract = new VolumeContract("volume-contract", settings);
const authorities =
  settings.tls.enabled && settings.tls.issuer === "stack"
    ? new AuthorityContract("tls-authorities", settings.tls, { dependsOn: contract })
    : undefined;
const contracts = dependencies(contract, authorities);
const afterContract = { provider, dependsOn: contracts };

const nodes = new NodePlan("nodes", { layout, cluster, owner: stack }, { dependsOn: contracts });

const pulsarNamespace = new PulsarNamespace(
  "namespace",
  {
    name: settings.namespace,
    create: settings.createNamespace,
    protect: production,
    pullSecret,
    pullCredentials: settings.imagePullCredentials,
  },
  afterContract,
);
const namespace = pulsarNamespace.namespaceName;

const auth = new JwtAuth("auth", { ...tokens, ...claims, namespace, release, protect: production }, afterContract);
const clientToken = tokenSecret(release, tokens.roles.client);

const tls = issuedTls(
  "tls",
  { ...settings.tls, namespace, installation: settings, cluster, protect: production },
  afterContract,
);
warnOfEnds(tls?.ends ?? [], settings.tls.warnDays);

const job = { namespace, release, image: imageRef(images.pulsar), pullSecret, placement: layout.placements.init };

const volumes = new LocalVolumes(
  "volumes",
  {
    namespace,
    release,
    volumes: plannedVolumes,
    protect: production,
    moved: settings.movedVolumes.map(({ pod }) => pod),
    storageClass: settings.volumes.storageClass,
    directories: settings.volumes.createDirectories
      ? {
          ...job,
          tolerations: allTolerations(layout),
          dependsOn: (node) => [nodes.marks.get(node) ?? nodes, pulsarNamespace],
        }
      : undefined,
  },
  afterContract,
);

const database = new ManagerDatabase(
  "manager-database",
  { ...managerDatabase, managerVersion: images.manager.tag, protect: production },
  { dependsOn: contracts },
);

const access = { ...settings.networkPolicies, databasePort: managerDatabase.port };
const networkPolicies = settings.networkPolicies.enabled
  ? new NetworkPolicies("network", { namespace, release, line, tls: tls?.secrets, access }, afterContract)
  : undefined;

const podMonitors = monitoring.podMonitors
  ? new PodMonitors("pod-monitors", { namespace, release, line, cluster, ...monitoring }, afterContract)
  : undefined;

const prerequisites = dependencies(nodes, pulsarNamespace, auth, tls, volumes, networkPolicies, podMonitors);

const pulsar = new PulsarRelease(
  "pulsar",
  {
    namespace,
    release,
    chart: settings.chart,
    kubernetes: { cluster, namespace: settings.namespace },
    cluster: {
      ...settings,
      placements: layout.placements,
      tls: tls?.secrets,
      manager: {
        jdbcUrl: database.jdbcUrl,
        token: tokenSecret(release, tokens.roles.manager ?? tokens.roles.client),
      },
    },
    managerCredentials: { database: managerDatabase, login: settings.managerLogin },
    values: settings.values,
    prerequisites: [...prerequisites, database.ready],
  },
  afterContract,
);
const afterRelease = { provider, dependsOn: pulsar };

const restarted = { cluster, namespace: settings.namespace, release, limitMinutes: settings.chart.timeoutMinutes };
const rollout = new SecretRollout(
  "token-rollout",
  { ...restarted, ...tokenRollout(auth.fingerprint, tokens.expires), secrets: auth.heldByPods },
  { dependsOn: [auth, pulsar] },
);

const ca = tls && caSecret(release);
const tlsRollout =
  tls &&
  new SecretRollout(
    "tls-rollout",
    {
      ...restarted,
      ...certificateRollout(tls.fingerprint),
      secrets: [tls.secrets.ca, ...Object.values(tls.secrets.components)],
    },
    { dependsOn: [tls, rollout] },
  );
// Once more after the restart of the pods: an update that failed before it has not prepared the pods.
const applied =
  authorities &&
  new AuthorityContract("tls-authorities-applied", settings.tls, { dependsOn: dependencies(tlsRollout) });
// Brokers and proxies accept tokens of a new key only after their restart.
const ready = dependencies(pulsar, rollout, tlsRollout);

const rackJob = racks
  ? new BookieRacks(
      "bookie-racks",
      { ...job, clusterDomain, racks, adminUrl: pulsar.addresses.admin, token: clientToken, ca },
      afterRelease,
    )
  : undefined;

const tenants =
  settings.tenants.length > 0
    ? new PulsarTenants(
        "tenants",
        {
          tenants: settings.tenants,
          cluster,
          kubernetesNamespace: settings.namespace,
          release,
          deletedWith: pulsar.release,
          token: clientToken,
          adminApi: settings.adminApi,
          ca,
        },
        { dependsOn: ready },
      )
    : undefined;

const managerSetup =
  line.manager.setUpBy === "stack"
    ? new ManagerSetup(
        "manager-setup",
        { ...job, managerUrl: pulsar.addresses.manager, login: settings.managerLogin, tls: tls !== undefined },
        afterRelease,
      )
    : undefined;

// After the manager's login: until there is one, anybody who reaches the manager can create it.
const pulsarIngress = settings.ingress
  ? new PulsarIngress(
      "ingress",
      { namespace, release, tls: tls?.secrets, ...settings.ingress },
      { provider, dependsOn: dependencies(pulsar, managerSetup) },
    )
  : undefined;

const smokeTest = settings.smokeTest
  ? new SmokeTest(
      "smoke-test",
      {
        ...job,
        addresses: pulsar.addresses,
        token: clientToken,
        ca,
        revisions: [pulsar.revision, auth.fingerprint, tls?.fingerprint],
      },
      { provider, dependsOn: dependencies(...ready, rackJob) },
    )
  : undefined;

const others = [database, applied, rackJob, managerSetup, tenants, pulsarIngress, smokeTest];
if (production) new ProductionGuard("production-guard", dependencies(...prerequisites, ...ready, ...others));

/** Replicas and nodes of each component. */
export const placement = nodes.table;
/** What the policies check the stack against; see docs/policies.md. */
export const policies = policySettings(settings);
/** Requests and limits of each component's pods; empty where the chart's defaults apply. */
export const pods = settings.pods;
/** Addresses inside the cluster. */
export const services = pulsar.addresses;
/** The certificates of the CAs that clients must trust, in PEM. */
export const caCertificate = tls?.caCertificate;
/** Addresses outside the cluster, for each host in `pulsar:ingress`. */
export const ingress = pulsarIngress?.addresses ?? {};
/** Names of the Secrets with the tokens, by role. */
export const tokenSecrets = auth.secretNames.tokens;
/** The administrators' token: `pulumi stack output --show-secrets adminToken`. */
export const adminToken = auth.tokens.apply((byRole) => byRole[tokens.roles.client]);
/** What each application needs to connect from inside the cluster, by role. The Secret's key `TOKEN` holds its token. */
export const applications = pulsar.addresses.apply((addresses) => applicationsOf(claims.clients, settings, addresses));
/** The applications' tokens, by role; secret. */
export const clientTokens = auth.clientTokens;
