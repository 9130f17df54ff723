/** Queries of a rendered chart. */
import assert from "node:assert/strict";
import type { V1PodSpec, V1StatefulSet } from "@kubernetes/client-node";
import type { Rendered, Values } from "./chartRender.ts";

/** The same settings for each of the components. */
export const forEach = (keys: string[], settings: Values): Values =>
  Object.fromEntries(keys.map((key) => [key, settings]));

/** The parts of the pods of a workload. */
export function podSpec(workload: Rendered["workloads"][number]): V1PodSpec {
  const spec = workload.spec?.template.spec;
  assert.ok(spec);
  return spec;
}

/** The result of `fact` for the pods of each workload, by name. */
export function byWorkload<Fact>(rendered: Rendered, fact: (pod: V1PodSpec) => Fact): Record<string, Fact> {
  return Object.fromEntries(
    rendered.workloads.map((workload) => [workload.metadata?.name ?? "", fact(podSpec(workload))]),
  );
}

/** Each mounted Secret, with the keys and their paths. */
export function mountedSecrets(pod: V1PodSpec): string[] {
  const mountPath = (volume: string): string =>
    pod.containers[0]?.volumeMounts?.find(({ name }) => name === volume)?.mountPath ?? "nowhere";
  return (pod.volumes ?? []).flatMap(({ name, secret }) =>
    (secret?.items ?? []).map(({ key, path }) => `${secret?.secretName ?? ""} ${key} ${mountPath(name)}/${path}`),
  );
}

/** The names of the claims that the StatefulSet controller creates. */
export function claimNames({ metadata, spec }: V1StatefulSet): string[] {
  return (spec?.volumeClaimTemplates ?? []).flatMap((template) =>
    Array.from(
      { length: spec?.replicas ?? 0 },
      (_, i) => `${template.metadata?.name ?? ""}-${metadata?.name ?? ""}-${i}`,
    ),
  );
}

/** The storage class of each claim template, by name. */
export const storageClasses = (rendered: Rendered): Record<string, string | undefined> =>
  Object.fromEntries(
    rendered
      .all("StatefulSet")
      .flatMap(({ spec }) => spec?.volumeClaimTemplates ?? [])
      .map(({ metadata, spec }) => [metadata?.name ?? "", spec?.storageClassName]),
  );

/** A ConfigMap's data. Fails the test if it does not exist. */
export const data = (rendered: Rendered, configMap: string): Record<string, string> =>
  rendered.one("ConfigMap", configMap).data ?? {};

/** Whether the pods of a component have anti-affinity by node. */
export const antiAffinity = (pod: V1PodSpec): string =>
  Object.entries(pod.affinity?.podAntiAffinity ?? {})
    .map(([type]) => (type.startsWith("required") ? "required" : "preferred"))
    .join() || "none";
