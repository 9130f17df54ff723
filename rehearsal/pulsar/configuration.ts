/** The configuration of a broker and a proxy, as chart 4.7.0 makes it from the values of this program. */
import { pathToFileURL } from "node:url";
import type { TokenKeys } from "../../model/tokens.ts";

/** The super user roles, as the settings name them by default. */
export const superUsers = {
  broker: "broker-admin",
  proxy: "proxy-admin",
  client: "admin",
  manager: "manager-admin",
} as const;

/** A configuration file of Pulsar by key: `key=value` on each line. */
export type Configuration = Record<string, string>;

/** Absolute paths of the key that verifies tokens, and of the tokens of broker and proxy. */
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

/** For a single bookie: each entry is written once. */
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
    // By default, a proxy connects to brokers on their usual ports only.
    brokerProxyAllowedTargetPorts: String(ports.brokerBinary),
  };
}

/** The text of the configuration file. */
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
