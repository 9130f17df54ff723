import { Job } from "@pulumi/kubernetes/batch/v1/job.js";
import * as pulumi from "@pulumi/pulumi";
import { podLabels, type SecretRef } from "../model/charts/cluster.ts";
import { type StackTask, taskJobName } from "../model/charts/names.ts";
import { shortHash } from "../model/encoding.ts";
import type { Placement } from "../model/layouts/layout.ts";

/** A Secret that a Job's pod mounts as files. */
export interface SecretFiles {
  /** Name of the Secret. */
  secret: string;
  /** Absolute path of the folder. */
  folder: string;
  /** File names by key of the Secret. */
  files: Record<string, string>;
}

/** Where a Job of the stack runs, and its image. */
export interface StackJobPlace {
  namespace: pulumi.Input<string>;
  /** Helm release that the Job works on. */
  release: string;
  image: string;
  pullSecret?: string | undefined;
  placement: Pick<Placement, "nodeSelector" | "tolerations">;
}

export interface StackJobArgs extends StackJobPlace {
  /** Suffix of its name, and label `component` of its pods. */
  task: StackTask;
  /** Run by `sh`. It must limit its own time: a deadline of the Job would delete the pod with its last log lines. */
  script: pulumi.Input<string>;
  /** The script's environment. It must not contain secrets. */
  env?: Record<string, pulumi.Input<string>>;
  /** Secrets, as files: they appear in no environment or command line. */
  secrets?: SecretFiles[];
  /**
   * The certificates of the CAs that `pulsar-admin` and `pulsar-client` trust; both then check host names. The variable CA_FILE names the file.
   * @default they connect in plain text
   */
  ca?: SecretRef | undefined;
  /** A change of it runs the Job again, as a change of the pod's template does. Not secret. @default none */
  run?: pulumi.Input<string>;
  /** Retries after a failure. @default 6, the default of Kubernetes */
  retries?: number;
}

/**
 * Annotations of a Job that the next `up` replaces if it has not succeeded. Without them the provider (pulumi-kubernetes 4.34) only waits again
 * for the Job that has failed.
 */
export const runAgain = { "pulumi.com/replaceUnready": "true" };

/**
 * A hash for the Job's name. The pods' template is immutable, so a changed template needs a new Job. With a fixed name, a preview on the
 * server would fail ("field is immutable").
 */
export function templateHash(template: object, run = ""): string {
  return shortHash(JSON.stringify([run, template]));
}

const caFolder = "/pulsar/certs/ca";

/** Both tools of Pulsar 2.7 and 4.0 read these settings from this file only: `pulsar-client` has no option for host names. */
const trustCa = `PULSAR_CLIENT_CONF=$(mktemp) && export PULSAR_CLIENT_CONF
printf 'tlsTrustCertsFilePath=%s\\ntlsEnableHostnameVerification=true\\n' "$CA_FILE" >"$PULSAR_CLIENT_CONF"
`;

/**
 * A Job of the stack, which an `up` waits for. If it fails, the `up` fails with the pod's last log lines (at most 2 KiB or 80 lines:
 * FallbackToLogsOnError), and the next `up` runs it again.
 */
export function stackJob(name: string, args: StackJobArgs, opts: pulumi.CustomResourceOptions): Job {
  const { namespace, release, task, image, pullSecret, placement, ca, run, retries } = args;
  const script = ca === undefined ? args.script : pulumi.interpolate`${trustCa}${args.script}`;
  const env = { ...args.env, ...(ca && { CA_FILE: `${caFolder}/ca.crt` }) };
  const caFiles = ca && { secret: ca.secret, folder: caFolder, files: { [ca.key]: "ca.crt" } };
  const secrets = [...(args.secrets ?? []), ...(caFiles ? [caFiles] : [])];
  const labels = podLabels(release, task);
  const template = pulumi.output({
    metadata: { labels },
    spec: {
      // Failed pods stay for inspection.
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
    .apply(([resolved, revision]) => taskJobName(release, task, templateHash(resolved, revision)));
  return new Job(
    name,
    {
      metadata: { name: jobName, namespace, labels, annotations: runAgain },
      spec: { backoffLimit: retries, template },
    },
    opts,
  );
}

/** Not the Secret's name, which may contain dots. */
function volumeName(ordinal: number): string {
  return `secret-${ordinal}`;
}
