import { once } from "node:events";
import { type AddressInfo, createServer } from "node:net";

/** A server on 127.0.0.1 that refuses a request for TLS as a PostgreSQL without TLS does, and does nothing else. */
export async function startPlainServer(): Promise<{ port: number; close(): void }> {
  const server = createServer((socket) => {
    socket.on("error", () => undefined);
    socket.once("data", () => socket.end("N"));
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return { port: (server.address() as AddressInfo).port, close: () => server.close() };
}
