import { shortHash } from "../../encoding.ts";
import { initJobs, nameInitJobs } from "../initJobs.ts";
import { probeManager } from "../managerProbe.ts";
import type { Manifest, PodSpec } from "../manifest.ts";
import { serviceSpecs } from "../serviceSpec.ts";
import { patchTls } from "../tlsPatches.ts";
import { podSpecAnnotation, secretRef } from "./markers.ts";

/**
 * Changes in the rendered manifest of chart 2.7.7 that its values cannot make. Each patch is a function over the objects and names the chart
 * version that does not need it. Delete it once that version is in use.
 */

/** Patches the manifest of a release of chart 2.7.7 for Kubernetes 1.22 through 1.37 and tainted nodes. Changes the objects in place. */
export function patch(objects: Manifest[]): void {
  serviceSpecs(objects);
  if (patchTls(objects)) {
    importAllAuthorities(objects);
    proxiesWithoutZookeeper(objects);
  }
  podDisruptionBudgets(objects);
  peersBeforeReady(objects);
  sortedSuperUsers(objects);
  configFromSecrets(objects);
  podSpecs(objects);
  probeManager(objects);
  pullSecrets(objects);
  initJobPlacement(objects);
  initJobLabels(objects);
  nameInitJobs(objects); // Last: the name is a hash of the whole template.
}

/**
 * The chart's script imports only the first certificate of a file into ZooKeeper's trust store. While a CA is replaced, the file has two. Not
 * needed from chart 4.2.0 on, which gives ZooKeeper PEM files.
 */
function importAllAuthorities(objects: Manifest[]) {
  const files = "/pulsar/ca-*.pem";
  for (const { data } of objects) {
    const script = data?.["keytool.sh"];
    if (data === undefined || typeof script !== "string") continue;
    const command = /^keytool -import \\\n(?: .*\\\n)* .*\n/m.exec(script)?.[0];
    if (command === undefined) throw new Error("the chart's keytool.sh does not import the CA as that of chart 2.7.7");
    const one = command.replace("${caFile}", "${file}").replace("-alias ${name}", '-alias "${file}"');
    data["keytool.sh"] = script.replace(
      command,
      () =>
        `awk '/BEGIN CERTIFICATE/ { n++ } n { print > ("${files.replace("*", '" n "')}") }' \${caFile}\nfor file in ${files}; do\n${one}done\n`,
    );
  }
}

/** The init container that waits for ZooKeeper cannot connect with TLS, and the proxies themselves do not need ZooKeeper. The same in 4.7.0. */
function proxiesWithoutZookeeper(objects: Manifest[]) {
  for (const spec of named(objects, "StatefulSet", "proxy").map(podSpec)) {
    const waits = (spec.initContainers ?? []) as { name?: string }[];
    spec.initContainers = waits.filter(({ name }) => name !== "wait-zookeeper-ready");
  }
}

/** Kubernetes 1.25 removed policy/v1beta1; 1.21 added policy/v1. Not needed from chart 3.0.0 on (#260). */
function podDisruptionBudgets(objects: Manifest[]) {
  for (const budget of objects.filter((object) => object.kind === "PodDisruptionBudget"))
    budget.apiVersion = "policy/v1";
}

/**
 * The chart requests the addresses of unready peers with an annotation that Kubernetes 1.24 removed and EndpointSlices never honored
 * (kubernetes/kubernetes#108020). Not needed from chart 4.6.0 on.
 */
function peersBeforeReady(objects: Manifest[]) {
  for (const service of objects.filter((object) => object.kind === "Service")) {
    if (service.metadata.annotations?.["service.alpha.kubernetes.io/tolerate-unready-endpoints"] === undefined)
      continue;
    service.spec = { ...service.spec, publishNotReadyAddresses: true };
  }
}

/**
 * The chart lists the super users in a different order each time it is rendered, and its checksum of the ConfigMap, where it is enabled, would restart
 * the pods each time. Not needed from chart 3.0.0 on (#291).
 */
function sortedSuperUsers(objects: Manifest[]) {
  for (const { kind, metadata, data } of objects) {
    if (kind !== "ConfigMap" || typeof data?.superUserRoles !== "string") continue;
    data.superUserRoles = data.superUserRoles.split(",").sort().join(",");
    for (const { spec } of objects) {
      const { metadata: { annotations } = {}, spec: podSpec } = spec?.template ?? {};
      const sources = podSpec?.containers?.flatMap(({ envFrom = [] }) => envFrom) ?? [];
      if (annotations?.["checksum/config"] === undefined) continue;
      if (sources.some(({ configMapRef }) => configMapRef?.name === metadata.name)) {
        annotations["checksum/config"] = shortHash(JSON.stringify(data));
      }
    }
  }
}

