import type { AdminAccess } from "../../resources/pulsar/adminApi.ts";
import { fakeClusters } from "./fakeClusters.ts";

/** API servers with Secrets that contain tokens, by name, and nothing else. They are closed at the end of the test file. */
export function tokenServers() {
  const { answering } = fakeClusters();
  return async (tokens: Record<string, string>) => {
    const cluster = await answering(({ url = "" }, response) => {
      const token = tokens[url.split("/").at(-1) ?? ""];
      const body =
        token === undefined
          ? { kind: "Status", message: "not found" }
          : { kind: "Secret", data: { TOKEN: Buffer.from(token).toString("base64") } };
      response.writeHead(token === undefined ? 404 : 200, { "content-type": "application/json" });
      response.end(JSON.stringify(body));
    });
    /** How to reach an admin API with the token of a Secret. */
    return (secret: string, address: string, ca?: string): AdminAccess => ({
      cluster,
      namespace: "pulsar",
      release: "pulsar",
      service: "pulsar-proxy",
      token: { secret, key: "TOKEN" },
      address,
      ca,
    });
  };
}
