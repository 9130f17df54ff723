import { connect } from "node:net";
import { credentials } from "@grpc/grpc-js";
import engineGrpc from "@pulumi/pulumi/proto/engine_grpc_pb.js";
import engine from "@pulumi/pulumi/proto/engine_pb.js";

/** Messages of an operation. The engine shows them with the resource. */
export interface Diagnostics {
  info(message: string): void;
  warn(message: string): void;
  /** A status for the progress display only. The next one replaces it. */
  status(message: string): void;
}

/** {@link Diagnostics} with `flushed`, so that no message is lost when the engine stops the plugin. */
export interface Log extends Diagnostics {
  debug(message: string): void;
  flushed(): Promise<void>;
}

/** The engine that started this plugin. */
export interface Engine {
  logFor(urn: string): Log;
}

/** @param address - the engine's gRPC address, `127.0.0.1:<port>`. */
export function engineAt(address: string): Engine {
  const client = new engineGrpc.EngineClient(address, credentials.createInsecure());
  return {
    logFor(urn) {
      const sent: Promise<void>[] = [];
      const send = (severity: engine.LogSeverity, message: string, ephemeral = false): void => {
        const request = new engine.LogRequest();
        request.setSeverity(severity);
        request.setMessage(message);
        request.setUrn(urn);
        request.setEphemeral(ephemeral);
        // An undelivered message does not fail the operation.
        sent.push(
          new Promise((resolve) =>
            client.log(request, () => {
              resolve();
            }),
          ),
        );
      };
      return {
        debug: (message) => {
          send(engine.LogSeverity.DEBUG, message);
        },
        info: (message) => {
          send(engine.LogSeverity.INFO, message);
        },
        warn: (message) => {
          send(engine.LogSeverity.WARNING, message);
        },
        status: (message) => {
          send(engine.LogSeverity.INFO, message, true);
        },
        flushed: async () => {
          await Promise.all(sent);
        },
      };
    },
  };
}

/** Discards all messages. Used until the engine's address is known. */
export const noEngine: Engine = {
  logFor: () => ({
    debug: () => undefined,
    info: () => undefined,
    warn: () => undefined,
    status: () => undefined,
    flushed: async () => undefined,
  }),
};

/**
 * Calls `gone` once when the engine has ended: the parent process has ended, or the engine's address refuses connections twice in a row. A killed
 * engine cannot stop its plugins, and they must not outlive it.
 * @param address - the engine's address as given on the command line.
 */
export function whenEngineIsGone(address: string, gone: () => void): void {
  const parent = process.ppid;
  let refusals = 0;
  const timer = setInterval(() => {
    void reachable(address).then((answers) => {
      refusals = answers ? 0 : refusals + 1;
      if (process.ppid === parent && refusals < 2) return;
      clearInterval(timer);
      gone();
    });
  }, 1000);
  timer.unref();
}

async function reachable(address: string): Promise<boolean> {
  const { hostname, port } = new URL(`tcp://${address}`);
  return new Promise((resolve) => {
    const socket = connect(Number(port), hostname);
    const settle = (answer: boolean): void => {
      socket.destroy();
      resolve(answer);
    };
    socket.once("connect", () => {
      settle(true);
    });
    socket.once("error", () => {
      settle(false);
    });
  });
}
