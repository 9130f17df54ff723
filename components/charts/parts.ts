import { amount, mebibytes, type PodSize } from "../sizing.ts";
import type { PulsarCluster, Values } from "./cluster.ts";

/** Parts of the values that both chart lines (2.7.7 and 4.7.0) take in the same form. */

/** The roles that may do everything, by what they are for. */
export function superUsers({ superUsers: { broker, proxy, client, manager } }: PulsarCluster["auth"]): Values {
  return { broker, proxy, client, ...(manager === undefined ? {} : { manager }) };
}

/** A volume of a StatefulSet, on a local disk. */
export function localVolume(size: string, storageClass: string): Values {
  // The chart says "local-storage" by itself where storage is local; an explicit name comes first.
  return { local_storage: true, size, storageClassName: storageClass };
}

/** What the pods ask for, if they are to ask for anything but the chart's own. */
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

/** A component's own configuration, if it has any. */
export function configured(configData: Values): Values {
  return Object.keys(configData).length === 0 ? {} : { configData };
}

/**
 * The JVM's memory under the name the component's start script reads; nothing where the chart's own default is to hold.
 *
 * @param first whether the heap has its full size from the start
 */
export function memory(variable: string, { heap, direct }: PodSize, first = true): Values {
  if (heap === undefined) return {};
  const jvm = (quantity: string) => mebibytes(amount(quantity)).replace("Mi", "m");
  const outside = direct === undefined ? "" : ` -XX:MaxDirectMemorySize=${jvm(direct)}`;
  return { [variable]: `${first ? `-Xms${jvm(heap)} ` : ""}-Xmx${jvm(heap)}${outside}` };
}

/**
 * One pod more in one domain than in another at most; a domain whose nodes are all lost does not count, or its pods could go nowhere
 * (Kubernetes 1.26, nodeTaintsPolicy). The selector of the component's own pods is still to be added.
 */
export function evenly(topologyKey: string): Values {
  return { topologyKey, maxSkew: 1, whenUnsatisfiable: "DoNotSchedule", nodeTaintsPolicy: "Honor" };
}

/** What brokers are told: never two on one node where the layout says so, how ledgers are written, how tokens are verified. */
export function brokers({ placements, sizes, auth, ledgers, racks }: PulsarCluster): Values {
  return {
    // By itself the chart only prefers another node for each broker.
    affinity: {
      anti_affinity: placements.broker.rule === "spread",
      type: "requiredDuringSchedulingIgnoredDuringExecution",
    },
    configData: {
      ...memory("PULSAR_MEM", sizes.broker),
      managedLedgerDefaultEnsembleSize: String(ledgers.ensemble),
      managedLedgerDefaultWriteQuorum: String(ledgers.write),
      managedLedgerDefaultAckQuorum: String(ledgers.ack),
      ...apart(racks, ledgers.write),
      ...tokenAlgorithm(auth),
    },
  };
}

/** What proxies are told. They guard /metrics once authentication is on; 2.7's proxy.conf has no such line to override: hence the prefix. */
export function proxies({ sizes, auth }: PulsarCluster): Values {
  return {
    configData: {
      ...memory("PULSAR_MEM", sizes.proxy),
      PULSAR_PREFIX_authenticateMetricsEndpoint: "false",
      ...tokenAlgorithm(auth),
    },
  };
}

/**
 * The address of the manager's database, and its heap. The database's account comes from a Secret. The manager's start script, made by Gradle,
 * reads JAVA_OPTS (v0.2.0 and v0.4.0); chart 4.7.0 sets the other variable it reads, PULSAR_MANAGER_OPTS.
 */
export function managerSettings({ manager: { jdbcUrl }, sizes }: PulsarCluster): Values {
  return {
    DRIVER_CLASS_NAME: "org.postgresql.Driver",
    URL: jdbcUrl,
    LOG_LEVEL: "INFO",
    ...memory("JAVA_OPTS", sizes.manager),
  };
}

/**
 * The algorithm that brokers and proxies verify tokens with, if it is to be another than RS256 (AuthenticationProviderToken, Pulsar 2.7 and
 * 4.0). Their conf files may lack the line: the prefix adds it.
 */
function tokenAlgorithm({ publicAlgorithm }: PulsarCluster["auth"]): Values {
  return publicAlgorithm === undefined ? {} : { PULSAR_PREFIX_tokenPublicAlg: publicAlgorithm };
}

/** The copies of an entry in as many racks as there are, so that losing one rack loses one copy: by itself BookKeeper is content with two. */
function apart(racks: readonly string[] | undefined, copies: number): Values {
  if (racks === undefined) return {};
  return {
    bookkeeperClientRackawarePolicyEnabled: "true",
    bookkeeperClientMinNumRacksPerWriteQuorum: String(Math.min(new Set(racks).size, copies)),
  };
}
