import { type Placement, zoneLabel } from "../../layouts/layout.ts";
import type { PodSize } from "../../sizing.ts";
import { podLabels, type PulsarCluster, type Values } from "../cluster.ts";
import { imageValues, inRegistry } from "../images.ts";
import { fullName } from "../names.ts";
import {
  bookieTls,
  bookkeeperClientTls,
  brokers,
  configured,
  evenSpread,
  localVolume,
  managerSettings,
  memory,
  proxies,
  proxyService,
  resources,
  superUsers,
  tlsEverywhere,
  toolsetTls,
  zookeeperTls,
} from "../parts.ts";

/**
 * The values of chart 4.7.0 for a cluster. The chart has no values schema and ignores a misspelled or outdated key, so a test compares every key
 * with the chart's.
 */
export function values(cluster: PulsarCluster): Values {
  const { release, placements, pods, images, tokens, volumes, manager, tls } = cluster;
  const placedPods = (component: string, placement: Placement, size: PodSize) => ({
    ...placed(placement),
    replicaCount: placement.replicas,
    ...resources(size),
    ...(size.priorityClass === undefined ? {} : { priorityClassName: size.priorityClass }),
    ...(placement.overZones && {
      topologySpreadConstraints: [
        { ...evenSpread(zoneLabel), labelSelector: { matchLabels: podLabels(release, component) } },
      ],
    }),
  });
  const pulsarImage = imageValues(images.pulsar);
  const volume = (size: string) => localVolume(size, volumes.storageClass.name);

  return {
    // Always on: by default the chart has the init Jobs only in the first install, so it would never initialize the cluster after a failed one. The
    // post-renderer names each Job after its template. All three do not change an initialized cluster.
    initialize: true,
    clusterDomain: cluster.clusterDomain,
    // `jwt.enabled` is new since 2.7.7 and mounts the tokens; `provider` is no longer read.
    auth: {
      authentication: { enabled: true, jwt: { enabled: true, usingSecretKey: tokens.keys === "symmetric" } },
      authorization: { enabled: true },
      // The chart finds the manager's token by its role.
      superUsers: superUsers(tokens),
      useProxyRoles: true,
    },
    ...(tls && {
      tls: { ...tlsEverywhere, function_instance: { enabled: true } },
      // The chart wants an issuer, although the post-renderer removes what refers to it.
      certs: { issuers: { ca: { name: tls.ca, secretName: tls.ca } } },
    }),
    components: {
      autorecovery: true,
      bookkeeper: true,
      broker: true,
      dekaf: false,
      function_worker: false,
      functions: false,
      oxia: false,
      proxy: true,
      pulsar_manager: true,
      toolset: true,
      zookeeper: true,
    },
    // Existing monitoring finds the pods by their annotations, which the chart adds if there is no PodMonitor.
    "victoria-metrics-k8s-stack": { enabled: false },
    rbac: { limit_to_namespace: true },
    volumes: { local_storage: true },
    zookeeper: {
      ...placedPods("zookeeper", placements.zookeeper, pods.zookeeper),
      ...configured({ ...memory("PULSAR_MEM", pods.zookeeper), ...zookeeperTls(cluster) }),
      ...unmonitored,
      ...withoutUpgradeHook,
      volumes: { data: volume(volumes.sizes["zookeeper-data"]) },
    },
    bookkeeper: {
      ...placedPods("bookie", placements.bookkeeper, pods.bookkeeper),
      // By default the caches are fractions of the direct memory (Pulsar 4.0, conf/bookkeeper.conf).
      ...configured({ ...memory("PULSAR_MEM", pods.bookkeeper), ...bookieTls(cluster) }),
      ...unmonitored,
      volumes: { journal: volume(volumes.sizes["bookie-journal"]), ledgers: volume(volumes.sizes["bookie-ledgers"]) },
    },
    broker: {
      ...placedPods("broker", placements.broker, pods.broker),
      ...unmonitored,
      ...withoutUpgradeHook,
      ...brokers(cluster),
    },
    proxy: {
      ...placedPods("proxy", placements.proxy, pods.proxy),
      ...unmonitored,
      service: proxyService(cluster),
      // The init container that waits for ZooKeeper cannot connect with TLS (4.7.0). The proxies themselves do not need ZooKeeper.
      ...(tls && { waitZookeeperTimeout: 0 }),
      ...proxies(cluster),
    },
    autorecovery: {
      ...placedPods("recovery", placements.autorecovery, pods.autorecovery),
      ...unmonitored,
      ...configured({
        ...memory("BOOKIE_MEM", pods.autorecovery),
        ...rackMap(cluster),
        ...bookkeeperClientTls(cluster, "autorecovery"),
      }),
    },
    toolset: {
      ...placedPods("toolset", placements.toolset, pods.toolset),
      ...configured({ ...memory("PULSAR_MEM", pods.toolset), ...toolsetTls(cluster) }),
    },
    pulsar_manager: {
      ...placedPods("pulsar-manager", placements.manager, pods.manager),
      service: { type: "ClusterIP" },
      // Only the PostgreSQL inside the image needs the disk. It does not start if URL names another server.
      volumes: { persistence: false },
      // Otherwise the chart generates passwords and keeps them permanently.
      admin: { existingSecret: manager.secret },
      configData: managerSettings(cluster),
      ...frontEnd(manager),
    },
    // The image of everything except the manager, including Jobs.
    defaultPulsarImageRepository: pulsarImage.repository,
    defaultPulsarImageTag: pulsarImage.tag,
    images: {
      ...(images.pullSecret === undefined ? {} : { imagePullSecrets: [images.pullSecret] }),
      pulsar_manager: imageValues(images.manager),
      ...hidden(images.registry),
    },
    pulsar_metadata: placed(placements.init),
  };
}

