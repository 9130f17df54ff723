import { amount, mebibytes, type PodSize } from "../sizing.ts";
import type { PulsarCluster, Values } from "./cluster.ts";
import { bookieRole } from "../tls.ts";
import { managerTrustStore } from "./managerTls.ts";
import { serviceSpecAnnotation } from "./serviceSpec.ts";

/** Parts of the values that are the same in both chart lines (2.7.7 and 4.7.0). */

/** The super users' roles, by purpose. */
export function superUsers({ roles: { broker, proxy, client, manager } }: PulsarCluster["tokens"]): Values {
  return { broker, proxy, client, ...(manager === undefined ? {} : { manager }) };
}

/** A volume of a StatefulSet, on a local disk. */
export function localVolume(size: string, storageClass: string): Values {
  // By default the chart uses "local-storage" for local storage. An explicit name takes precedence.
  return { local_storage: true, size, storageClassName: storageClass };
}

/** The pods' requests and limits, if they differ from the chart's. */
export function resources({ requests, limits }: PodSize): Values {
  const said = Object.entries({ requests, limits }).flatMap(([key, value]) =>
    value === undefined ? [] : [[key, defined(value)]],
  );
  return said.length === 0 ? {} : { resources: Object.fromEntries(said) as Values };
}

function defined(quantities: { cpu?: string | undefined; memory?: string | undefined }): Values {
  return Object.fromEntries(
    Object.entries<string | undefined>(quantities).flatMap(([name, quantity]) =>
      quantity === undefined ? [] : [[name, quantity]],
    ),
  );
}

/** A component's configuration, if there is any. */
export function configured(configData: Values): Values {
  return Object.keys(configData).length === 0 ? {} : { configData };
}

/**
 * The JVM's memory in the variable that the component's start script reads. Nothing without a heap: the chart's default holds.
 *
 * @param first whether the heap has its maximum size from the start
 */
export function memory(variable: string, { heap, direct }: PodSize, first = true): Values {
  if (heap === undefined) return {};
  const jvm = (quantity: string) => mebibytes(amount(quantity)).replace("Mi", "m");
  const outside = direct === undefined ? "" : ` -XX:MaxDirectMemorySize=${jvm(direct)}`;
  return { [variable]: `${first ? `-Xms${jvm(heap)} ` : ""}-Xmx${jvm(heap)}${outside}` };
}

/**
 * A domain may have at most one pod more than another. A domain whose nodes are all lost does not count, or its pods could not run anywhere
 * (Kubernetes 1.26, nodeTaintsPolicy). The caller adds the selector of the component's pods.
 */
export function evenSpread(topologyKey: string): Values {
  return { topologyKey, maxSkew: 1, whenUnsatisfiable: "DoNotSchedule", nodeTaintsPolicy: "Honor" };
}

/** The brokers' values: one per node if the layout requires it, how ledgers are written, how tokens are verified. */
export function brokers({ placements, pods, tokens, ledgers, racks, tls }: PulsarCluster): Values {
  return {
    // By default the chart only prefers a node of its own for each broker.
    affinity: {
      anti_affinity: placements.broker.rule === "spread",
      type: "requiredDuringSchedulingIgnoredDuringExecution",
    },
    configData: {
      ...memory("PULSAR_MEM", pods.broker),
      managedLedgerDefaultEnsembleSize: String(ledgers.ensemble),
      managedLedgerDefaultWriteQuorum: String(ledgers.write),
      managedLedgerDefaultAckQuorum: String(ledgers.ack),
      ...rackPolicy(racks, ledgers.write),
      ...tokenAlgorithm(tokens),
      ...(tls && {
        // Without these the broker keeps its port in plain text, and uses it for its own connections (both charts).
        PULSAR_PREFIX_brokerServicePort: "",
        PULSAR_PREFIX_brokerClientTlsEnabled: "true",
        PULSAR_PREFIX_brokerClientTrustCertsFilePath: caFile,
        // Pulsar 2.7 has the second name, from 2.7.5 on.
        PULSAR_PREFIX_tlsHostnameVerificationEnabled: "true",
        PULSAR_PREFIX_brokerClient_tlsHostnameVerificationEnable: "true",
        PULSAR_PREFIX_bookkeeper_tlsHostnameVerificationEnabled: "true",
        // The functions worker inside the brokers, if it is on. It gives the CA to the pods of functions; Pulsar 4.0 takes the broker's own setting.
        PF_useTls: "true",
        PF_tlsTrustCertsFilePath: caFile,
      }),
    },
  };
}

/** The proxies' values. With authentication, /metrics needs a token by default; 2.7's proxy.conf has no line to override, hence the prefix. */
export function proxies({ pods, tokens, tls }: PulsarCluster): Values {
  return {
    configData: {
      ...memory("PULSAR_MEM", pods.proxy),
      PULSAR_PREFIX_authenticateMetricsEndpoint: "false",
      ...tokenAlgorithm(tokens),
      // Without an empty servicePort, the proxy keeps its port in plain text (both charts).
      ...(tls && { PULSAR_PREFIX_servicePort: "", PULSAR_PREFIX_tlsHostnameVerificationEnabled: "true" }),
    },
  };
}

