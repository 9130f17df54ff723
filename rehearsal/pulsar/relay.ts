import { once } from "node:events";
import { connect, createServer, type Server, type Socket } from "node:net";

/** Passes on TCP connections, and keeps what passes in either direction. */
export class Relay {
  readonly #streams: Buffer[][] = [];
  readonly #servers: Server[] = [];
  readonly #sockets = new Set<Socket>();

  /** Listens at an address and passes connections on to the same port of another. */
  async open(at: string, to: string, port: number): Promise<void> {
    const server = createServer((client) => {
      const target = connect(port, to);
      this.#pass(client, target);
      this.#pass(target, client);
    }).listen(port, at);
    this.#servers.push(server);
    await once(server, "listening");
  }

  /** Whether a text has passed in one direction of one connection. */
  saw(text: string): boolean {
    return this.#streams.some((chunks) => Buffer.concat(chunks).includes(text));
  }

  close(): void {
    for (const server of this.#servers) server.close();
    for (const socket of this.#sockets) socket.destroy();
  }

  #pass(from: Socket, to: Socket): void {
    const kept: Buffer[] = [];
    this.#streams.push(kept);
    this.#sockets.add(from);
    from.on("data", (chunk) => kept.push(chunk));
    from.pipe(to);
    // A reset is passed on as an end: `close` follows.
    from.on("error", () => undefined);
    from.on("close", () => {
      this.#sockets.delete(from);
      to.destroy();
    });
  }
}