/** Few clusters have the kind PodMonitor, and an install fails where it is unknown. */
const unmonitored: Values = { podMonitor: { enabled: false } };

/**
 * Without the hooks that delete a StatefulSet before an upgrade from a chart before 4.6. This program does not support such an upgrade, and the
 * hooks' pods have neither pull secret nor tolerations.
 */
const withoutUpgradeHook: Values = { statefulsetUpgrade: { enabled: false } };

/** Images that nothing uses by default. What the settings' `values` switch on comes from the same registry. */
function hidden(registry: string | undefined): Values {
  if (registry === undefined) return {};
  const named = { kubectl: "alpine/k8s", dekaf: "visortelle/dekaf", oxia: "oxia/oxia" };
  return Object.fromEntries(
    Object.entries(named).map(([key, repository]) => [key, { repository: inRegistry(repository, registry) }]),
  );
}

/** Mounts our configuration of the manager's nginx over the image's (pulsar-manager v0.2.0 and v0.4.0, docker/Dockerfile). */
function frontEnd({ frontEnd }: PulsarCluster["manager"]): Values {
  if (frontEnd === undefined) return {};
  const [name, file] = ["front-end", "default.conf"];
  return {
    extraVolumes: [{ name, configMap: { name: frontEnd } }],
    // A single file (subPath) does not change while the pod runs. The ConfigMap's name changes with its content.
    extraVolumeMounts: [{ name, mountPath: `/etc/nginx/conf.d/${file}`, subPath: file, readOnly: true }],
  };
}

function placed({ nodeSelector, tolerations }: Placement): Values {
  return { nodeSelector, tolerations: tolerations.map((toleration) => ({ ...toleration })) };
}

/**
 * The recovery chooses bookies itself: without the brokers' rack map it could put all copies into one rack. The class that reads the map cannot
 * parse the chart's `metadataServiceUri` (zk+hierarchical://) and continues without, with only a log message (apache/pulsar#24455). It can read
 * the older settings for the same ZooKeeper.
 */
function rackMap({ release, racks, tls }: PulsarCluster): Values {
  if (racks === undefined) return {};
  return {
    PULSAR_PREFIX_reppDnsResolverClass: "org.apache.pulsar.bookie.rackawareness.BookieRackAffinityMapping",
    metadataServiceUri: "",
    zkServers: `${fullName(release)}-zookeeper:${tls ? 2281 : 2181}`,
    zkLedgersRootPath: "/ledgers",
  };
}
