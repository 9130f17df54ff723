import * as k8s from "@pulumi/kubernetes";
import * as pulumi from "@pulumi/pulumi";
import { maxLabelLength } from "../model/charts/names.ts";
import { shortHash } from "../model/encoding.ts";
import type { Toleration } from "../model/layouts/layout.ts";
import { jobLabels, runAgain, templateHash } from "./stackJob.ts";
import type { PlannedVolume } from "../model/volumes.ts";

export interface LocalVolumesArgs {
  /** Namespace of the claims and of the Jobs that make the directories. */
  namespace: pulumi.Input<string>;
  /** Helm release; the Jobs' names start with it. */
  release: string;
  /** What to make, from `planVolumes`. A change of a volume's node or path leaves its data behind; `VolumeContract` refuses it before. */
  volumes: PlannedVolume[];
  /** Whether the engine refuses to delete or replace the volumes, also on `destroy`. @default false */
  protect?: boolean;
  /** Pods, such as "bookie-1", whose data is given up: their volumes are not protected. @default none */
  moved?: string[];
  /** The class of volumes and claims; `create` false where the cluster already has it. */
  storageClass: { name: string; create: boolean };
  /**
   * Makes the directories on the nodes by a Job a node. Left out, they must exist before the first `up` (or the node refuses the mount).
   * Needs a namespace whose Pod Security level allows hostPath.
   */
  directories?: {
    /** An image the nodes pull anyway; nothing of it is run but `true`. */
    image: string;
    pullSecret?: string;
    tolerations: Toleration[];
    /**
     * What must be there before the Job of a node starts: its own labels and taints, and the pull secret. Not those of all nodes: that would
     * be a dependency for every pair of nodes.
     */
    after: (node: string) => pulumi.Resource[];
  };
}

/**
 * The claims are waited for until they are bound. Of a class that binds at the first consumer the provider otherwise waits for Pending
 * (pulumi-kubernetes 4.32 to 4.34), which these claims, bound at once as they name their volume, may have left before it looks.
 */
const waitUntilBound = { "pulumi.com/waitFor": "jsonpath={.status.phase}=Bound" };

/**
 * The local disks of ZooKeeper and the bookies: StorageClass, one PersistentVolume for each claim of the chart,
 * pinned to its node and pre-bound, the claims themselves, and the directories on the nodes.
 *
 * The claims are made here rather than left to the StatefulSets, which would take over what they find: a claim that outlives the release
 * in a namespace that is not the stack's would hold its volume for ever on `destroy` (the finalizer kubernetes.io/pv-protection).
 *
 * Data is never deleted: reclaim policy Retain, and a local volume's directory is nobody's to remove but the operator's. A new cluster over
 * old directories does not start (ZooKeeper empty, bookies with a cookie: InvalidCookieException); docs/troubleshooting.md says what to do.
 */
export class LocalVolumes extends pulumi.ComponentResource {
  constructor(name: string, args: LocalVolumesArgs, opts?: pulumi.ComponentResourceOptions) {
    super("pulsar:components:LocalVolumes", name, {}, opts);

    const storageClass = args.storageClass.create
      ? [
          new k8s.storage.v1.StorageClass(
            `${name}-storage-class`,
            {
              metadata: { name: args.storageClass.name },
              provisioner: "kubernetes.io/no-provisioner",
              volumeBindingMode: "WaitForFirstConsumer",
              reclaimPolicy: "Retain",
            },
            { parent: this },
          ),
        ]
      : [];

    for (const volume of args.volumes) {
      const persistentVolume = new k8s.core.v1.PersistentVolume(
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
          dependsOn: storageClass,
          // Nothing else of a volume can be changed where it is. It keeps its name, so the old one goes first.
          replaceOnChanges: ["spec.nodeAffinity", "spec.local", "spec.storageClassName"],
          deleteBeforeReplace: true,
          // Without it a slip (`destroy --target`, a renamed resource, a list shortened by hand in the state) deletes the cluster's only
          // record of which disk holds this pod's data; the directory stays, but what is made next may be pinned to another. Never the
          // claims: the engine replaces no volume whose claim is protected in the state, not even one that it has been told to.
          protect: args.protect === true && !args.moved?.includes(volume.pod),
        },
      );
      new k8s.core.v1.PersistentVolumeClaim(
        `${name}-${volume.volume}-${volume.ordinal}-claim`,
        {
          metadata: { name: volume.claim, namespace: args.namespace, annotations: waitUntilBound },
          spec: {
            accessModes: ["ReadWriteOnce"],
            storageClassName: args.storageClass.name,
            // From the volume itself: the engine replaces a claim with its volume, and deletes it first, only for a dependency by value.
            volumeName: persistentVolume.metadata.name,
            resources: { requests: { storage: volume.request } },
          },
        },
        // The whole, as that is all the engine knows to be unknown when it asks which dependents a replacement takes along.
        { parent: this, replaceOnChanges: ["spec"] },
      );
    }

    if (args.directories) this.makeDirectories(name, args, args.directories);
    this.registerOutputs({});
  }

  /** A Job on each node that mounts the directories as hostPath; the kubelet makes what is missing (DirectoryOrCreate). */
  private makeDirectories(
    name: string,
    { namespace, release, volumes }: LocalVolumesArgs,
    { image, pullSecret, tolerations, after }: NonNullable<LocalVolumesArgs["directories"]>,
  ) {
    const labels = jobLabels(release, "directories");
    for (const node of new Set(volumes.map((volume) => volume.node))) {
      const here = volumes.filter((volume) => volume.node === node);
      const paths = [...new Set(here.map((volume) => volume.path))].map((path, i) => ({
        path,
        mount: `directory-${i}`,
      }));
      const template = {
        metadata: { labels },
        spec: {
          restartPolicy: "Never",
          nodeSelector: { "kubernetes.io/hostname": here[0]?.hostname ?? node },
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
      new k8s.batch.v1.Job(
        `${name}-directories-${node}`,
        { metadata: { name: jobName, namespace, labels, annotations: runAgain }, spec: { backoffLimit: 3, template } },
        { parent: this, dependsOn: after(node) },
      );
    }
  }
}

/** A Job's name becomes a label of its pods. One that is too long for that is cut, and a hash tells it from others. */
export function shortened(jobName: string): string {
  if (jobName.length <= maxLabelLength) return jobName;
  const end = `-${shortHash(jobName)}`;
  // No dot may stand before the hyphen.
  return jobName.slice(0, maxLabelLength - end.length).replace(/[-.]+$/, "") + end;
}
