import { shortHash } from "../encoding.ts";

/**
 * The names of the objects of both chart lines. Secrets are named after the release, everything else after the full name: release `foo`
 * has the Secret `foo-token-admin` and the StatefulSet `foo-pulsar-bookie` (charts 2.7.7 and 4.7.0, `_helpers.tpl`).
 */

/** The prefix of most names: the release's name if it contains "pulsar", `<release>-pulsar` otherwise. */
export function fullName(release: string): string {
  return release.includes("pulsar") ? release : `${release}-pulsar`;
}

/** What the DNS names of a release consist of. */
export interface Installation {
  /** Name of the Helm release. */
  release: string;
  namespace: string;
  /** DNS domain of the Kubernetes cluster, such as cluster.local. */
  clusterDomain: string;
}

/** A bookie's id: its full host name and its port. The charts register bookies by host name (useHostNameAsBookieID, 2.7.7 and 4.7.0). */
export function bookieId({ release, namespace, clusterDomain }: Installation, ordinal: number): string {
  const full = fullName(release);
  return `${full}-bookie-${ordinal}.${full}-bookie.${namespace}.svc.${clusterDomain}:3181`;
}

/** The Jobs that the stack itself creates for a release, by the end of their names. */
export type StackTask = "bookie-racks" | "manager-setup" | "smoke-test";

/** The name of a Job of the stack. `run` is a short hash: with another hash, it is another Job. */
export function taskJobName(release: string, task: StackTask, run: string): string {
  return hashedJobName(`${fullName(release)}-${task}`, run);
}

/** The name of a Job with the hash of its template, which is immutable: a changed template needs a new Job. */
export function hashedJobName(name: string, hash: string): string {
  return `${name}-${hash}`;
}

/** The volumes of the chart's StatefulSets. */
export type Volume = "zookeeper-data" | "bookie-journal" | "bookie-ledgers";

/** The name of an ordinal's claim: `<claim template>-<pod>`, as the StatefulSet controller creates it. */
export function claimName(release: string, volume: Volume, ordinal: number): string {
  const statefulSet = volume.slice(0, volume.indexOf("-"));
  return `${claimTemplate(release, volume)}-${fullName(release)}-${statefulSet}-${ordinal}`;
}

function claimTemplate(release: string, volume: Volume): string {
  return `${fullName(release)}-${volume}`;
}

/** The objects of a chart line with the values of this program, by the end of each name (`<full name>-bookie`). */
export interface ChartObjects {
  statefulSets: readonly string[];
  deployments: readonly string[];
  services: readonly string[];
  initJobs: readonly string[];
  /** The stack's own Jobs for a release of the line. */
  tasks: readonly StackTask[];
}

/** A text that contains the release's name, and the length that Kubernetes or Helm allows. */
export interface BuiltName {
  /** Such as "Job". */
  what: string;
  text: string;
  /** In characters. */
  limit: number;
}

/** DNS labels and label values (k8s.io/apimachinery, pkg/util/validation). */
export const maxLabelLength = 63;
/** A StatefulSet's revision in a label of its pods: a hyphen and a 32-bit number in decimal (ControllerRevisionName), longer than any ordinal. */
const longestRevision = "-4294967295";

/**
 * Every name and label value that contains the release's name and has a limit below 253 characters, with placeholders for hashes. Claims,
 * Secrets, ConfigMaps and the like may have 253 characters, which none of them reaches.
 */
export function builtNames(release: string, made: ChartObjects): BuiltName[] {
  const full = fullName(release);
  const named = (what: string, texts: readonly string[]) =>
    texts.map((text) => ({ what, text, limit: maxLabelLength }));
  const objects = (what: string, tails: readonly string[], end = "") =>
    named(
      what,
      tails.map((tail) => `${full}-${tail}${end}`),
    );
  const hash = "0".repeat(shortHash("").length);
  const volumes: Volume[] = ["zookeeper-data", "bookie-journal", "bookie-ledgers"];
  return [
    { what: "Helm release", text: release, limit: 53 },
    ...named("label cluster", [full]),
    ...objects("label controller-revision-hash of StatefulSet", made.statefulSets, longestRevision),
    ...objects("Deployment", made.deployments),
    ...objects("Service", made.services),
    ...named(
      "claim template",
      volumes.map((volume) => claimTemplate(release, volume)),
    ),
    // A Job's name is a label of its pods.
    ...named(
      "Job",
      made.initJobs.map((job) => hashedJobName(`${full}-${job}`, hash)),
    ),
    ...named(
      "Job",
      made.tasks.map((task) => taskJobName(release, task, hash)),
    ),
  ];
}
