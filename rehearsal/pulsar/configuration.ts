/** What a broker and a proxy are told: as chart 4.7.0 tells them with the values that this program gives it. */
import { pathToFileURL } from "node:url";
import type { TokenKeys } from "../../model/tokens.ts";

/** The roles that may do everything, as the settings name them by default. */
export const superUsers = {
  broker: "broker-admin",
  proxy: "proxy-admin",
  client: "admin",
  manager: "manager-admin",
} as const;

/** A configuration file of Pulsar's: `key=value` on each line. */
export type Configuration = Record<string, string>;

/** Absolute paths of what tokens are verified with, and of the tokens that broker and proxy show each other. */
export interface AuthFiles {
  keys: TokenKeys;
  key: string;
  brokerToken: string;
  proxyToken: string;
}

export interface Ports {
  brokerBinary: number;
  brokerHttp: number;
  proxyBinary: number;
  proxyHttp: number;
}

/** Alone, it writes each entry once. */
export function brokerConfiguration(clusterName: string, ports: Ports, auth: AuthFiles): Configuration {
  return {
    clusterName,
    bindAddress: "127.0.0.1",
    advertisedAddress: "127.0.0.1",
    brokerServicePort: String(ports.brokerBinary),
    webServicePort: String(ports.brokerHttp),
    managedLedgerDefaultEnsembleSize: "1",
    managedLedgerDefaultWriteQuorum: "1",
    managedLedgerDefaultAckQuorum: "1",
    ...tokenAuthentication(auth, auth.brokerToken),
    authorizationEnabled: "true",
    superUserRoles: roles(Object.values(superUsers)),
    proxyRoles: superUsers.proxy,
  };
}

export function proxyConfiguration(clusterName: string, ports: Ports, auth: AuthFiles): Configuration {
  return {
    clusterName,
    bindAddress: "127.0.0.1",
    servicePort: String(ports.proxyBinary),
    webServicePort: String(ports.proxyHttp),
    brokerServiceURL: `pulsar://127.0.0.1:${ports.brokerBinary}`,
    brokerWebServiceURL: `http://127.0.0.1:${ports.brokerHttp}`,
    ...tokenAuthentication(auth, auth.proxyToken),
    authorizationEnabled: "false",
    forwardAuthorizationCredentials: "true",
    superUserRoles: roles(Object.values(superUsers).filter((role) => role !== superUsers.proxy)),
    authenticateMetricsEndpoint: "false",
    // By itself a proxy leads to brokers on their usual ports only.
    brokerProxyAllowedTargetPorts: String(ports.brokerBinary),
  };
}

/** The file that holds it. */
export function text(configuration: Configuration): string {
  return Object.entries(configuration)
    .map(([key, value]) => `${key}=${value}\n`)
    .join("");
}

function tokenAuthentication({ keys, key }: AuthFiles, ownToken: string): Configuration {
  const url = pathToFileURL(key).href;
  return {
    authenticationEnabled: "true",
    authenticationProviders: "org.apache.pulsar.broker.authentication.AuthenticationProviderToken",
    ...(keys === "symmetric" ? { tokenSecretKey: url } : { tokenPublicKey: url }),
    ...(keys === "ecdsa" ? { tokenPublicAlg: "ES256" } : {}),
    brokerClientAuthenticationPlugin: "org.apache.pulsar.client.impl.auth.AuthenticationToken",
    brokerClientAuthenticationParameters: pathToFileURL(ownToken).href,
  };
}

function roles(all: string[]): string {
  return all.sort().join(",");
}
