import * as grpc from "@grpc/grpc-js";

/** An error with metadata. */
export class RpcError extends Error {
  readonly metadata: grpc.Metadata;

  constructor(message: string, metadata: grpc.Metadata) {
    super(message);
    this.metadata = metadata;
  }
}

/** A plugin that can be reached at `127.0.0.1:<port>`. */
export interface Listening {
  port: number;
  /** Closes every connection. */
  close: () => void;
}

/** A preview has large requests: the values of a chart, or a whole state. */
export const unlimited = { "grpc.max_receive_message_length": -1, "grpc.max_send_message_length": -1 };

/** Serves a plugin on a free port of the loopback interface. The plugin must print the port for the engine. */
export async function listen(
  definition: grpc.ServiceDefinition,
  implementation: grpc.UntypedServiceImplementation,
): Promise<Listening> {
  const server = new grpc.Server(unlimited);
  server.addService(definition, implementation);
  const port = await new Promise<number>((resolve, reject) => {
    server.bindAsync("127.0.0.1:0", grpc.ServerCredentials.createInsecure(), (error, port) => {
      if (error) reject(error);
      else resolve(port);
    });
  });
  return {
    port,
    close: () => {
      server.forceShutdown();
    },
  };
}

/**
 * Serves a plugin to every engine that attaches to it. Each connection has a service of its own, as if the engine had started a process for it.
 * @param make - gets a function to call when the engine has ended
 */
export function listenForEngines(
  definition: grpc.ServiceDefinition,
  make: (detached: () => void) => grpc.UntypedServiceImplementation,
): Promise<Listening> {
  const connected = new Map<string, grpc.UntypedServiceImplementation>();
  const methods = Object.keys(make(() => undefined)).map((method) => {
    const answer: grpc.handleUnaryCall<unknown, unknown> = (call, callback) => {
      const peer = call.getPeer();
      const known = connected.get(peer);
      // An engine begins with a handshake. A port of an earlier one may be in use again.
      const own = known && method !== "handshake" ? known : make(() => connected.delete(peer));
      connected.set(peer, own);
      (own[method] as typeof answer)(call, callback);
    };
    return [method, answer] as const;
  });
  return listen(definition, Object.fromEntries(methods));
}

/** A gRPC method from an async function. Like official plugins, it answers every error with the code UNKNOWN and the message. */
export function unary<Request, Response>(
  answer: (request: Request) => Promise<Response>,
): grpc.handleUnaryCall<Request, Response> {
  return (call, callback) => {
    answer(call.request).then(
      (response) => {
        callback(null, response);
      },
      (error: unknown) => {
        const details = error instanceof Error ? error.message : String(error);
        const metadata = error instanceof RpcError ? error.metadata : new grpc.Metadata();
        callback({ code: grpc.status.UNKNOWN, details, metadata });
      },
    );
  };
}
