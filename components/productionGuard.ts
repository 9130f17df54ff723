import * as pulumi from "@pulumi/pulumi";

/**
 * Stands in the way of `pulumi destroy` on a production stack. It makes nothing; it depends on everything else, so it would be the first to go,
 * and being protected it does not: the engine stops before anything is touched. Protection of the volumes alone would not do, for what depends
 * on them, the Helm release above all, goes before them.
 *
 * How a production stack is taken down on purpose: docs/operations/restore-after-destroy.md.
 */
export class ProductionGuard extends pulumi.ComponentResource {
  constructor(name: string, everything: pulumi.Resource[]) {
    super("pulsar:components:ProductionGuard", name, {}, { protect: true, dependsOn: everything });
    this.registerOutputs({});
  }
}
