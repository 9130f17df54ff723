/** The inputs of a Release resource, and the Helm command lines for them. */
import type { Props } from "../protocol.ts";
import { isObject } from "../protocol/values.ts";

const defaultTimeoutSeconds = 300;

/** The inputs that the stack sets. The state has all inputs with their defaults, as that of the official plugin. */
export interface Release extends Props {
  name: string;
  namespace: string;
  chart: string;
  version: string;
  values: Props;
  description: string;
  maxHistory?: number;
  postrender: string;
  repositoryOpts?: { repo?: string };
  timeout: number;
  waitForJobs: boolean;
}

const texts = ["chart", "description", "name", "namespace", "postrender", "version"];
const implemented = [...texts, "maxHistory", "repositoryOpts", "waitForJobs"];

/** Inputs that the stand-in lacks: it refuses them. */
export const notImplemented = [
  ...["allowNullValues", "atomic", "cleanupOnFail", "createNamespace", "dependencyUpdate", "devel", "disableCRDHooks"],
  ...["disableOpenapiValidation", "disableWebhooks", "forceUpdate", "keyring", "lint", "recreatePods"],
  ...["renderSubchartNotes", "replace", "resetValues", "reuseValues", "skipAwait", "skipCrds", "takeOwnership"],
  ...["valueYamlFiles", "verify"],
];

/** The program's inputs with all defaults. Properties that a Release does not have are dropped. */
export function completed(inputs: Props, defaults: { name: string; namespace: string }): Release {
  const flags = notImplemented.filter((name) => name !== "keyring" && name !== "valueYamlFiles");
  const given = Object.entries(inputs).filter(([key, value]) => value !== null && implemented.includes(key));
  const release = Object.fromEntries([
    ...[...flags, "waitForJobs"].map((name) => [name, false]),
    ...[...texts, "keyring"].map((name) => [name, ""]),
    ...given,
  ]) as Release;
  return {
    ...release,
    name: release.name || defaults.name,
    namespace: release.namespace || defaults.namespace,
    values: isObject(inputs.values) ? inputs.values : (inputs.values ?? {}),
    timeout: inputs.timeout ?? defaultTimeoutSeconds,
  } as Release;
}

type Options = Record<string, boolean | string | number | undefined>;

/** `helm install`, with the values on standard input. */
export function installArguments(release: Release): string[] {
  return ["install", release.name, release.chart, ...toFlags(common(release))];
}

/** `helm upgrade`, with the values on standard input. */
export function upgradeArguments(release: Release): string[] {
  const options = { ...common(release), "history-max": release.maxHistory ?? 0 };
  return ["upgrade", release.name, release.chart, ...toFlags(options)];
}

export function uninstallArguments({ name, namespace, timeout }: Release): string[] {
  return ["uninstall", name, ...toFlags({ namespace, wait: true, timeout: `${timeout}s` })];
}

/** `helm show chart`: the chart's Chart.yaml. */
export function showChartArguments(release: Release): string[] {
  return ["show", "chart", release.chart, ...toFlags(source(release))];
}

function common(release: Release): Options {
  return {
    namespace: release.namespace,
    values: "-",
    ...source(release),
    wait: true,
    "wait-for-jobs": release.waitForJobs,
    timeout: `${release.timeout}s`,
    description: release.description,
    "post-renderer": release.postrender,
  };
}

function source({ version, repositoryOpts }: Release): Options {
  return { version, repo: repositoryOpts?.repo };
}

function toFlags(options: Options): string[] {
  return Object.entries(options).flatMap(([name, value]) => {
    if (value === undefined || value === false || value === "") return [];
    return value === true ? [`--${name}`] : [`--${name}`, String(value)];
  });
}
