import { ConfigMap } from "@pulumi/kubernetes/core/v1/configMap.js";
import { Secret } from "@pulumi/kubernetes/core/v1/secret.js";
import { ServiceAccountPatch } from "@pulumi/kubernetes/core/v1/serviceAccountPatch.js";
import { Release } from "@pulumi/kubernetes/helm/v3/release.js";
import * as pulumi from "@pulumi/pulumi";
import { base64, shortHash } from "../model/encoding.ts";
import { type ManagerCredentials, merge, type PulsarCluster, type Values } from "../model/charts/cluster.ts";
import { chartLine, type ChartSettings } from "../model/charts/lines.ts";
import { fullName } from "../model/charts/names.ts";
import { frontEndConfig } from "../model/managerFrontEnd.ts";
import type { ClusterRef } from "../model/clusterRef.ts";
import { releaseHooks } from "../resources/kubernetes/helmRecord.ts";
import { dependencies } from "./dependencies.ts";

export interface PulsarReleaseArgs {
  /** Namespace of the release. The release depends on it. */
  namespace: pulumi.Input<string>;
  /** What must exist before Helm starts: nodes, volumes, token Secrets, database. */
  prerequisites: pulumi.Resource[];
  /** The Kubernetes cluster and the name of the namespace, for the checks before Helm runs: see `releaseHooks`. */
  kubernetes: { cluster: ClusterRef; namespace: string };
  /** Name of the Helm release, and prefix of StatefulSets and claims. Changing it creates another, empty cluster. */
  release: string;
  chart: ChartSettings;
  /** Input for the chart's values. */
  cluster: Omit<PulsarCluster, "release" | "manager"> & {
    manager: Pick<PulsarCluster["manager"], "jdbcUrl" | "token">;
  };
  /** Pulsar Manager's credentials for its database, and its login. Secret. */
  managerCredentials: Record<keyof ManagerCredentials, { user: string; password: pulumi.Input<string> }>;
  /** Chart values that override those of the program. They must not contain secrets. @default none */
  values?: Values;
}

/** Addresses inside the cluster. Known at preview. */
export interface ServiceAddresses {
  /** For Pulsar clients: `pulsar://...:6650`, or with TLS `pulsar+ssl://...:6651` */
  proxy: string;
  /** For `pulsar-admin` and the REST API: `http://...:80`, or with TLS `https://...:443` */
  admin: string;
  /** Web page of Pulsar Manager: `http://...:9527` */
  manager: string;
}

/**
 * The Helm release of Pulsar, with the manager's credentials, the configuration of the manager's nginx if the chart takes one, and the pull
 * secret of the `default` ServiceAccount.
 */
export class PulsarRelease extends pulumi.ComponentResource {
  readonly addresses: pulumi.Output<ServiceAddresses>;
  /** A hash of everything that causes an upgrade: it changes when an `up` upgrades the release. */
  readonly revision: string;
  /** The Helm release. Everything inside Pulsar is deleted with it. */
  readonly release: pulumi.Resource;

  constructor(name: string, args: PulsarReleaseArgs, opts?: pulumi.ComponentResourceOptions) {
    super("pulsar:components:PulsarRelease", name, {}, opts);
    const line = chartLine(args.chart.version);
    const full = fullName(args.release);

    // The Secret holds the manager's login too.
    const secretName = `${full}-manager-database`;
    const managerSecret = new Secret(
      `${name}-manager-database`,
      {
        metadata: { name: secretName, namespace: args.namespace },
        type: "Opaque",
        data: pulumi.secret(args.managerCredentials).apply((credentials) => encoded(line.managerSecret(credentials))),
      },
      { parent: this },
    );

    const frontEndFile = frontEndConfig(args.release);
    const frontEndName = `${full}-manager-front-end-${shortHash(frontEndFile)}`;
    const frontEnd = line.manager.takesFrontEnd
      ? new ConfigMap(
          `${name}-manager-front-end`,
          { metadata: { name: frontEndName, namespace: args.namespace }, data: { "default.conf": frontEndFile } },
          { parent: this },
        )
      : undefined;

    // Pods without a ServiceAccount run as `default`, for example ZooKeeper and the init Jobs (chart 2.7.7). It needs the pull secret before
    // the first of these pods is created.
    const { pullSecret } = args.cluster.images;
    const defaultAccount =
      pullSecret === undefined || line.givesPullSecret
        ? undefined
        : new ServiceAccountPatch(
            `${name}-default-account`,
            { metadata: { name: "default", namespace: args.namespace }, imagePullSecrets: [{ name: pullSecret }] },
            { parent: this },
          );

    const manager = { ...args.cluster.manager, secret: secretName, frontEnd: frontEndName };
    const values = merge(line.values({ ...args.cluster, release: args.release, manager }), args.values ?? {});
    const description = `chart ${args.chart.version}, post-renderer ${line.postrenderHash}`;
    const chart = { ...chartLocation(args.chart), description };
    const release = new Release(
      `${name}-release`,
      {
        name: args.release,
        namespace: args.namespace,
        ...chart,
        values,
        postrender: line.postrender,
        timeout: args.chart.timeoutMinutes * 60,
        waitForJobs: true,
        maxHistory: 10,
      },
      {
        parent: this,
        dependsOn: dependencies(managerSecret, frontEnd, defaultAccount, ...args.prerequisites),
        hooks: releaseHooks(args.kubernetes.cluster, args.kubernetes.namespace, args.release, pullSecret, {
          chart: args.chart.version,
          ...line.kubernetes,
        }),
        // Pulumi must not time out before Helm.
        customTimeouts: minutes(args.chart.timeoutMinutes + 5),
      },
    );

    this.addresses = pulumi.output(args.namespace).apply((namespace) => {
      const host = (service: string) => `${full}-${service}.${namespace}.svc`;
      return {
        ...(args.cluster.tls
          ? { proxy: `pulsar+ssl://${host("proxy")}:6651`, admin: `https://${host("proxy")}:443` }
          : { proxy: `pulsar://${host("proxy")}:6650`, admin: `http://${host("proxy")}:80` }),
        manager: `http://${host("pulsar-manager")}:9527`,
      };
    });
    this.revision = shortHash(JSON.stringify([chart, values]));
    this.release = release;
    this.registerOutputs({ addresses: this.addresses });
  }
}

function minutes(count: number): pulumi.CustomTimeouts {
  return { create: `${count}m`, update: `${count}m`, delete: `${count}m` };
}

function encoded(data: Record<string, string>): Record<string, string> {
  return Object.fromEntries(Object.entries(data).map(([key, value]) => [key, base64(value)]));
}

/** The Release's arguments for its chart. Helm ignores the version of a chart on disk; the settings check it. */
function chartLocation({ source, version }: ChartSettings) {
  return /^https?:/.test(source)
    ? { chart: "pulsar", version, repositoryOpts: { repo: source } }
    : { chart: source, version };
}
