import * as pulumi from "@pulumi/pulumi";
import type * as provider from "./managerNamesProvider.ts";
import type { SqlTarget } from "./sqlSession.ts";
import { storedProvider } from "../kit/storedProvider.ts";

export const managerNamesProvider = storedProvider<provider.ManagerNamesInputs, provider.ManagerNamesState>(
  "./resources/postgres/managerNamesProvider.ts",
);

/** The server as its administrator reaches it; the password is a secret in the state whether or not it is given as one. */
export type ManagerNamesArgs = { [K in keyof SqlTarget]: pulumi.Input<SqlTarget[K]> } & {
  /** The names under which role and database are to be made. */
  names: provider.Names;
};

/**
 * Notes down in the state which of the names for role and database were taken when the stack first set out to use them; it makes nothing and
 * refuses nothing. What exists later under a name that was free, and is not in the state, is what an interrupted `up` has left
 * (`leftoverHooks`). So it comes before both.
 */
export class ManagerNames extends pulumi.dynamic.Resource {
  declare readonly taken: pulumi.Output<(keyof provider.Names)[]>;

  constructor(name: string, args: ManagerNamesArgs, opts?: pulumi.CustomResourceOptions) {
    super(
      managerNamesProvider,
      name,
      { ...args, password: pulumi.secret(args.password), taken: undefined },
      pulumi.mergeOptions(opts, { additionalSecretOutputs: ["password"] }),
      "pulsar",
      "ManagerNames",
    );
  }
}
