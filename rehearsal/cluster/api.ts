import { once, type EventEmitter } from "node:events";
import type { IncomingMessage } from "node:http";
import { request, type RequestOptions } from "node:https";
import { PassThrough } from "node:stream";
import { text } from "node:stream/consumers";
import type {
  AppsV1Api,
  BatchV1Api,
  CoordinationV1Api,
  CoreV1Api,
  KubernetesObjectApi,
  RequestContext,
  V1Status,
} from "@kubernetes/client-node";

/** The parts of the Kubernetes API that the rehearsal uses. */
export interface Api {
  core: CoreV1Api;
  apps: AppsV1Api;
  batch: BatchV1Api;
  /** For the leases of kubelets. */
  coordination: CoordinationV1Api;
  /** For objects of any kind. */
  objects: KubernetesObjectApi;
  /** GET of a path, with the content type `accept`. @throws Error unless the status is 200 */
  get<T>(path: string, accept: string): Promise<T>;
  /** Runs a command in a container. @returns its exit status. @throws Error if the command cannot be started */
  exec(container: { namespace: string; pod: string; container: string }, command: string[]): Promise<number>;
}

/** An API object as plain data instead of an instance of the client's classes. */
export type Plain<T> = T extends Date ? T : T extends object ? { [K in keyof T]: Plain<T[K]> } : T;

/**
 * A client for the current context of a kubeconfig: the path of a file, or its text. The library is imported on demand, because it takes 0.25 s
 * to load.
 */
export async function connect(kubeconfig: string | { text: string }): Promise<Api> {
  const k8s = await import("@kubernetes/client-node");
  /** Keeps connections open. The library (2.0.1) opens one for each request, and the TLS handshakes take longer than the requests. */
  class KubeConfig extends k8s.KubeConfig {
    #connections: ReturnType<RequestContext["getDispatcher"]>;

    override async applySecurityAuthentication(context: RequestContext): Promise<void> {
      if (this.#connections) context.setDispatcher(this.#connections);
      else await super.applySecurityAuthentication(context);
      this.#connections = context.getDispatcher();
    }
  }
  const config = new KubeConfig();
  if (typeof kubeconfig === "string") config.loadFromFile(kubeconfig);
  else config.loadFromString(kubeconfig.text);
  const access: RequestOptions = {};
  await config.applyToHTTPSOptions(access);
  // For the same reason: Node's default agent keeps connections open.
  delete access.agent;
  return {
    core: config.makeApiClient(k8s.CoreV1Api),
    apps: config.makeApiClient(k8s.AppsV1Api),
    batch: config.makeApiClient(k8s.BatchV1Api),
    coordination: config.makeApiClient(k8s.CoordinationV1Api),
    objects: k8s.KubernetesObjectApi.makeApiClient(config),
    async get<T>(path: string, accept: string): Promise<T> {
      const url = `${config.getCurrentCluster()?.server ?? ""}${path}`;
      const [response] = (await once(request(url, { ...access, headers: { accept } }).end(), "response")) as [
        IncomingMessage,
      ];
      const body = await text(response);
      if (response.statusCode !== 200) throw new Error(`GET ${path}: ${body}`);
      return JSON.parse(body) as T;
    },
    async exec({ namespace, pod, container }, command) {
      const { status, message, details } = await new Promise<V1Status>((resolve, reject) => {
        // The API needs a stream for at least one of the outputs.
        const output = new PassThrough().resume();
        new k8s.Exec(config)
          .exec(namespace, pod, container, command, output, null, null, false, resolve)
          .then((socket: EventEmitter) => {
            socket.on("close", () => {
              reject(new Error("the connection was closed"));
            });
          }, reject);
      });
      if (status === "Success") return 0;
      const code = details?.causes?.find(({ reason }) => reason === "ExitCode")?.message;
      if (code === undefined) throw new Error(message);
      return Number(code);
    },
  };
}
