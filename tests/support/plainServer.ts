import { once } from "node:events";
import { type AddressInfo, createServer } from "node:net";

/** A server on 127.0.0.1 that answers as a PostgreSQL without TLS does when it is asked for TLS, and nothing else. */
export async function startPlainServer(): Promise<{ port: number; close(): void }> {
  const server = createServer((socket) => {
    socket.on("error", () => undefined);
    socket.once("data", () => socket.end("N"));
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return { port: (server.address() as AddressInfo).port, close: () => server.close() };
}
