import * as k8s from "@pulumi/kubernetes";
import * as pulumi from "@pulumi/pulumi";
import { type StackTask, taskJobName } from "../model/charts/names.ts";
import { shortHash } from "../model/encoding.ts";
import type { Placement } from "../model/layouts/layout.ts";

/** Files that a Job's pod gets from a Secret. */
export interface SecretFiles {
  /** Name of the Secret. */
  secret: string;
  /** Absolute path of the folder they are in. */
  folder: string;
  /** Name of the file by key of the Secret. */
  files: Record<string, string>;
}

/** Where a Job of the stack runs, and as what. */
export interface StackJobPlace {
  namespace: pulumi.Input<string>;
  /** Helm release that the Job works on. */
  release: string;
  image: string;
  pullSecret?: string | undefined;
  placement: Pick<Placement, "nodeSelector" | "tolerations">;
}

export interface StackJobArgs extends StackJobPlace {
  /** What it does: the end of its name, and the label `component` of its pods. */
  task: StackTask;
  /** What `sh` runs. It bounds itself: a deadline of the Job's would take the pod's last words with it. */
  script: pulumi.Input<string>;
  /** The script's environment; no secrets. */
  env?: Record<string, pulumi.Input<string>>;
  /** What is secret comes as files, so that it is in nobody's environment or command line. */
  secrets?: SecretFiles[];
  /** What besides the pod's template makes the Job run again when it changes; not secret. @default nothing */
  run?: pulumi.Input<string>;
  /** How often it is tried again after a failure. @default 6, Kubernetes' own */
  retries?: number;
}

/**
 * Annotations of a Job that the next `up` replaces if it has not succeeded. Without them the provider (pulumi-kubernetes 4.34) only waits again
 * for the Job that has failed.
 */
export const runAgain = { "pulumi.com/replaceUnready": "true" };

/** The labels of a Job's pods, like those of the chart's: network policies and the rehearsal know pods by them. */
export function jobLabels(release: string, task: string): Record<string, string> {
  return { app: "pulsar", release, component: task };
}

/**
 * The part of a Job's name that stands for its pods' template, which cannot be changed: with another one the Job is another one. By one name
 * it could only be replaced after a deletion, which a preview cannot try on the server ("field is immutable").
 */
export function templateHash(template: object, run = ""): string {
  return shortHash(JSON.stringify([run, template]));
}

/**
 * A Job of the stack's own, which an `up` waits for. Where it fails, the `up` does, with the last lines the pod has said (2 KiB, 80 lines
 * at most: Kubernetes, FallbackToLogsOnError), and the next `up` runs it again.
 */
export function stackJob(name: string, args: StackJobArgs, opts: pulumi.CustomResourceOptions): k8s.batch.v1.Job {
  const { namespace, release, task, image, pullSecret, placement, script, env = {}, secrets = [], run, retries } = args;
  const labels = jobLabels(release, task);
  const template = pulumi.output({
    metadata: { labels },
    spec: {
      // Failed pods stay and can be looked at.
      restartPolicy: "Never",
      nodeSelector: placement.nodeSelector,
      tolerations: placement.tolerations,
      imagePullSecrets: pullSecret === undefined ? undefined : [{ name: pullSecret }],
      automountServiceAccountToken: false,
      containers: [
        {
          name: task,
          image,
          command: ["sh", "-c"],
          args: [script],
          env: Object.entries(env).map(([variable, value]) => ({ name: variable, value })),
          terminationMessagePolicy: "FallbackToLogsOnError",
          volumeMounts: secrets.map(({ folder }, i) => ({
            name: volumeName(i),
            mountPath: folder,
            readOnly: true,
          })),
        },
      ],
      volumes: secrets.map(({ secret, files }, i) => ({
        name: volumeName(i),
        secret: { secretName: secret, items: Object.entries(files).map(([key, path]) => ({ key, path })) },
      })),
    },
  });
  const jobName = pulumi
    .all([template, run])
    .apply(([made, told]) => taskJobName(release, task, templateHash(made, told)));
  return new k8s.batch.v1.Job(
    name,
    {
      metadata: { name: jobName, namespace, labels, annotations: runAgain },
      spec: { backoffLimit: retries, template },
    },
    opts,
  );
}

/** Not the Secret's name, which may hold dots. */
function volumeName(ordinal: number): string {
  return `secret-${ordinal}`;
}
