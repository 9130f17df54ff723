import { randomInt } from "node:crypto";
import { createSocket } from "node:dgram";
import { once } from "node:events";
import { createServer, type Server } from "node:net";

const host = "127.0.0.1";

/**
 * Different free TCP ports on 127.0.0.1. They are below the range that Linux and macOS use for outgoing connections, so that no connection takes
 * one before its server listens. For the same reason, no other call gets them, not even in another process, as long as this process runs.
 */
export async function freePorts(count: number): Promise<number[]> {
  const held: { port: number; server: Server }[] = [];
  while (held.length < count) {
    const port = randomInt(15_000, 32_000);
    if (!(await reserve(port))) continue;
    const server = createServer().listen(port, host);
    if (await happens(once(server, "listening"))) held.push({ port, server });
  }
  await Promise.all(held.map(({ server }) => new Promise((closed) => server.close(closed))));
  return held.map(({ port }) => port);
}

/** Holds the UDP port of the same number, which no server uses, until this process ends. @returns whether it was free */
async function reserve(port: number): Promise<boolean> {
  const socket = createSocket("udp4").bind({ port, address: host, exclusive: true });
  const reserved = await happens(once(socket, "listening"));
  if (reserved) socket.unref();
  else socket.close();
  return reserved;
}

function happens(event: Promise<unknown>): Promise<boolean> {
  return event.then(
    () => true,
    () => false,
  );
}
