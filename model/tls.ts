import { isIP } from "node:net";
import type { SecretRef } from "./charts/cluster.ts";
import { fullName, type Installation } from "./charts/names.ts";

/** The components that have a certificate, by the end of their Secret's name. */
export const tlsComponents = ["zookeeper", "bookie", "recovery", "broker", "proxy", "toolset"] as const;
export type TlsComponent = (typeof tlsComponents)[number];

/** Names of the Secrets with the certificates, as both charts expect them (2.7.7 and 4.7.0, `tls.*.cert_name` and `tls.ca_suffix`). */
export interface TlsSecrets {
  /** Key `ca.crt`: the certificates that every component trusts, one after the other. */
  ca: string;
  /** Keys `tls.crt`, `tls.key` (PKCS#8) and `tls-combined.pem` (the key, then the certificate: ZooKeeper's keystore). */
  components: Record<TlsComponent, string>;
}

export function tlsSecrets(release: string): TlsSecrets {
  const names = tlsComponents.map((component) => [component, `${release}-tls-${component}`]);
  return {
    ca: `${release}-ca-tls`,
    components: Object.fromEntries(names) as TlsSecrets["components"],
  };
}

/** The Secret and key of the certificates of all trusted CAs. */
export function caSecret(release: string): SecretRef {
  return { secret: tlsSecrets(release).ca, key: "ca.crt" };
}

/**
 * The names and addresses in a component's certificate: its Service, and each pod under its governing Service.
 * @param hosts more of them, for the proxies
 */
export function certificateNames(
  { release, namespace, clusterDomain }: Installation,
  component: TlsComponent,
  hosts: readonly string[],
): string[] {
  const service = `${fullName(release)}-${component}`;
  const inCluster = (name: string) => [`${name}.${namespace}.svc.${clusterDomain}`, `${name}.${namespace}.svc`];
  const pods = [service, `${service}-headless`].flatMap((governing) => [
    `*.${governing}.${namespace}.svc.${clusterDomain}`,
    ...inCluster(governing),
  ]);
  return [service, ...pods, ...(component === "proxy" ? hosts : [])];
}

/** The names and addresses as a certificate has them: apart. */
export function alternativeNames(names: readonly string[]): { dnsNames: string[]; ipAddresses?: string[] } {
  const ipAddresses = names.filter((name) => isIP(name) !== 0);
  return {
    dnsNames: names.filter((name) => isIP(name) === 0),
    ...(ipAddresses.length > 0 && { ipAddresses }),
  };
}

/**
 * The role in the certificates of all components (`organizationalUnit`), without which a bookie refuses a connection. Only its check of roles also
 * refuses clients in plain text, because a connection to a bookie starts in plain text (BookKeeper 4.12 to 4.17, STARTTLS).
 */
export const bookieRole = "pulsar";

/** The organizational unit (OU) in the subject of each component's certificate: the form in which BookKeeper reads roles. */
export const organizationalUnit = `0:${bookieRole}`;
