import { connect, type Api } from "../../rehearsal/cluster/api.ts";
import { type KubeletForward, startCluster } from "../../rehearsal/cluster/controlPlane.ts";
import { simulatedNodes } from "../../rehearsal/cluster/nodes.ts";
import type { Workspace } from "../../rehearsal/engine/workspace.ts";
import { nodeClient } from "../../rehearsal/realCluster/messages/client.ts";
import { prepareTools } from "../../rehearsal/tools/tools.ts";
import type { AdminAccess } from "../../resources/pulsar/adminApi.ts";

/** Why the Node client cannot be loaded: its native library cannot be downloaded from a package registry. */
export const missingClient = await nodeClient().then(
  () => undefined,
  (fault: unknown) => (fault as Error).message,
);

const pods = ["pulsar-proxy-0", "pulsar-proxy-1"];
const tokenSecret = "pulsar-token-admin";
const caSecret = "pulsar-ca-tls";

export interface Proxies {
  access: AdminAccess;
  api: Api;
  /** Replaces the administrators' token. */
  setToken: (token: string) => Promise<unknown>;
  /** Replaces the certificates of the CAs. */
  setCa: (ca: string) => Promise<unknown>;
}

/**
 * A simulated cluster with what the chart deploys of the proxies, and whose port-forwards lead to a real proxy.
 * @param forward by the ports of the pods: 8080 and 6650, or with TLS 8443 and 6651
 * @param ca the certificates of the CAs; undefined without TLS
 */
export async function startProxies(
  workspace: Workspace,
  {
    namespace,
    token,
    ca,
    forward,
  }: { namespace: string; token: string; ca?: string; forward: Pick<KubeletForward, "address" | "ports"> },
): Promise<Proxies> {
  const { tools } = await prepareTools({ log: () => undefined, signal: workspace.signal });
  const cluster = await startCluster({ tools, workspace, forward: { namespace, pods, ...forward } });
  await cluster.addNodes(simulatedNodes({ nodes: [{ name: "one", hostname: "one" }], otherNodes: { count: 0 } }));
  const { kubeconfig, context } = cluster;
  const api = await connect(kubeconfig);
  const make = (kind: string, name: string, rest: object, labels: Record<string, string> = {}) =>
    api.objects.create({ apiVersion: "v1", kind, metadata: { namespace, name, labels }, ...rest });
  const change = (name: string, stringData: Record<string, string>) =>
    api.objects.patch(
      { apiVersion: "v1", kind: "Secret", metadata: { namespace, name }, stringData },
      undefined,
      undefined,
      undefined,
      undefined,
      "application/merge-patch+json",
    );

  if (namespace !== "default")
    await api.objects.create({ apiVersion: "v1", kind: "Namespace", metadata: { name: namespace } });
  await make("Secret", tokenSecret, { stringData: { TOKEN: token } });
  if (ca !== undefined) await make("Secret", caSecret, { stringData: { "ca.crt": ca } });
  const plain = { http: [80, 8080], pulsar: [6650, 6650] };
  const encrypted = { https: [443, 8443], pulsarssl: [6651, 6651] };
  const ports = Object.entries(ca === undefined ? plain : encrypted);
  const servicePorts = ports.map(([name, [port]]) => ({ name, port, targetPort: `sts-${name}` }));
  await make("Service", "pulsar-proxy", { spec: { ports: servicePorts } });
  const containerPorts = ports.map(([name, [, containerPort]]) => ({ name: `sts-${name}`, containerPort }));
  const containers = [{ name: "proxy", image: "none", ports: containerPorts }];
  for (const name of pods) await make("Pod", name, { spec: { containers } }, { release: "pulsar", component: "proxy" });
  return {
    access: {
      ...{ cluster: { kubeconfig, context }, namespace, release: "pulsar", service: "pulsar-proxy" },
      token: { secret: tokenSecret, key: "TOKEN" },
      ...(ca !== undefined && { forwardCa: { secret: caSecret, key: "ca.crt" } }),
    },
    api,
    setToken: (next) => change(tokenSecret, { TOKEN: next }),
    setCa: (next) => change(caSecret, { "ca.crt": next }),
  };
}
