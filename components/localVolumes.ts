import { Job } from "@pulumi/kubernetes/batch/v1/job.js";
import { PersistentVolume } from "@pulumi/kubernetes/core/v1/persistentVolume.js";
import { PersistentVolumeClaim } from "@pulumi/kubernetes/core/v1/persistentVolumeClaim.js";
import { StorageClass } from "@pulumi/kubernetes/storage/v1/storageClass.js";
import * as pulumi from "@pulumi/pulumi";
import { podLabels } from "../model/charts/cluster.ts";
import { maxLabelLength } from "../model/charts/names.ts";
import { shortHash } from "../model/encoding.ts";
import type { Toleration } from "../model/layouts/layout.ts";
import { dependencies } from "./dependencies.ts";
import { runAgain, templateHash } from "./stackJob.ts";
import type { PlannedVolume, VolumeSettings } from "../model/volumes.ts";

export interface LocalVolumesArgs {
  /** Namespace of the claims and of the Jobs that create the directories. */
  namespace: pulumi.Input<string>;
  /** Helm release. The Jobs' names start with it. */
  release: string;
  /** From `planVolumes`. Changing a volume's node or path would leave its data behind; `VolumeContract` refuses that first. */
  volumes: PlannedVolume[];
  /** Whether the engine refuses to delete or replace the volumes, including on `destroy`. @default false */
  protect?: boolean;
  /** Pods, for example "bookie-1", whose data is discarded: their volumes are not protected. @default none */
  moved?: string[];
  /** Storage class of the volumes and claims. Set `create` to false if the cluster already has it. */
  storageClass: VolumeSettings["storageClass"];
  /**
   * Creates the directories with a Job on each node. The namespace's Pod Security level must allow hostPath volumes. If omitted, the
   * directories must exist before the first `up`, or the kubelet refuses the mount.
   */
  directories?: {
    /** An image that the nodes pull anyway. The Job runs only `true`. */
    image: string;
    pullSecret?: string;
    tolerations: Toleration[];
    /**
     * What the Job of a node depends on: the labels and taints of this node, and the pull secret. Depending on the labels and taints of all
     * nodes would add a dependency for every pair of nodes.
     */
    dependsOn: (node: string) => pulumi.Resource[];
  };
}

/**
 * Makes the provider wait until a claim is bound. With WaitForFirstConsumer it otherwise waits for Pending (pulumi-kubernetes 4.32 to 4.34),
 * a phase that these claims leave at once, because they name their volume.
 */
const waitUntilBound = { "pulumi.com/waitFor": "jsonpath={.status.phase}=Bound" };

/**
 * The local disks of ZooKeeper and the bookies: the StorageClass, a PersistentVolume for each claim of the chart, pinned to its node and
 * pre-bound, the claims, and the directories on the nodes.
 *
 * The StatefulSets use the claims that they find. The stack creates them, so that a `destroy` deletes them: in a namespace that the stack does
 * not own, a claim left by a StatefulSet would block the deletion of its volume (the finalizer kubernetes.io/pv-protection).
 *
 * Data is never deleted: the reclaim policy is Retain, and only the operator removes directories. A new cluster on old directories does not
 * start (ZooKeeper is empty and the bookies have a cookie: InvalidCookieException); see docs/troubleshooting.md.
 */
