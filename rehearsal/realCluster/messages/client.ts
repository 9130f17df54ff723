/** The Node client of Pulsar, npm's pulsar-client. */
import { RehearsalError } from "../../engine/fault.ts";

/** A client of Pulsar, with the few parts that a rehearsal needs. */
export interface MessagingClient {
  producer(topic: string): Promise<Producer>;
  /** Creates the subscription if it does not exist: it starts with the next message. */
  consumer(topic: string, subscription: string): Promise<Consumer>;
  close(): Promise<void>;
}

export interface Producer {
  /** Returns when the broker has acknowledged the message. @throws Error after 30 s without an acknowledgement */
  send(text: string): Promise<void>;
}

export interface Consumer {
  /** Receives a message and acknowledges it; undefined if there is none within `limit` milliseconds. */
  receive(limit: number): Promise<string | undefined>;
}

/** A function is called for each connection. It must not throw: the client would wait forever (1.18.0). */
export type Token = string | (() => Promise<string>);

/** The version that the docs name. */
export const clientVersion = "1.18.0";

/** The parts of the package that are used here: it is installed only for a rehearsal on a real cluster. */
interface Package {
  Client: new (options: {
    serviceUrl: string;
    authentication: unknown;
    operationTimeoutSeconds: number;
    log: () => void;
  }) => {
    createProducer(options: { topic: string; sendTimeoutMs: number; batchingEnabled: boolean }): Promise<{
      send(message: { data: Buffer }): Promise<unknown>;
    }>;
    subscribe(options: { topic: string; subscription: string; subscriptionType: string }): Promise<{
      receive(limit: number): Promise<{ getData(): Buffer }>;
      acknowledge(message: unknown): Promise<unknown>;
    }>;
    close(): Promise<unknown>;
  };
  AuthenticationToken: new (options: { token: Token }) => unknown;
}

/**
 * A function that opens clients. With 1.18.0, a client whose token is a function keeps the process alive after it is closed.
 * @throws RehearsalError if the package or its native library is not installed
 */
export async function nodeClient(): Promise<(serviceUrl: string, token: Token) => MessagingClient> {
  const { Client, AuthenticationToken } = await load();
  return (serviceUrl, token) => {
    const client = new Client({
      serviceUrl,
      authentication: new AuthenticationToken({ token }),
      operationTimeoutSeconds: 30,
      // It logs to the standard output by default.
      log: () => undefined,
    });
    return {
      async producer(topic) {
        // Without batches, messages go to the partitions in turn.
        const producer = await client.createProducer({ topic, sendTimeoutMs: 30_000, batchingEnabled: false });
        return {
          async send(text) {
            await producer.send({ data: Buffer.from(text) });
          },
        };
      },
      async consumer(topic, subscription) {
        const consumer = await client.subscribe({ topic, subscription, subscriptionType: "Shared" });
        return {
          async receive(limit) {
            const message = await consumer.receive(limit).catch((error: unknown) => {
              if (String(error).includes("TimeOut")) return undefined;
              throw error;
            });
            if (message === undefined) return undefined;
            // Without an acknowledgement the broker sends the message again, which counts as a duplicate.
            await consumer.acknowledge(message).catch(() => undefined);
            return message.getData().toString();
          },
        };
      },
      async close() {
        await client.close();
      },
    };
  };
}

async function load(): Promise<Package> {
  // In a variable, because the package has no types while it is not installed.
  const name = "pulsar-client";
  try {
    return ((await import(name)) as { default: Package }).default;
  } catch (cause) {
    const reason = cause instanceof Error ? (cause.message.split("\n", 1)[0] ?? "") : "";
    throw new RehearsalError(
      `the Node client of Pulsar cannot be loaded (${reason}); run: npm install --no-save pulsar-client@${clientVersion}`,
      { cause },
    );
  }
}
