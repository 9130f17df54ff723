import { type Placement, zoneLabel } from "../../layouts/layout.ts";
import { amount, type PodSize } from "../../sizing.ts";
import type { PulsarCluster, Values } from "../cluster.ts";
import { imageValues } from "../images.ts";
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
import { fromSecret, podSpecAnnotation } from "./markers.ts";

/**
 * The values of chart 2.7.7 for a cluster. They have the effect of the reference deployment's values.yaml, except: Services are ClusterIP
 * (Helm's wait never ends for a pending LoadBalancer), the manager has a selector and tolerations, and its token and database password come
 * from Secrets.
 *
 * The chart has no values schema and ignores a misspelled key, so tests render a chart with these values.
 */
export function values(cluster: PulsarCluster): Values {
  const { placements, pods, images, tokens, volumes, racks, manager, tls } = cluster;
  const pulsarImage = imageValues(images.pulsar);
  const volume = (size: string) => localVolume(size, volumes.storageClass.name);

  return {
    // Always on. A Job's template is immutable (chart 2.7.7: no hooks, no TTL), so the post-renderer names each Job after its template. Both
    // Jobs do not change an initialized cluster.
    initialize: true,
    clusterDomain: cluster.clusterDomain,
    auth: {
      authentication: { enabled: true, provider: "jwt", jwt: { usingSecretKey: tokens.keys === "symmetric" } },
      authorization: { enabled: true },
      // The chart lists every entry.
      superUsers: superUsers(tokens),
    },
    ...(tls && { tls: tlsEverywhere }),
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
    zookeeper: {
      ...placedPods(placements.zookeeper, pods.zookeeper),
      ...configured({ ...memory("PULSAR_MEM", pods.zookeeper), ...zookeeperTls(cluster) }),
      volumes: { data: volume(volumes.sizes["zookeeper-data"]) },
    },
    bookkeeper: {
      ...placedPods(placements.bookkeeper, pods.bookkeeper),
      // The chart also gives a bookie's configuration to the init containers of brokers and Jobs (2.7.7). On a smaller node their JVM would
      // not start with a bookie's heap.
      ...configured({
        ...memory("PULSAR_MEM", pods.bookkeeper, false),
        ...bookieCaches(pods.bookkeeper),
        ...bookieTls(cluster),
      }),
      volumes: { journal: volume(volumes.sizes["bookie-journal"]), ledgers: volume(volumes.sizes["bookie-ledgers"]) },
    },
    broker: {
      ...placedPods(placements.broker, pods.broker),
      ...brokers(cluster),
    },
    proxy: {
      ...placedPods(placements.proxy, pods.proxy),
      service: proxyService(cluster),
      ...proxies(cluster),
    },
    autorecovery: {
      ...placedPods(placements.autorecovery, pods.autorecovery),
      ...configured({
        ...memory("BOOKIE_MEM", pods.autorecovery),
        // The recovery chooses bookies itself: without the brokers' rack map it could put all copies into one rack (class of Pulsar 2.7; 2.10
        // and later have another).
        ...(racks
          ? { PULSAR_PREFIX_reppDnsResolverClass: "org.apache.pulsar.zookeeper.ZkBookieRackAffinityMapping" }
          : {}),
        ...bookkeeperClientTls(cluster, "autorecovery"),
      }),
    },
    toolset: {
      ...placedPods(placements.toolset, pods.toolset),
      ...configured({ ...memory("PULSAR_MEM", pods.toolset), ...toolsetTls(cluster) }),
    },
    pulsar_manager: {
      ...placedPods(placements.manager, pods.manager),
      service: { type: "ClusterIP" },
      // In this chart "admin" is the database user, not the login (apache/pulsar-helm-chart#31).
      existingSecretName: manager.secret,
      configData: { ...managerSettings(cluster), JWT_TOKEN: fromSecret(manager.token) },
    },
    images: {
      ...(images.pullSecret === undefined ? {} : { imagePullSecrets: [images.pullSecret] }),
      autorecovery: pulsarImage,
      bookie: pulsarImage,
      broker: pulsarImage,
      functions: pulsarImage,
      proxy: pulsarImage,
      pulsar_manager: imageValues(images.manager),
      zookeeper: pulsarImage,
    },
    pulsar_metadata: { component: "pulsar-init", image: pulsarImage },
  };
}

/** The values that every component has: number of pods, placement and size. */
function placedPods({ replicas, nodeSelector, tolerations, overZones }: Placement, size: PodSize): Values {
  const more: Values = {
    ...(size.priorityClass === undefined ? {} : { priorityClassName: size.priorityClass }),
    // The post-renderer adds the selector.
    ...(overZones ? { topologySpreadConstraints: [evenSpread(zoneLabel)] } : {}),
  };
  return {
    replicaCount: replicas,
    nodeSelector,
    tolerations: tolerations.map((toleration) => ({ ...toleration })),
    ...resources(size),
    ...(Object.keys(more).length === 0 ? {} : { annotations: { [podSpecAnnotation]: JSON.stringify(more) } }),
  };
}

/**
 * The bookie's caches as fractions of its direct memory, like BookKeeper's own defaults: a quarter each for writes and for read-ahead, a tenth
 * for RocksDB's blocks. The chart sets them to 32 MB, 32 MB and 8 MB (2.7.7).
 */
function bookieCaches({ direct }: PodSize): Values {
  if (direct === undefined) return {};
  const megabytes = (share: number) => String(Math.floor((amount(direct) * share) / 2 ** 20));
  return {
    dbStorage_writeCacheMaxSizeMb: megabytes(0.25),
    dbStorage_readAheadCacheMaxSizeMb: megabytes(0.25),
    dbStorage_rocksDB_blockCacheSize: String(Math.floor(amount(direct) * 0.1)),
  };
}
