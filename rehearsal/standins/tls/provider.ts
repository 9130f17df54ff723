import type { StandIn } from "../protocol.ts";
import { privateKey, secretOutputs } from "./privateKey.ts";

/** A stand-in for pulumi-resource-tls with the resource that the stack uses: PrivateKey. */
export const tls: StandIn = {
  name: "tls",
  version: "5.6.1",
  async configure() {
    // The setting `proxy` is for data sources, which are not implemented.
  },
  handler: (type) => (type === "tls:index/privateKey:PrivateKey" ? privateKey : undefined),
  secretOutputs: () => secretOutputs,
};
