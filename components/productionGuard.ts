import * as pulumi from "@pulumi/pulumi";

/**
 * Blocks `pulumi destroy` on a production stack. It creates nothing. It depends on everything else, so a destroy deletes it first, and it is
 * protected, so the engine stops before it changes anything. Protecting only the volumes is not enough: a destroy deletes the Helm release
 * before them.
 *
 * docs/operations/restore-after-destroy.md describes how to destroy a production stack on purpose.
 */
export class ProductionGuard extends pulumi.ComponentResource {
  constructor(name: string, resources: pulumi.Resource[]) {
    super("pulsar:components:ProductionGuard", name, {}, { protect: true, dependsOn: resources });
    this.registerOutputs({});
  }
}
