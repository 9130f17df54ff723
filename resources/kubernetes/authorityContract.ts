import * as pulumi from "@pulumi/pulumi";
import type { Authorities } from "../../model/tlsSettings.ts";
import { checkingProvider } from "../kit/storedProvider.ts";

export const authorityContractProvider = checkingProvider<Authorities, Authorities>(
  "./resources/kubernetes/authorityContractProvider.ts",
);

/**
 * Records in the state which CA signs and which CAs are trusted; it creates nothing. Its `check` refuses a change that would leave pods that do not
 * trust each other; see `authorityBreaches`.
 *
 * One contract before everything else refuses before anything changes. A second one after the restart of the pods also knows of an update that failed
 * before it.
 */
export class AuthorityContract extends pulumi.dynamic.Resource {
  constructor(name: string, { authority, trusted }: Authorities, opts?: pulumi.CustomResourceOptions) {
    super(authorityContractProvider, name, { authority, trusted }, opts, "pulsar", "AuthorityContract");
  }
}
