import { once } from "node:events";
import { type Duplex, duplexPair, Writable } from "node:stream";
import { connect as connectTls, type TLSSocket } from "node:tls";
import { ask, type Cluster, statusOf } from "./connection.ts";
import { isReady, type Readiness } from "./pods.ts";

/** A port of a pod. */
export interface ForwardTarget {
  pod: string;
  port: number;
}

/** No pod is ready at the moment. */
export class NotReady extends Error {
  override name = "NotReady";
}

/** The pods to choose from, and the port. */
export interface ForwardScope {
  namespace: string;
  /** Name of the Helm release, as in the pods' label `release`. */
  release: string;
  /** Name of the proxy's Service. Its ports determine those of the pods, for example `http` port 80 with chart 2.7.7 and 8080 with 4.7.0. */
  service: string;
}

/**
 * A port of the proxy's Service: the admin API and Pulsar's binary protocol, each without and with TLS. The charts can prefix the last two with
 * `tcp-` and `tls-`.
 */
export type ProxyPort = "http" | "https" | "pulsar" | "pulsarssl";

/** The parts of a Service and of its pods that determine the target port. */
export interface ServicePort {
  name?: string;
  port: number;
  targetPort?: number | string;
}
export interface ProxyPod extends Readiness {
  metadata?: Readiness["metadata"] & { name?: string };
  spec?: { containers: { ports?: { name?: string; containerPort: number }[] }[] };
}

/**
 * A ready proxy, and its port.
 * @throws NotReady of one line that names the existing pods; Error of one line if the Service or its port does not exist
 */
export async function forwardTarget(
  cluster: Cluster,
  scope: ForwardScope,
  wanted: ProxyPort = "http",
): Promise<ForwardTarget> {
  const { namespace, release, service: name } = scope;
  const labelSelector = `release=${release},component=proxy`;
  const [{ spec }, { items }] = await Promise.all([
    ask(cluster, (api) => api.readNamespacedService({ name, namespace })).catch((error: unknown) => {
      if (statusOf(error) !== 404) throw error;
      throw new Error(
        `the proxy's Service ${namespace}/${name} does not exist in context "${cluster.context}"; ` +
          "install the release, or set pulsar:adminApi.address",
        { cause: error },
      );
    }),
    ask(cluster, (api) => api.listNamespacedPod({ namespace, labelSelector })),
  ]);
  const port = spec?.ports?.find((port: ServicePort) => port.name?.replace(/^(tcp|tls)-/, "") === wanted);
  if (port === undefined)
    throw new Error(
      `the proxy's Service ${namespace}/${name} has no port named ${wanted}; set pulsar:adminApi.address`,
    );
  const ready = items.find(isReady);
  if (ready === undefined) {
    const found = items.map(({ metadata }) => metadata?.name ?? "").join(", ") || "none";
    throw new NotReady(
      `no proxy is ready to forward to (pods with ${labelSelector} in namespace ${namespace}: ${found}); ` +
        "wait until one is, or set pulsar:adminApi.address",
    );
  }
  return { pod: ready.metadata?.name ?? "", port: podPort(port, ready) };
}

/** The pod's port for a Service's port: a number, or the name of a container's port. */
export function podPort({ port, targetPort = port }: ServicePort, { spec }: ProxyPod): number {
  if (typeof targetPort === "number") return targetPort;
  const ports = spec?.containers.flatMap(({ ports = [] }) => ports) ?? [];
  return ports.find(({ name }) => name === targetPort)?.containerPort ?? port;
}

/**
 * A connection to a port of a pod through the API server, as with `kubectl port-forward`, but without a local port that others could use.
 * @throws Error of one line if the API server does not forward the port
 */
export async function openForward(cluster: Cluster, namespace: string, { pod, port }: ForwardTarget): Promise<Duplex> {
  const { PortForward } = await import("@kubernetes/client-node");
  const [near, far] = duplexPair();
  // The user of the connection receives the error; until there is one, it must not end the process.
  near.on("error", () => undefined);
  // The kubelet reports on this channel why it could not connect.
  const errors = new Writable({
    write(chunk: Buffer, _encoding, done) {
      if (chunk.length > 0) near.destroy(new Error(chunk.toString().trim()));
      done();
    },
  });
  const forward = new PortForward(cluster.config, false);
  const socket = (await forward.portForward(namespace, pod, [port], far, errors, far).catch((event: unknown) => {
    // Not an Error, but the event that a browser would receive.
    const server = `the API server ${cluster.server} of context "${cluster.context}"`;
    throw new Error(
      `${server} does not forward the port (${(event as { message?: string }).message ?? "no reason given"}); ` +
        "grant the context's user pods/portforward, or set pulsar:adminApi.address",
    );
  })) as WebSocket;
  socket.onclose = () => far.end();
  near.once("close", () => {
    socket.close();
  });
  return near;
}

/**
 * TLS over a port-forward.
 * @param ca the certificates of the trusted CAs, in PEM
 * @throws Error if the certificate is not one of these CAs, or not for the name by which clients inside the cluster reach the proxies
 */
export async function encrypt(
  forward: Duplex,
  { service, namespace }: Pick<ForwardScope, "service" | "namespace">,
  ca: string,
): Promise<TLSSocket> {
  const socket = connectTls({ socket: forward, ca, servername: `${service}.${namespace}.svc` });
  await once(socket, "secureConnect");
  return socket;
}
