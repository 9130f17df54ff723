/** Real messages through a stack's proxies. */
import { createServer, type Socket } from "node:net";
import { once } from "node:events";
import { type Duplex, pipeline } from "node:stream";
import { TLSSocket } from "node:tls";
import { type AdminAccess, adminToken, forwardCertificates, withAdminApi } from "../../../resources/pulsar/adminApi.ts";
import { type Cluster, connect } from "../../../resources/kubernetes/connection.ts";
import {
  encrypt,
  type ForwardScope,
  forwardTarget,
  openForward,
  type ProxyPort,
} from "../../../resources/kubernetes/portForward.ts";
import { waitFor } from "../../cluster/waiting.ts";
import { type Check, runChecks, trafficTopic } from "./checks.ts";
import { type MessagingClient, nodeClient } from "./client.ts";
import { handshake } from "./handshake.ts";
import { startTraffic, type Traffic } from "./traffic.ts";

export interface Messaging {
  /** The checks of the reference deployment. They also create the topic of the traffic. */
  checks(): Promise<Check[]>;
  /** Sends and receives messages until it is stopped. The checks must have run. */
  startTraffic(): Promise<Traffic>;
  /** Trusts the present certificates of the CAs in each new connection, as an operator does after an update. */
  trust(): Promise<void>;
  /** Ends all clients and connections. */
  close(): Promise<void>;
}

/**
 * Reaches a stack's proxies through port-forwards of the Kubernetes API, with the administrators' token. With TLS, local connections are in plain
 * text, and the connections through the port-forwards are encrypted: no certificate is for the local address.
 * @throws RehearsalError if the Node client is not installed; Error of one line if the kubeconfig cannot be used
 */
export async function openMessaging(access: AdminAccess): Promise<Messaging> {
  const newClient = await nodeClient();
  const cluster = await connect(access.cluster);
  let ca = await forwardCertificates(cluster, access);
  const forwarded = (port: ProxyPort) => () => forward(cluster, access, port, ca);
  const [binary, http] = await Promise.all([
    forwardLocally(forwarded(ca === undefined ? "pulsar" : "pulsarssl")),
    forwardLocally(forwarded(ca === undefined ? "http" : "https")),
  ]);
  const serviceUrl = `pulsar://127.0.0.1:${binary.port}`;

  // Read for each connection, because a rotation replaces it.
  let lastToken = "";
  const currentToken = async () => {
    lastToken = await adminToken(cluster, access).catch(() => lastToken);
    return lastToken;
  };
  let client: MessagingClient | undefined;
  let traffic: Traffic | undefined;

  return {
    checks: () =>
      runChecks({
        admin: (work) => withAdminApi(access, work),
        // Proxies answer 502 and 503 shortly after their start.
        status: (path, token) =>
          waitFor(
            async () => {
              const { status } = await fetch(`http://127.0.0.1:${http.port}${path}`, {
                headers: token === undefined ? {} : { authorization: `Bearer ${token}` },
                signal: AbortSignal.timeout(10_000),
              });
              return status === 502 || status === 503 ? undefined : status;
            },
            { what: "an answer of the admin API", limit: 30_000 },
          ),
        handshake: (token) => handshake(binary.port, token),
        client: (token) => newClient(serviceUrl, token),
        token: () => adminToken(cluster, access),
        ...(ca === undefined ? {} : { certificate: () => forwarded("pulsarssl")().then(certificateOf) }),
      }),
    async startTraffic() {
      client = newClient(serviceUrl, currentToken);
      traffic = await startTraffic(client, trafficTopic);
      return traffic;
    },
    async trust() {
      ca = await forwardCertificates(cluster, access);
    },
    async close() {
      const stopped = traffic?.stop(0);
      await client?.close();
      await stopped;
      binary.close();
      http.close();
    },
  };
}

/** A connection to a proxy that is ready now, with TLS if CAs are given. */
async function forward(
  cluster: Cluster,
  scope: ForwardScope,
  port: ProxyPort,
  ca: string | undefined,
): Promise<Duplex> {
  const socket = await openForward(cluster, scope.namespace, await forwardTarget(cluster, scope, port));
  return ca === undefined ? socket : encrypt(socket, scope, ca);
}

/** The name and the end of the certificate of a connection, which is closed. */
function certificateOf(socket: Duplex): string {
  const certificate = socket instanceof TLSSocket ? socket.getPeerX509Certificate() : undefined;
  socket.destroy();
  if (certificate === undefined) throw new Error("the connection is not encrypted");
  return `${certificate.subject.replaceAll("\n", ", ")}, until ${certificate.validToDate.toISOString().slice(0, 10)}`;
}

/** Forwards each connection to a free port of the loopback interface. */
async function forwardLocally(open: () => Promise<Duplex>): Promise<{ port: number; close(): void }> {
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    sockets.add(socket);
    socket.on("close", () => sockets.delete(socket)).on("error", () => undefined);
    open().then(
      (pod) => pipeline(socket, pod, socket, () => undefined),
      () => socket.destroy(),
    );
  }).listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  return {
    port: typeof address === "object" && address !== null ? address.port : 0,
    close() {
      server.close();
      for (const socket of sockets) socket.destroy();
    },
  };
}