/**
 * Moves values of `fromSecret` from the ConfigMap to environment variables of the containers that read it; `env` takes precedence over
 * `envFrom`. For the manager's token; not needed from chart 4.0.0 on (auth.superUsers.manager).
 */
function configFromSecrets(objects: Manifest[]) {
  for (const { kind, metadata, data } of objects) {
    if (kind !== "ConfigMap" || data === undefined) continue;
    for (const [name, value] of Object.entries(data)) {
      const ref = secretRef(value);
      if (ref === undefined) continue;
      const readers = objects
        .flatMap((object) => object.spec?.template?.spec?.containers ?? [])
        .filter((container) => container.envFrom?.some((source) => source.configMapRef?.name === metadata.name));
      for (const container of readers) {
        container.env = [
          ...(container.env ?? []),
          { name, valueFrom: { secretKeyRef: { name: ref.secret, key: ref.key } } },
        ];
      }
      // oxlint-disable-next-line typescript/no-dynamic-delete -- a ConfigMap's data is a map, not a record of known keys
      delete data[name];
    }
  }
}

/**
 * Moves fields of a pod's spec that the chart has no values for from an annotation to the spec. Spread constraints count the component's own pods, by the
 * labels that its workload selects. Not needed with chart 4.7.0 (topologySpreadConstraints, priorityClassName).
 */
function podSpecs(objects: Manifest[]) {
  for (const { spec } of objects) {
    const { metadata: { annotations } = {}, spec: podSpec } = spec?.template ?? {};
    const added = annotations?.[podSpecAnnotation];
    if (annotations === undefined || podSpec === undefined || added === undefined) continue;
    const { topologySpreadConstraints = [], ...more } = JSON.parse(added) as { topologySpreadConstraints?: object[] };
    Object.assign(podSpec, more);
    if (topologySpreadConstraints.length > 0) {
      podSpec.topologySpreadConstraints = topologySpreadConstraints.map((constraint) => ({
        ...constraint,
        labelSelector: spec?.selector,
      }));
    }
    // oxlint-disable-next-line typescript/no-dynamic-delete -- annotations are a map, not a record of known keys
    delete annotations[podSpecAnnotation];
  }
}

/**
 * The chart gives images.imagePullSecrets to all pods except those of ZooKeeper and the init Jobs. Not needed from chart 2.9.4 (ZooKeeper,
 * #244) and 3.2.0 (Jobs, #404) on.
 */
function pullSecrets(objects: Manifest[]) {
  const { imagePullSecrets } = brokerPods(objects);
  if (imagePullSecrets === undefined) return;
  for (const spec of [...initJobs(objects), ...named(objects, "StatefulSet", "zookeeper")].map(podSpec)) {
    spec.imagePullSecrets ??= imagePullSecrets;
  }
}

/**
 * The chart has no selector and no tolerations for the init Jobs, which would stay Pending if every node is tainted. They run where the
 * brokers run. Not needed from chart 3.0.0 (selector, #225) and 3.2.0 (tolerations, #399) on.
 */
function initJobPlacement(objects: Manifest[]) {
  const { nodeSelector, tolerations } = brokerPods(objects);
  for (const spec of initJobs(objects).map(podSpec)) Object.assign(spec, { nodeSelector, tolerations });
}

/**
 * Copies labels of the init Jobs to their pods, which have none: network policies select pods by them. The chart's other pods have the same
 * labels. Not needed from chart 4.2.0 on (#617).
 */
function initJobLabels(objects: Manifest[]) {
  const kept = ["app", "release", "cluster", "component"];
  for (const { metadata, spec } of initJobs(objects)) {
    if (spec?.template === undefined) continue;
    const labels = Object.fromEntries(Object.entries(metadata.labels ?? {}).filter(([key]) => kept.includes(key)));
    spec.template.metadata = { ...spec.template.metadata, labels };
  }
}

function named(objects: Manifest[], kind: string, component: string): Manifest[] {
  return objects.filter((object) => object.kind === kind && object.metadata.labels?.component === component);
}

function brokerPods(objects: Manifest[]): PodSpec {
  const [brokers] = named(objects, "StatefulSet", "broker");
  if (brokers === undefined)
    throw new Error(
      "the chart rendered no StatefulSet of the brokers, from which the init Jobs take their placement; use chart 2.7.7",
    );
  return podSpec(brokers);
}

function podSpec(object: Manifest): PodSpec {
  const spec = object.spec?.template?.spec;
  if (spec === undefined)
    throw new Error(`${object.kind} ${object.metadata.name} has no pod template; use chart 2.7.7`);
  return spec;
}
