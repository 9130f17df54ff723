/**
 * The names both chart lines give their objects. Secrets are named after the release, everything else after the full name: release `foo`
 * has the Secret `foo-token-admin` and the StatefulSet `foo-pulsar-bookie` (charts 2.7.7 and 4.7.0, `_helpers.tpl`).
 */

/** What the chart calls itself in names: the release if "pulsar" is in it, `<release>-pulsar` otherwise. */
export function fullName(release: string): string {
  return release.includes("pulsar") ? release : `${release}-pulsar`;
}

/** Where a release is found in the cluster's DNS. */
export interface Installation {
  /** Name of the Helm release. */
  release: string;
  namespace: string;
  /** DNS domain of the Kubernetes cluster, such as cluster.local. */
  clusterDomain: string;
}

/** A bookie's id: its full host name, which the chart registers it under (useHostNameAsBookieID, charts 2.7.7 and 4.7.0), and its port. */
export function bookieId({ release, namespace, clusterDomain }: Installation, ordinal: number): string {
  const full = fullName(release);
  return `${full}-bookie-${ordinal}.${full}-bookie.${namespace}.svc.${clusterDomain}:3181`;
}

/** The volumes the chart asks for, by the StatefulSet they belong to. */
export type Volume = "zookeeper-data" | "bookie-journal" | "bookie-ledgers";

/** The name of an ordinal's claim: `<claim template>-<pod>`, as the StatefulSet controller puts it together. */
export function claimName(release: string, volume: Volume, ordinal: number): string {
  const statefulSet = volume.slice(0, volume.indexOf("-"));
  return `${fullName(release)}-${volume}-${fullName(release)}-${statefulSet}-${ordinal}`;
}