/** The values of the proxies' Service. */
export function proxyService({ proxyService = { type: "ClusterIP", annotations: {} } }: PulsarCluster): Values {
  const { type, annotations, sourceRanges, ipFamilies, externalTrafficPolicy } = proxyService;
  const spec = {
    ...(sourceRanges && { loadBalancerSourceRanges: sourceRanges }),
    ...(ipFamilies && {
      ipFamilies,
      ipFamilyPolicy: ipFamilies.length === 2 ? "RequireDualStack" : "SingleStack",
    }),
    ...(externalTrafficPolicy && { externalTrafficPolicy }),
  };
  const all = {
    ...annotations,
    ...(Object.keys(spec).length === 0 ? {} : { [serviceSpecAnnotation]: JSON.stringify(spec) }),
  };
  return { type, ...(Object.keys(all).length === 0 ? {} : { annotations: all }) };
}

/** The CA certificates in the pods of both charts. */
const caFile = "/pulsar/certs/ca/ca.crt";

/** TLS for all components, with the Secrets' names of `tlsSecrets`. The certificates that the charts then make are removed by the post-renderers. */
export const tlsEverywhere: Values = {
  enabled: true,
  ...Object.fromEntries(["zookeeper", "bookie", "broker", "proxy"].map((component) => [component, { enabled: true }])),
};

/** ZooKeeper's port in plain text serves only the probes inside its pod (chart 2.7.7). Neither chart closes it. */
export function zookeeperTls({ tls }: PulsarCluster): Values {
  return tls ? { PULSAR_PREFIX_clientPortAddress: "127.0.0.1" } : {};
}

/** Makes the bookies refuse clients in plain text and those without a certificate of a component. Neither chart does. */
export function bookieTls({ tls }: PulsarCluster): Values {
  if (tls === undefined) return {};
  return {
    PULSAR_PREFIX_tlsClientAuthentication: "true",
    PULSAR_PREFIX_bookieAuthProviderFactoryClass: "org.apache.bookkeeper.tls.BookieAuthZFactory",
    PULSAR_PREFIX_authorizedRoles: bookieRole,
  };
}

/** TLS of programs that connect to the bookies with BookKeeper's own settings. Neither chart sets it. */
export function bookkeeperClientTls({ tls }: PulsarCluster, component: "autorecovery" | "toolset"): Values {
  if (tls === undefined) return {};
  const settings = {
    tlsProviderFactoryClass: "org.apache.bookkeeper.tls.TLSContextFactory",
    tlsClientAuthentication: "true",
    tlsKeyStoreType: "PEM",
    tlsKeyStore: `/pulsar/certs/${component}/tls.key`,
    tlsCertificatePath: `/pulsar/certs/${component}/tls.crt`,
    tlsTrustStoreType: "PEM",
    tlsTrustStore: caFile,
    tlsHostnameVerificationEnabled: "true",
  };
  return Object.fromEntries(Object.entries(settings).map(([key, value]) => [`PULSAR_PREFIX_${key}`, value]));
}

/** The toolset's clients connect to the proxies with TLS. Both charts leave the host name unchecked. */
export function toolsetTls(cluster: PulsarCluster): Values {
  if (cluster.tls === undefined) return {};
  return { ...bookkeeperClientTls(cluster, "toolset"), tlsEnableHostnameVerification: "true" };
}

/**
 * The address of the manager's database, and its heap. The database's account comes from a Secret. The manager's start script, made by Gradle,
 * reads JAVA_OPTS (v0.2.0 and v0.4.0); chart 4.7.0 sets the other variable it reads, PULSAR_MANAGER_OPTS.
 */
export function managerSettings({ manager: { jdbcUrl }, pods, tls }: PulsarCluster): Values {
  return {
    DRIVER_CLASS_NAME: "org.postgresql.Driver",
    URL: jdbcUrl,
    LOG_LEVEL: "INFO",
    ...memory("JAVA_OPTS", pods.manager),
    ...(tls && managerTrustStore),
  };
}

/**
 * The algorithm that brokers and proxies verify tokens with, if it is not RS256 (AuthenticationProviderToken, Pulsar 2.7 and 4.0). Their
 * configuration files may lack the line; the prefix adds it.
 */
function tokenAlgorithm({ keys }: PulsarCluster["tokens"]): Values {
  return keys === "ecdsa" ? { PULSAR_PREFIX_tokenPublicAlg: "ES256" } : {};
}

/** Spreads the copies of an entry over as many racks as possible, so that losing a rack loses one copy. By default two racks are enough. */
function rackPolicy(racks: readonly string[] | undefined, copies: number): Values {
  if (racks === undefined) return {};
  return {
    bookkeeperClientRackawarePolicyEnabled: "true",
    bookkeeperClientMinNumRacksPerWriteQuorum: String(Math.min(new Set(racks).size, copies)),
  };
}
