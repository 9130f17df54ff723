import type { StandIn } from "../protocol.ts";
import { privateKey, secretOutputs } from "./privateKey.ts";

/** Stands in for pulumi-resource-tls as far as the stack uses it: private keys. */
export const tls: StandIn = {
  name: "tls",
  version: "5.6.1",
  async configure() {
    // The `proxy` setting concerns data sources that fetch certificates; there are none here.
  },
  handler: (type) => (type === "tls:index/privateKey:PrivateKey" ? privateKey : undefined),
  secretOutputs: () => secretOutputs,
};
