/** The inputs of a Release resource, and the Helm command lines for them. */
import type { Props } from "../protocol.ts";
import { isObject } from "../protocol/values.ts";

const defaultTimeoutSeconds = 300;

/** The inputs of a Release with all defaults, as in the official plugin's state. */
export interface Release extends Props {
  name: string;
  namespace: string;
  chart: string;
  version: string;
  values: Props;
  atomic: boolean;
  cleanupOnFail: boolean;
  createNamespace: boolean;
  dependencyUpdate: boolean;
  description: string;
  devel: boolean;
  disableCRDHooks: boolean;
  disableOpenapiValidation: boolean;
  disableWebhooks: boolean;
  forceUpdate: boolean;
  keyring: string;
  maxHistory?: number;
  postrender: string;
  recreatePods: boolean;
  renderSubchartNotes: boolean;
  replace: boolean;
  repositoryOpts?: { repo?: string; caFile?: string; certFile?: string; keyFile?: string };
  resetValues: boolean;
  reuseValues: boolean;
  skipAwait: boolean;
  skipCrds: boolean;
  takeOwnership: boolean;
  timeout: number;
  verify: boolean;
  waitForJobs: boolean;
}

const flags = [
  ...["allowNullValues", "atomic", "cleanupOnFail", "createNamespace", "dependencyUpdate", "devel", "disableCRDHooks"],
  ...["disableOpenapiValidation", "disableWebhooks", "forceUpdate", "lint", "recreatePods", "renderSubchartNotes"],
  ...["replace", "resetValues", "reuseValues", "skipAwait", "skipCrds", "takeOwnership", "verify", "waitForJobs"],
];
const texts = ["chart", "description", "keyring", "name", "namespace", "postrender", "version"];

/** The program's inputs with all defaults. Properties that a Release does not have are dropped. */
export function completed(inputs: Props, defaults: { name: string; namespace: string }): Release {
  const blank = [...flags.map((flag) => [flag, false]), ...texts.map((name) => [name, ""])] as [string, unknown][];
  const optional = ["maxHistory", "repositoryOpts"];
  const given = Object.entries(inputs).filter(
    ([key, value]) => value !== null && (flags.includes(key) || texts.includes(key) || optional.includes(key)),
  );
  const release = Object.fromEntries([...blank, ...given]) as Release;
  return {
    ...release,
    name: release.name || defaults.name,
    namespace: release.namespace || defaults.namespace,
    values: isObject(inputs.values) ? inputs.values : (inputs.values ?? {}),
    timeout: inputs.timeout ?? (release.skipAwait ? 0 : defaultTimeoutSeconds),
  } as Release;
}

type Options = Record<string, boolean | string | number | undefined>;

/** `helm install`, with the values on standard input. */
export function installArguments(release: Release): string[] {
  return [
    ...["install", release.name, chartReference(release)],
    ...toFlags({
      ...common(release),
      "no-hooks": release.disableWebhooks,
      replace: release.replace,
      "skip-crds": release.skipCrds,
      "create-namespace": release.createNamespace,
    }),
  ];
}

/** `helm upgrade`, with the values on standard input. As in the official plugin, another input than at install skips hooks. */
export function upgradeArguments(release: Release): string[] {
  return [
    ...["upgrade", release.name, chartReference(release)],
    ...toFlags({
      ...common(release),
      "no-hooks": release.disableCRDHooks,
      force: release.forceUpdate,
      "reset-values": release.resetValues,
      "reuse-values": release.reuseValues,
      "recreate-pods": release.recreatePods,
      "history-max": release.maxHistory ?? 0,
      "cleanup-on-fail": release.cleanupOnFail,
    }),
  ];
}

export function uninstallArguments(release: Release): string[] {
  const waits = release.atomic || !release.skipAwait;
  const options = { namespace: release.namespace, ...(waits && { wait: true, timeout: timeoutOf(release) }) };
  return ["uninstall", release.name, ...toFlags(options)];
}

/** `helm show chart`: the chart's Chart.yaml. */
export function showChartArguments(release: Release): string[] {
  return ["show", "chart", chartReference(release), ...toFlags(source(release))];
}

function common(release: Release): Options {
  return {
    namespace: release.namespace,
    values: "-",
    ...source(release),
    wait: !release.skipAwait,
    "wait-for-jobs": !release.skipAwait && release.waitForJobs,
    timeout: timeoutOf(release),
    atomic: release.atomic,
    "render-subchart-notes": release.renderSubchartNotes,
    "disable-openapi-validation": release.disableOpenapiValidation,
    "dependency-update": release.dependencyUpdate,
    "take-ownership": release.takeOwnership,
    description: release.description || undefined,
    "post-renderer": release.postrender || undefined,
  };
}

function source(release: Release): Options {
  const { repo, caFile, certFile, keyFile } = release.repositoryOpts ?? {};
  return {
    version: release.version || undefined,
    devel: release.devel && !release.version,
    verify: release.verify,
    keyring: release.keyring || undefined,
    repo: repo && URL.canParse(repo) && !isOci(release.chart) ? repo : undefined,
    "ca-file": caFile,
    "cert-file": certFile,
    "key-file": keyFile,
  };
}

/** A repository that is not a URL is the name of one that was added by `helm repo add`. */
function chartReference({ chart, repositoryOpts }: Release): string {
  const { repo } = repositoryOpts ?? {};
  const isNamed = repo && !URL.canParse(repo) && !isOci(chart) && !chart.includes("/");
  return isNamed ? `${repo}/${chart}` : chart.trim();
}

function isOci(chart: string): boolean {
  return chart.startsWith("oci://");
}

function timeoutOf({ timeout }: Release): string {
  return `${timeout || defaultTimeoutSeconds}s`;
}

function toFlags(options: Options): string[] {
  return Object.entries(options).flatMap(([name, value]) => {
    if (value === undefined || value === false || value === "") return [];
    return value === true ? [`--${name}`] : [`--${name}`, String(value)];
  });
}
