import { readFile, stat } from "node:fs/promises";
import { join } from "node:path";
import { parse } from "yaml";
import type { Call, DiffResult, Props, ResourceHandler } from "../protocol.ts";
import { changedPaths, PartialError, UNKNOWN } from "../protocol.ts";
import { isObject } from "../protocol/values.ts";
import type { Api } from "./api.ts";
import { merged } from "./apply.ts";
import { type Cluster, reachable, reasonOf } from "./cluster.ts";
import { type Helm, runHelm } from "./helm.ts";
import type { Release } from "./helmArguments.ts";
import {
  completed,
  installArguments,
  notImplemented,
  showChartArguments,
  uninstallArguments,
  upgradeArguments,
} from "./helmArguments.ts";
import { type Revision, lastRevision, resourceNames } from "./helmStorage.ts";
import { at, parseId, randomSuffix, text } from "./kinds.ts";
import { holds, isZero, redacted } from "./live.ts";
import { forRead } from "./objects.ts";

/** `helm.sh/v3:Release`, with the helm command. The official plugin has Helm built in. */
export function releaseHandler(cluster: Cluster): ResourceHandler {
  return {
    async check(news, olds, call) {
      const name = text(olds?.name) || `${call.name}-${randomSuffix()}`;
      const release = completed(news, { name, namespace: cluster.defaultNamespace });
      const unsupported = unsupportedInput(news);
      if (unsupported) return { inputs: release, failures: [unsupported] };
      if (holds(news, UNKNOWN)) return { inputs: release };
      try {
        // The version of the chart, so that a range or a missing version shows an upgrade.
        return { inputs: { ...release, version: await chartVersion(cluster, release) } };
      } catch (error) {
        const reason = `${reasonOf(error)}; check the chart name and repository configuration.`;
        return { inputs: release, failures: [{ property: "chart", reason }] };
      }
    },

    diff: async (_id, oldInputs, oldOutputs, news) => diffReleases(oldInputs, oldOutputs, news),

    async create(inputs, preview, call) {
      const release = inputs as Release;
      if (preview) return { id: "", outputs: previewed(release) };
      const { api, helm } = access(cluster, "create");
      const id = `${release.namespace}/${release.name}`;
      const made = await deploy(api, helm, release, installArguments(release), call);
      const outputs = (): Props => stateOf(release, made.revision);
      if (made.error === undefined) return { id, outputs: outputs() };
      // If nothing remains in the cluster, as after a rollback by `atomic`, there is no state to keep.
      if (!made.isNew) throw new Error(made.error);
      call.log.warn(
        `Helm release "${release.name}" was created but has a failed status. Use the \`helm\` command to investigate ` +
          `the error, correct it, then retry. Reason: ${made.error}`,
      );
      const message = `Helm release "${id}" was created, but failed to initialize completely.`;
      throw new PartialError(`${message} ${unavailable(id, made.error)}`, id, outputs(), inputs);
    },

    async read(id, inputs, outputs, call) {
      const api = forRead(cluster, call);
      const { namespace = cluster.defaultNamespace, name } = parseId(id);
      const revision = await lastRevision(api, namespace, name);
      if (!revision) return undefined;
      if (Object.keys(inputs).length > 0) return { id, inputs, outputs: stateOf(outputs as Release, revision) };
      const { metadata } = revision.chart;
      const found = { name, namespace, chart: metadata.name, version: metadata.version, values: revision.config };
      const imported = completed(found, { name, namespace });
      return { id, inputs: imported, outputs: stateOf(imported, revision) };
    },

    async update(id, _oldInputs, _oldOutputs, news, preview, call) {
      const release = news as Release;
      if (preview) return { outputs: previewed(release) };
      const { api, helm } = access(cluster, "update");
      const made = await deploy(api, helm, release, upgradeArguments(release), call);
      if (made.error === undefined) return { outputs: stateOf(release, made.revision) };
      if (!made.isNew) throw new Error(made.error);
      const message = `Helm release "${id}" failed to initialize completely.`;
      throw new PartialError(`${message} ${unavailable(id, made.error)}`, id, stateOf(release, made.revision), news);
    },

    async delete(_id, _inputs, outputs, call) {
      const { helm } = access(cluster, "delete");
      const printed = await runHelm(helm, uninstallArguments(outputs as Release));
      const information = printed.split("\n").filter((line) => line !== "" && !/^release ".*" uninstalled$/.test(line));
      if (information.length > 0) {
        call.log.warn(`Helm uninstall returned information: ${JSON.stringify(information.join("\n"))}`);
      }
    },
  };
}

