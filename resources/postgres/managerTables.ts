import * as pulumi from "@pulumi/pulumi";
import type * as provider from "./managerTablesProvider.ts";
import { storedProvider } from "../kit/storedProvider.ts";

export const managerTablesProvider = storedProvider<provider.ManagerTablesInputs, provider.ManagerTablesState>(
  "./resources/postgres/managerTablesProvider.ts",
);

/** The inputs. The password is always a secret in the state. */
type ManagerTablesArgs = {
  [K in keyof provider.ManagerTablesInputs]: pulumi.Input<provider.ManagerTablesInputs[K]>;
};

/** The tables of Pulsar Manager in an existing database, created by its own role. A refresh detects a missing table; the next `up` creates it. */
export class ManagerTables extends pulumi.dynamic.Resource {
  constructor(name: string, args: ManagerTablesArgs, opts?: pulumi.CustomResourceOptions) {
    super(
      managerTablesProvider,
      name,
      { ...args, password: pulumi.secret(args.password), sha256: undefined },
      pulumi.mergeOptions(opts, { additionalSecretOutputs: ["password"] }),
      "pulsar",
      "ManagerTables",
    );
  }
}
