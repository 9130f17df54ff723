import type { Placement } from "../../layouts/layout.ts";
import type { Image, PulsarCluster, SecretRef, Values } from "../cluster.ts";

/**
 * The values of chart 2.7.7 for a cluster; equal in effect to the seed's values.yaml (section 2.1), but for its slips: services are
 * ClusterIP (the seed's own advice, and Helm's wait never ends on a pending LoadBalancer), the manager has its selector and toleration, its
 * token and its database password come from Secrets.
 *
 * The chart has no values schema: a misspelt key is silently ignored, so tests render a chart with these values.
 */
export function values({ placements, images, auth, volumes, manager }: PulsarCluster): Values {
  const image = ({ repository, tag }: Image): Values => ({ repository, tag });
  const pulsarImage = image(images.pulsar);
  const volume = (size: string): Values => ({
    local_storage: true,
    size,
    // The chart says "local-storage" by itself where storage is local; an explicit name comes first.
    storageClassName: volumes.storageClass,
  });

  return {
    // Always on, although an upgrade with these Jobs fails on their immutable templates (chart 2.7.7, no hooks, no TTL): the post-renderer
    // names each Job after its template. Both Jobs leave an initialised cluster as it is.
    initialize: true,
    auth: {
      authentication: { enabled: true, provider: "jwt", jwt: { usingSecretKey: auth.symmetric } },
      authorization: { enabled: true },
      superUsers: auth.superUsers,
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
    zookeeper: {
      ...scheduling(placements.zookeeper),
      volumes: { data: volume(volumes.sizes["zookeeper-data"]) },
    },
    bookkeeper: {
      ...scheduling(placements.bookkeeper),
      volumes: { journal: volume(volumes.sizes["bookie-journal"]), ledgers: volume(volumes.sizes["bookie-ledgers"]) },
    },
    broker: {
      ...scheduling(placements.broker),
      // The chart only prefers another node for each broker, the layout says so.
      affinity: {
        anti_affinity: placements.broker.rule === "spread",
        type: "requiredDuringSchedulingIgnoredDuringExecution",
      },
    },
    proxy: {
      ...scheduling(placements.proxy),
      service: { type: "ClusterIP" },
      // The proxy guards /metrics once authentication is on, and 2.7's proxy.conf has no such line to override: hence the prefix.
      configData: { PULSAR_PREFIX_authenticateMetricsEndpoint: "false" },
    },
    autorecovery: scheduling(placements.autorecovery),
    toolset: scheduling(placements.toolset),
    pulsar_manager: {
      ...scheduling(placements.manager),
      service: { type: "ClusterIP" },
      // In this chart "admin" is the database's user, not the one who logs in (apache/pulsar-helm-chart#31).
      existingSecretName: manager.databaseSecret,
      configData: {
        DRIVER_CLASS_NAME: "org.postgresql.Driver",
        URL: manager.jdbcUrl,
        LOG_LEVEL: "INFO",
        JWT_TOKEN: fromSecret(manager.token),
      },
    },
    images: {
      ...(images.pullSecret === undefined ? {} : { imagePullSecrets: [images.pullSecret] }),
      autorecovery: pulsarImage,
      bookie: pulsarImage,
      broker: pulsarImage,
      functions: pulsarImage,
      proxy: pulsarImage,
      pulsar_manager: image(images.manager),
      zookeeper: pulsarImage,
    },
    pulsar_metadata: { component: "pulsar-init", image: pulsarImage },
  };
}

function scheduling({ replicas, nodeSelector, tolerations }: Placement): Values {
  return { replicaCount: replicas, nodeSelector, tolerations: tolerations.map((toleration) => ({ ...toleration })) };
}

const secretMark = "secretKeyRef:";

/**
 * A value of a component's configData that is to come from a Secret. The chart writes configData into a ConfigMap; the post-renderer
 * takes such a value out of it and hands it to the pods as an environment variable of that name.
 */
export function fromSecret({ secret, key }: SecretRef): string {
  return `${secretMark}${secret}/${key}`;
}

/** The Secret a configData value refers to, if it does. */
export function secretRef(value: unknown): SecretRef | undefined {
  if (typeof value !== "string" || !value.startsWith(secretMark)) return undefined;
  const [secret = "", key = ""] = value.slice(secretMark.length).split("/");
  return { secret, key };
}
