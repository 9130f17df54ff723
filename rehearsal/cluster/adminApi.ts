/** The stand-in admin API of a rehearsed stack, in which no broker runs. It verifies tokens with the stack's own key. */
import { createPublicKey, type KeyObject } from "node:crypto";
import { jwtVerify } from "jose";
import { fullName } from "../../model/charts/names.ts";
import { tlsSecrets } from "../../model/tls.ts";
import type { TokenKeys } from "../../model/tokens.ts";
import type { Settings } from "../../settings/resolve.ts";
import type { KubeletForward } from "./controlPlane.ts";
import type { Api } from "./api.ts";
import { startAdminApi, type StandInAdminApi } from "../standins/adminApi.ts";

/** Ports of this machine on which the admin API is served. */
export interface AdminPorts {
  http: number;
  /** @default none */
  https?: number;
}

/** The rule by which the simulated kubelets forward ports of the stack's proxies to ports of this machine. */
export function proxyForward({ release, namespace, replicas }: Settings, { http, https }: AdminPorts): KubeletForward {
  const pods = Array.from({ length: replicas.proxy }, (_, i) => `${fullName(release)}-proxy-${i}`);
  // On these ports the proxies of charts 2.7.7 and 4.7.0 listen.
  const encrypted: Record<number, number> = https === undefined ? {} : { 443: https, 8443: https };
  return { namespace, pods, ports: { 80: http, 8080: http, ...encrypted } };
}

/** Starts the stand-in for a stack on ports of this machine. */
export function serveAdminApi(
  api: Api,
  { release, namespace, tokens }: Settings,
  { http, https }: AdminPorts,
): Promise<StandInAdminApi> {
  const name = `${release}-token-${tokens.keys === "symmetric" ? "symmetric" : "asymmetric"}-key`;
  const secret = async (name: string) => (await api.core.readNamespacedSecret({ name, namespace })).data ?? {};
  return startAdminApi({
    port: http,
    tls: https === undefined ? undefined : { port: https, read: () => secret(tlsSecrets(release).components.proxy) },
    cluster: fullName(release),
    superUsers: Object.values<string | undefined>(tokens.roles).filter((role) => role !== undefined),
    async verify(token) {
      return roleOf(token, tokens.keys, await secret(name));
    },
  });
}

/**
 * The role in a token.
 * @param data of the Secret with the key
 * @throws if brokers with this key would not accept the token
 */
export async function roleOf(token: string, keys: TokenKeys, data: Record<string, string>): Promise<string> {
  const bytes = (name: string) => Buffer.from(data[name] ?? "", "base64");
  const key: KeyObject | Uint8Array =
    keys === "symmetric"
      ? bytes("SECRETKEY")
      : createPublicKey({ key: bytes("PUBLICKEY"), format: "der", type: "spki" });
  const algorithms = { asymmetric: ["RS256"], ecdsa: ["ES256"], symmetric: ["HS256"] }[keys];
  const { payload } = await jwtVerify(token, key, { algorithms });
  return payload.sub ?? "";
}