/** @throws Error when there is no cluster. */
function access(cluster: Cluster, verb: string): { api: Api; helm: Helm } {
  const { connection, settings } = cluster;
  if ("unreachable" in connection) {
    throw new Error(`can't ${verb} Helm Release with unreachable cluster: ${connection.unreachable}`);
  }
  return { api: reachable(cluster), helm: { kubeconfig: connection.kubeconfig, settings } };
}

function unsupportedInput(news: Props): { property: string; reason: string } | undefined {
  const isSet = (value: unknown): boolean => value !== undefined && !isZero(value);
  const credentials = ["username", "password", "caFile", "certFile", "keyFile"];
  const property =
    notImplemented.find((name) => isSet(news[name])) ??
    credentials.map((key) => `repositoryOpts.${key}`).find((path) => isSet(at(news, ...path.split("."))));
  return property === undefined
    ? undefined
    : { property, reason: "not implemented by the stand-in of the kubernetes plugin" };
}

async function chartVersion(cluster: Cluster, release: Release): Promise<string> {
  const { connection, settings } = cluster;
  const { chart } = release;
  const isLocal = !release.repositoryOpts?.repo && (await stat(join(chart, "Chart.yaml")).catch(() => undefined));
  if (isLocal) return text(at(parse(await readFile(join(chart, "Chart.yaml"), "utf8")), "version"));
  if (!release.repositoryOpts?.repo && /^[./]/.test(chart) && !(await stat(chart).catch(() => undefined))) {
    throw new Error(`path "${chart}" not found`);
  }
  const kubeconfig = "kubeconfig" in connection ? connection.kubeconfig : undefined;
  const printed = await runHelm({ kubeconfig, settings }, showChartArguments(release));
  return text(at(parse(printed), "version"));
}

interface Deployment {
  revision: Revision | undefined;
  /** Whether Helm stored a revision for this run. */
  isNew: boolean;
  error?: string;
}

async function deploy(api: Api, helm: Helm, release: Release, args: string[], call: Call): Promise<Deployment> {
  const before = await lastRevision(api, release.namespace, release.name);
  let error: string | undefined;
  try {
    await runHelm(helm, args, { input: JSON.stringify(release.values), signal: call.signal });
  } catch (failure) {
    error = redacted(reasonOf(failure), secretValues(release.values));
  }
  const revision = await lastRevision(api, release.namespace, release.name);
  return { revision, isNew: (revision?.version ?? 0) > (before?.version ?? 0), error };
}

/** Values that messages must not show: those under a key that speaks of credentials. */
export function secretValues(values: unknown, underSecret = false): string[] {
  if (Array.isArray(values)) return values.flatMap((item) => secretValues(item, underSecret));
  if (!isObject(values)) return underSecret && typeof values === "string" ? [values] : [];
  return Object.entries(values).flatMap(([key, value]) =>
    secretValues(value, underSecret || /passw|secret|token|credential|jwt|private|key$/i.test(key)),
  );
}

function unavailable(id: string, error: string): string {
  return (
    "Use Helm CLI to investigate: failed to become available within allocated timeout. " +
    `Error: Helm Release ${id}: ${error}`
  );
}

function previewed(release: Release): Props {
  return { ...release, resourceNames: UNKNOWN, status: UNKNOWN };
}

/** The state of a release: its inputs and the data of Helm's revision. */
export function stateOf(release: Release, revision: Revision | undefined): Props {
  if (!revision) return release;
  const { metadata } = revision.chart;
  return {
    ...release,
    values: merged(release.values, revision.config),
    version: metadata.version,
    resourceNames: resourceNames(revision.manifest ?? ""),
    status: {
      appVersion: metadata.appVersion ?? "",
      chart: metadata.name,
      name: revision.name,
      namespace: revision.namespace,
      revision: revision.version,
      status: revision.info.status,
      version: metadata.version,
    },
  };
}

/** Compares inputs with the release in Helm. Properties that neither the old nor the new inputs have are ignored. */
export function diffReleases(oldInputs: Props, oldOutputs: Props, news: Props): DiffResult {
  const changedKeys = changedPaths(knownIn(oldOutputs, oldInputs, news), news);
  return {
    changes: changedKeys.length > 0,
    replaces: changedKeys.filter((path) => path === "name" || path === "namespace"),
    deleteBeforeReplace: false,
    changedKeys,
  };
}

function knownIn(has: unknown, ...inputs: unknown[]): unknown {
  if (!isObject(has) || !inputs.some(isObject)) return has;
  const known = Object.entries(has).filter(([key]) => inputs.some((input) => isObject(input) && key in input));
  return Object.fromEntries(
    known.map(([key, value]) => [key, knownIn(value, ...inputs.map((input) => at(input, key)))]),
  );
}