export class LocalVolumes extends pulumi.ComponentResource {
  constructor(name: string, args: LocalVolumesArgs, opts?: pulumi.ComponentResourceOptions) {
    super("pulsar:components:LocalVolumes", name, {}, opts);

    const storageClass = args.storageClass.create
      ? new StorageClass(
          `${name}-storage-class`,
          {
            metadata: { name: args.storageClass.name },
            provisioner: "kubernetes.io/no-provisioner",
            volumeBindingMode: "WaitForFirstConsumer",
            reclaimPolicy: "Retain",
          },
          { parent: this },
        )
      : undefined;

    for (const volume of args.volumes) {
      const persistentVolume = new PersistentVolume(
        `${name}-${volume.volume}-${volume.ordinal}`,
        {
          metadata: { name: volume.claim },
          spec: {
            capacity: { storage: volume.size },
            accessModes: ["ReadWriteOnce"],
            persistentVolumeReclaimPolicy: "Retain",
            storageClassName: args.storageClass.name,
            local: { path: volume.path },
            claimRef: { name: volume.claim, namespace: args.namespace },
            nodeAffinity: {
              required: {
                nodeSelectorTerms: [
                  { matchExpressions: [{ key: "kubernetes.io/hostname", operator: "In", values: [volume.hostname] }] },
                ],
              },
            },
          },
        },
        {
          parent: this,
          dependsOn: dependencies(storageClass),
          // These fields are immutable. The new volume has the same name, so the old one is deleted first.
          replaceOnChanges: ["spec.nodeAffinity", "spec.local", "spec.storageClassName"],
          deleteBeforeReplace: true,
          // A mistake such as `destroy --target` would delete the cluster's only record of which disk holds this pod's data. The claims are
          // not protected: the engine cannot replace a volume whose claim is protected in the state.
          protect: args.protect === true && !args.moved?.includes(volume.pod),
        },
      );
      new PersistentVolumeClaim(
        `${name}-${volume.volume}-${volume.ordinal}-claim`,
        {
          metadata: { name: volume.claim, namespace: args.namespace, annotations: waitUntilBound },
          spec: {
            accessModes: ["ReadWriteOnce"],
            storageClassName: args.storageClass.name,
            // An output of the volume: only a dependency by value makes the engine replace the claim together with its volume.
            volumeName: persistentVolume.metadata.name,
            resources: { requests: { storage: volume.request } },
          },
        },
        // All of `spec`: while a replacement is planned, the engine knows no single field of it that is unknown.
        { parent: this, replaceOnChanges: ["spec"] },
      );
    }

    if (args.directories) this.createDirectories(name, args, args.directories);
    this.registerOutputs({});
  }

  /** A Job on each node that mounts the directories as hostPath volumes; the kubelet creates missing ones (DirectoryOrCreate). */
  private createDirectories(
    name: string,
    { namespace, release, volumes }: LocalVolumesArgs,
    { image, pullSecret, tolerations, dependsOn }: NonNullable<LocalVolumesArgs["directories"]>,
  ) {
    const labels = podLabels(release, "directories");
    for (const node of new Set(volumes.map((volume) => volume.node))) {
      const onNode = volumes.filter((volume) => volume.node === node);
      const paths = [...new Set(onNode.map((volume) => volume.path))].map((path, i) => ({
        path,
        mount: `directory-${i}`,
      }));
      const template = {
        metadata: { labels },
        spec: {
          restartPolicy: "Never",
          nodeSelector: { "kubernetes.io/hostname": onNode[0]?.hostname ?? node },
          tolerations,
          imagePullSecrets: pullSecret === undefined ? undefined : [{ name: pullSecret }],
          automountServiceAccountToken: false,
          containers: [
            {
              name: "directories",
              image,
              command: ["true"],
              volumeMounts: paths.map(({ mount, path }) => ({ name: mount, mountPath: path })),
            },
          ],
          volumes: paths.map(({ mount, path }) => ({
            name: mount,
            hostPath: { path, type: "DirectoryOrCreate" },
          })),
        },
      };
      const jobName = shortened(`${release}-directories-${node}-${templateHash(template)}`);
      new Job(
        `${name}-directories-${node}`,
        { metadata: { name: jobName, namespace, labels, annotations: runAgain }, spec: { backoffLimit: 3, template } },
        { parent: this, dependsOn: dependsOn(node) },
      );
    }
  }
}

/** Cuts a Job's name to the length of a label, because it becomes a label of the Job's pods, and appends a hash to keep it unique. */
export function shortened(jobName: string): string {
  if (jobName.length <= maxLabelLength) return jobName;
  const end = `-${shortHash(jobName)}`;
  // A dot before the hyphen is not allowed.
  return jobName.slice(0, maxLabelLength - end.length).replace(/[-.]+$/, "") + end;
}
