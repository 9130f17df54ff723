import type { ResourceHandler, StandIn } from "../protocol.ts";
import { certRequest, locallySignedCert, secretInputs, selfSignedCert } from "./certificates.ts";
import { privateKey, secretOutputs } from "./privateKey.ts";

const handlers: Record<string, ResourceHandler> = {
  "tls:index/privateKey:PrivateKey": privateKey,
  "tls:index/selfSignedCert:SelfSignedCert": selfSignedCert,
  "tls:index/certRequest:CertRequest": certRequest,
  "tls:index/locallySignedCert:LocallySignedCert": locallySignedCert,
};

/** A stand-in for pulumi-resource-tls with the resources that the stack uses. */
export const tls = (): StandIn => ({
  name: "tls",
  version: "5.6.1",
  async configure() {
    // The setting `proxy` is for data sources, which are not implemented.
  },
  handler: (type) => handlers[type],
  secretOutputs: (type) => (handlers[type] === privateKey ? secretOutputs : secretInputs),
});
