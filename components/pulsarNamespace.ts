import { Namespace } from "@pulumi/kubernetes/core/v1/namespace.js";
import { Secret } from "@pulumi/kubernetes/core/v1/secret.js";
import * as pulumi from "@pulumi/pulumi";
import { base64 } from "../model/encoding.ts";

export interface PulsarNamespaceArgs {
  /** Name of the namespace. */
  name: string;
  /** Whether the stack creates the namespace, and deletes it on `destroy`. If false, it must exist. */
  create: boolean;
  /** Whether the engine refuses to delete it, including on `destroy`. @default false */
  protect?: boolean;
  /** Name of the Secret for pulling images. @default none */
  pullSecret?: string;
  /** A Docker configuration in JSON. Secret. If omitted, `pullSecret` must exist. */
  pullCredentials?: pulumi.Input<string>;
}

/** The namespace of all namespaced objects, with the registry's pull secret. */
export class PulsarNamespace extends pulumi.ComponentResource {
  /** Name of the namespace. Resources that use it depend on the namespace. */
  readonly namespaceName: pulumi.Output<string>;

  constructor(name: string, args: PulsarNamespaceArgs, opts?: pulumi.ComponentResourceOptions) {
    super("pulsar:components:PulsarNamespace", name, {}, opts);

    this.namespaceName = args.create
      ? new Namespace(
          `${name}-namespace`,
          { metadata: { name: args.name } },
          // Kubernetes deletes everything in a namespace with it: the keys, the claims, and objects of others.
          { parent: this, protect: args.protect },
        ).metadata.name
      : pulumi.output(args.name);

    if (args.pullSecret !== undefined && args.pullCredentials !== undefined) {
      new Secret(
        `${name}-pull-secret`,
        {
          metadata: { name: args.pullSecret, namespace: this.namespaceName },
          type: "kubernetes.io/dockerconfigjson",
          data: { ".dockerconfigjson": pulumi.secret(args.pullCredentials).apply(base64) },
        },
        { parent: this },
      );
    }
    this.registerOutputs({ namespaceName: this.namespaceName });
  }
}
