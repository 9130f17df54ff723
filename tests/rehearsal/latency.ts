/** Adds latency between the engine and the API server, which answers almost immediately on the loopback interface. */
import { once } from "node:events";
import { readFile, writeFile } from "node:fs/promises";
import { connect, createServer, type AddressInfo, type Socket } from "node:net";
import { parse, stringify } from "yaml";
import type { Stage } from "../../rehearsal/stage.ts";

interface Kubeconfig {
  clusters: { cluster: { server: string } }[];
}

/**
 * Delays all traffic with the API server of processes that read the stage's kubeconfig from now on: Pulumi, its plugins and Helm, but not the stage.
 * @param roundTrip in milliseconds
 */
export async function addLatency({ cluster: { kubeconfig } }: Stage, roundTrip: number): Promise<void> {
  const config = parse(await readFile(kubeconfig, "utf8")) as Kubeconfig;
  const [entry] = config.clusters;
  if (!entry) throw new Error(`no cluster in ${kubeconfig}`);
  const address = new URL(entry.cluster.server);
  const upstream = { host: address.hostname, port: Number(address.port) };
  const proxy = createServer((client) => {
    const server = connect(upstream);
    forward(client, server, roundTrip / 2);
    forward(server, client, roundTrip / 2);
  }).listen(0, "127.0.0.1");
  await once(proxy, "listening");
  // The stage does not know this server and must not wait for it.
  proxy.unref();
  address.port = String((proxy.address() as AddressInfo).port);
  entry.cluster.server = address.origin;
  await writeFile(kubeconfig, stringify(config));
}

/** Forwards each chunk after the delay. Timers with equal delays fire in the order in which they were set. */
function forward(from: Socket, to: Socket, delay: number): void {
  from.on("data", (piece) => setTimeout(() => to.write(piece), delay));
  from.on("end", () => setTimeout(() => to.end(), delay));
  from.on("error", () => to.destroy());
}
