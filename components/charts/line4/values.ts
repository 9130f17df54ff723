import { type Placement, zoneLabel } from "../../layouts/layout.ts";
import type { PodSize } from "../../sizing.ts";
import type { PulsarCluster, Values } from "../cluster.ts";
import { imageValues, inRegistry } from "../images.ts";
import { fullName } from "../names.ts";
import {
  brokers,
  configured,
  evenly,
  localVolume,
  managerSettings,
  memory,
  proxies,
  resources,
  superUsers,
} from "../parts.ts";

/**
 * The values of chart 4.7.0 for a cluster. The chart has no values schema: a misspelt or outdated key is silently ignored, so a test holds
 * every key against the chart's.
 */
export function values(cluster: PulsarCluster): Values {
  const { release, placements, sizes, images, auth, volumes, racks, manager } = cluster;
  const pods = (component: string, placement: Placement, size: PodSize) => ({
    ...placed(placement),
    replicaCount: placement.replicas,
    ...resources(size),
    ...(size.priorityClass === undefined ? {} : { priorityClassName: size.priorityClass }),
    ...(placement.overZones
      ? { topologySpreadConstraints: [{ ...evenly(zoneLabel), labelSelector: podsOf(release, component) }] }
      : {}),
  });
  const pulsarImage = imageValues(images.pulsar);
  const volume = (size: string) => localVolume(size, volumes.storageClass);

  return {
    // Always on: by itself the chart has the init Jobs only in the very first install, and one that failed would never be initialised. The
    // post-renderer names each Job after its template. All three leave an initialised cluster as it is.
    initialize: true,
    clusterDomain: cluster.clusterDomain,
    // `jwt.enabled`, which 2.7.7 did not have, is what mounts the tokens; `provider`, which it had, is not read any more.
    auth: {
      authentication: { enabled: true, jwt: { enabled: true, usingSecretKey: auth.symmetric } },
      authorization: { enabled: true },
      // The chart finds the manager's token by its role.
      superUsers: superUsers(auth),
      useProxyRoles: true,
    },
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
    // Monitoring that is there already finds the pods by their annotations, which they have where there is no PodMonitor.
    "victoria-metrics-k8s-stack": { enabled: false },
    rbac: { limit_to_namespace: true },
    volumes: { local_storage: true },
    zookeeper: {
      ...pods("zookeeper", placements.zookeeper, sizes.zookeeper),
      ...configured(memory("PULSAR_MEM", sizes.zookeeper)),
      ...unmonitored,
      ...bornHere,
      volumes: { data: volume(volumes.sizes["zookeeper-data"]) },
    },
    bookkeeper: {
      ...pods("bookie", placements.bookkeeper, sizes.bookkeeper),
      // Bookies cut their caches from the direct memory themselves (Pulsar 4.0, conf/bookkeeper.conf).
      ...configured(memory("PULSAR_MEM", sizes.bookkeeper)),
      ...unmonitored,
      volumes: { journal: volume(volumes.sizes["bookie-journal"]), ledgers: volume(volumes.sizes["bookie-ledgers"]) },
    },
    broker: {
      ...pods("broker", placements.broker, sizes.broker),
      ...unmonitored,
      ...bornHere,
      ...brokers(cluster),
    },
    proxy: {
      ...pods("proxy", placements.proxy, sizes.proxy),
      ...unmonitored,
      service: { type: "ClusterIP" },
      ...proxies(cluster),
    },
    autorecovery: {
      ...pods("recovery", placements.autorecovery, sizes.autorecovery),
      ...unmonitored,
      ...configured({ ...memory("BOOKIE_MEM", sizes.autorecovery), ...rackMap(release, racks) }),
    },
    toolset: {
      ...pods("toolset", placements.toolset, sizes.toolset),
      ...configured(memory("PULSAR_MEM", sizes.toolset)),
    },
    pulsar_manager: {
      ...pods("pulsar-manager", placements.manager, sizes.manager),
      service: { type: "ClusterIP" },
      // Its disk would only hold the PostgreSQL inside its image, which stays off where URL names another.
      volumes: { persistence: false },
      // Otherwise the chart makes passwords of its own, and keeps the first ones for ever.
      admin: { existingSecret: manager.secret },
      configData: managerSettings(cluster),
      ...frontEnd(manager),
    },
    // What all but the manager run, Jobs included.
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

/** The chart's PodMonitors are of a kind that few clusters know, and an install fails on where it is unknown. */
const unmonitored: Values = { podMonitor: { enabled: false } };

/**
 * Without the hooks that delete a StatefulSet before an upgrade from a chart before 4.6: such an upgrade is no way of this program, and their
 * pods have neither pull secret nor toleration.
 */
const bornHere: Values = { statefulsetUpgrade: { enabled: false } };

/** Images that the chart names by itself. Nothing here runs them, but what is switched on in the settings' values comes from the same registry. */
function hidden(registry: string | undefined): Values {
  if (registry === undefined) return {};
  const named = { kubectl: "alpine/k8s", dekaf: "visortelle/dekaf", oxia: "oxia/oxia" };
  return Object.fromEntries(
    Object.entries(named).map(([key, repository]) => [key, { repository: inRegistry(repository, registry) }]),
  );
}

/** The manager's nginx with a configuration of ours in place of the image's (pulsar-manager v0.2.0 and v0.4.0, docker/Dockerfile). */
function frontEnd({ frontEnd }: PulsarCluster["manager"]): Values {
  if (frontEnd === undefined) return {};
  const [name, file] = ["front-end", "default.conf"];
  return {
    extraVolumes: [{ name, configMap: { name: frontEnd } }],
    // As a single file (subPath), it stays what it was while the pod runs; the ConfigMap's name changes with what is in it.
    extraVolumeMounts: [{ name, mountPath: `/etc/nginx/conf.d/${file}`, subPath: file, readOnly: true }],
  };
}

function placed({ nodeSelector, tolerations }: Placement): Values {
  return { nodeSelector, tolerations: tolerations.map((toleration) => ({ ...toleration })) };
}

/** The labels of a component's pods, as its StatefulSet selects them. */
function podsOf(release: string, component: string): Values {
  return { matchLabels: { app: "pulsar", release, component } };
}

/**
 * The recovery picks bookies by itself: without the brokers' map of racks it would put all copies into one. The class that reads the map
 * cannot read the chart's `metadataServiceUri` (zk+hierarchical://) and then does without, saying so in the log alone
 * (apache/pulsar#24455); with the older names for the same ZooKeeper it can.
 */
function rackMap(release: string, racks: readonly string[] | undefined): Values {
  if (racks === undefined) return {};
  return {
    PULSAR_PREFIX_reppDnsResolverClass: "org.apache.pulsar.bookie.rackawareness.BookieRackAffinityMapping",
    metadataServiceUri: "",
    zkServers: `${fullName(release)}-zookeeper:2181`,
    zkLedgersRootPath: "/ledgers",
  };
}
