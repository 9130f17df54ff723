/**
 * The architecture on one page: settings in, components wired, outputs out. Nothing is decided here; what a setting means is in
 * settings.ts, what a component makes is in its file.
 */
import * as k8s from "@pulumi/kubernetes";
import * as pulumi from "@pulumi/pulumi";
import { JwtAuth, tokenSecret } from "./components/jwtAuth.ts";
import { mixedLayout } from "./components/layouts/mixed.ts";
import { LocalVolumes } from "./components/localVolumes.ts";
import { ManagerDatabase } from "./components/managerDatabase.ts";
import { NodePlan } from "./components/nodePlan.ts";
import { PulsarNamespace } from "./components/pulsarNamespace.ts";
import { PulsarRelease } from "./components/pulsarRelease.ts";
import { releaseHooks } from "./components/resources/helmRecord.ts";
import { ownObjects } from "./components/resources/ownership.ts";
import { planVolumes } from "./components/volumes.ts";
import { stackSettings } from "./settings.ts";

const settings = stackSettings();
const layout = mixedLayout(settings);
const { cluster, namespace, release, images, tokens, managerDatabase } = settings;

const stack = `${pulumi.getOrganization()}/${pulumi.getProject()}/${pulumi.getStack()}`;
ownObjects(cluster, stack);
const provider = new k8s.Provider("cluster", {
  ...cluster,
  // Named after the stack, so that a kubeconfig that moved or a renamed context is taken for the same cluster and replaces nothing.
  clusterIdentifier: stack,
  // Only together with ownObjects, which refuses what is not this stack's.
  upsertExistingObjects: true,
});

const nodes = new NodePlan("nodes", { layout, cluster });

const home = new PulsarNamespace(
  "namespace",
  {
    name: namespace,
    create: settings.createNamespace,
    pullSecret: images.pullSecret,
    pullCredentials: settings.imagePullCredentials,
  },
  { provider },
);

const auth = new JwtAuth(
  "auth",
  {
    namespace: home.namespaceName,
    release,
    keys: tokens.keys,
    roles: [...Object.values(tokens.roles), ...tokens.otherRoles],
  },
  { provider },
);

const volumes = new LocalVolumes(
  "volumes",
  {
    namespace: home.namespaceName,
    release,
    volumes: planVolumes({ ...settings, ...settings.volumes, placements: layout.placements }),
    storageClass: settings.volumes.storageClass,
    directories: settings.volumes.createDirectories
      ? {
          image: `${images.pulsar.repository}:${images.pulsar.tag}`,
          pullSecret: images.pullSecret,
          tolerations: layout.placements.bookkeeper.tolerations,
          after: [nodes, home],
        }
      : undefined,
  },
  { provider },
);

const database = new ManagerDatabase("manager-database", {
  connection: managerDatabase,
  admin: managerDatabase.admin,
  database: managerDatabase.name,
  role: managerDatabase.user,
  rolePassword: managerDatabase.password,
  managerVersion: images.manager.tag,
  create: managerDatabase.create,
  deleteData: managerDatabase.deleteData,
});

const pulsar = new PulsarRelease(
  "pulsar",
  {
    namespace: home.namespaceName,
    release,
    chart: settings.chart,
    cluster: {
      placements: layout.placements,
      images,
      auth: { symmetric: tokens.keys === "symmetric", superUsers: tokens.roles },
      volumes: { storageClass: settings.volumes.storageClass.name, sizes: settings.volumes.sizes },
      manager: {
        jdbcUrl: database.jdbcUrl,
        token: tokenSecret(release, tokens.roles.client),
      },
    },
    managerCredentials: { user: managerDatabase.user, password: managerDatabase.password },
    values: settings.values,
    after: [nodes, home, auth, volumes, database.ready],
    hooks: releaseHooks(cluster, namespace, release, images.pullSecret),
  },
  { provider },
);

/** Which component runs how often, and on which nodes. */
export const placement = nodes.table;
/** Addresses inside the cluster. */
export const services = pulsar.addresses;
/** Names of the Secrets with the tokens, by role. */
export const tokenSecrets = auth.secretNames.tokens;
/** The token of the administrators' role; `pulumi stack output --show-secrets adminToken`. */
export const adminToken = auth.tokens.apply((all) => all[tokens.roles.client]);
