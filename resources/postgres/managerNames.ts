import * as pulumi from "@pulumi/pulumi";
import type * as provider from "./managerNamesProvider.ts";
import type { SqlTarget } from "./sqlSession.ts";
import { storedProvider } from "../kit/storedProvider.ts";

export const managerNamesProvider = storedProvider<provider.ManagerNamesInputs, provider.ManagerNamesState>(
  "./resources/postgres/managerNamesProvider.ts",
);

/** The server, with the administrator's login. The password is always a secret in the state. */
export type ManagerNamesArgs = { [K in keyof SqlTarget]: pulumi.Input<SqlTarget[K]> } & {
  /** The names of the role and database that the stack will create. */
  names: provider.Names;
};

/**
 * Records in the state which of the names for role and database were taken when the stack first used them. It creates and refuses nothing.
 * An object that later exists under a free name, and is not in the state, is a leftover of an interrupted `up` (`leftoverHooks`). Role and
 * database must therefore depend on this resource.
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
