import type { Call, Props, ResourceHandler } from "../protocol.ts";
import { PartialError, UNKNOWN } from "../protocol.ts";
import { type Api, ApiError, hasReason, NoSuchKind } from "./api.ts";
import { apply, fieldManagerOf, forced, stateOf, takeOver, takenOver } from "./apply.ts";
import { type Cluster, reachable, reasonOf } from "./cluster.ts";
import { diffObjects } from "./diff.ts";
import type { KubeObject, Kind } from "./kinds.ts";
import { annotation, at, idOf, list, namespaced, parseId, randomSuffix, without } from "./kinds.ts";
import { appliedPart, holds, importedInputs, redacted, secretTexts } from "./live.ts";
import { checkReadiness, getOrGone, NotReady, readiness, untilGone, untilReady } from "./waiting.ts";

/** Objects that the stack creates, updates and deletes. */
export function objectHandler(cluster: Cluster, kind: Kind): ResourceHandler {
  return {
    async check(news, olds, call) {
      const inputs = { ...news, apiVersion: kind.apiVersion, kind: kind.kind } as Props;
      if (news.metadata === UNKNOWN) return { inputs };
      const metadata = named({ ...(news.metadata as Props | undefined) }, olds, call.name);
      return { inputs: { ...inputs, metadata: await placed(cluster, kind, metadata) } };
    },

    async diff(_id, oldInputs, live, news, call) {
      const mutability = { ...cluster.settings, enableConfigMapMutable: false };
      const unready = (await isReplacedAsUnready(cluster, live as KubeObject, news, call)) ? [replaceUnready] : [];
      return diffObjects(appliedPart(live, oldInputs), live, news, mutability, kind.patch, unready);
    },

    async create(inputs, preview, call) {
      if (preview && !(await canDryRun(cluster, kind, inputs))) return { id: "", outputs: inputs };
      const api = reachable(cluster);
      const object = inputs as KubeObject;
      const fieldManager = fieldManagerOf({});
      const created = await withoutSecrets(object, () =>
        preview
          ? previewed(api, object, fieldManager, call)
          : apply(api, object, { fieldManager, force: forced(object), dryRun: false }),
      ).catch((error: unknown) => {
        if (preview && isNoPreviewError(error)) return undefined;
        throw notCreated(error, kind, call);
      });
      if (!created) return { id: "", outputs: inputs };
      if (preview) return { id: "", outputs: without(stateOf(created, fieldManager), "status") };
      return { id: idOf(created), outputs: await initialized(api, created, object, fieldManager, call) };
    },

    async read(id, inputs, outputs, call) {
      const api = forRead(cluster, call);
      const live = await find(api, kind, id);
      if (!live) return undefined;
      const imported = Object.keys(inputs).length === 0;
      const applied = imported ? importedInputs(live) : appliedPart(live, inputs);
      const state = stateOf(live, fieldManagerOf(outputs));
      if (!imported && annotation(inputs, "skipAwait") !== "true") {
        await checkReadiness(api, live).catch((error: unknown) => {
          throw error instanceof NotReady ? new PartialError(error.message, id, state, applied) : error;
        });
      }
      return { id, inputs: applied, outputs: state };
    },

    async update(id, _oldInputs, oldOutputs, news, preview, call) {
      if (preview && !(await canDryRun(cluster, kind, news))) return { outputs: news };
      const api = reachable(cluster);
      return { outputs: await update(api, id, oldOutputs, news as KubeObject, preview, call) };
    },

    async delete(id, _inputs, outputs, call) {
      const api = forDelete(cluster, call);
      const identity = { apiVersion: kind.apiVersion, kind: kind.kind, metadata: parseId(id) };
      try {
        await api.delete(identity, "Foreground");
        await untilGone(api, identity, at(outputs, "metadata", "uid"), call);
      } catch (error) {
        // The object or its kind no longer exists.
        if (!hasReason(error, "NotFound") && !(error instanceof NoSuchKind)) throw error;
      }
    },
  };
}

/** Generates a name for an object without one and marks it with an annotation. Later checks keep the name. */
function named(metadata: Props, olds: Props | undefined, logicalName: string): Props {
  if (metadata.name !== undefined && metadata.name !== "") return metadata;
  if (metadata.generateName) {
    throw new Error("the `.metadata.generateName` field is not supported in Server-Side Apply mode");
  }
  const kept = olds && annotation(olds, "autonamed") === "true" ? at(olds, "metadata", "name") : undefined;
  // A name without the annotation, such as that of an imported object, is not kept.
  const name = kept ?? `${logicalName}-${randomSuffix()}`;
  if (metadata.annotations === UNKNOWN) return { ...metadata, name };
  return {
    ...metadata,
    name,
    annotations: { ...(metadata.annotations as Props | undefined), "pulumi.com/autonamed": "true" },
  };
}

const replaceUnready = '.metadata.annotations["pulumi.com/replaceUnready"]';

/** Whether an annotation asks for the replacement of a Job that has not succeeded. A Job that cannot be read is not replaced. */
async function isReplacedAsUnready(
  { connection }: Cluster,
  live: KubeObject,
  news: Props,
  call: Call,
): Promise<boolean> {
  if (news.kind !== "Job" || annotation(news, "replaceUnready") !== "true") return false;
  if (!("api" in connection)) {
    call.log.warn("Cluster is unreachable, skipping replaceUnready check");
    return false;
  }
  try {
    return !readiness(await connection.api.get(live)).ready;
  } catch {
    return false;
  }
}

/** Sets the provider's namespace on an object without one, and removes the namespace of a cluster-scoped object. */
async function placed({ connection, defaultNamespace }: Cluster, kind: Kind, metadata: Props): Promise<Props> {
  const known = "api" in connection ? await connection.api.resource(kind) : undefined;
  const { namespace, ...rest } = metadata;
  return (known?.namespaced ?? namespaced(kind)) ? { ...rest, namespace: namespace ?? defaultNamespace } : rest;
}

/** Whether a preview can use a dry run: all values are known, the cluster is reachable, and it serves the kind. */
async function canDryRun({ connection }: Cluster, kind: Kind, inputs: Props): Promise<boolean> {
  if (holds(inputs, UNKNOWN) || !("api" in connection)) return false;
  return (await connection.api.resource(kind)) !== undefined;
}

/**
 * A dry run of an apply. A replacement with the same name may differ in immutable fields; like the plugin, it then retries with another name.
 */
async function previewed(api: Api, object: KubeObject, fieldManager: string, call: Call): Promise<KubeObject> {
  const how = { fieldManager, force: true, dryRun: true };
  try {
    return await apply(api, object, how);
  } catch (error) {
    if (!hasReason(error, "Invalid") || !reasonOf(error).includes("field is immutable")) throw error;
    const name = `${object.metadata.name ?? ""}${randomSuffix().slice(0, 5)}`;
    call.log.info(`Preview creation failed due to immutable fields; retrying with name "${name}"`);
    return apply(api, { ...object, metadata: { ...object.metadata, name } }, how);
  }
}

/** Errors of a dry run that the real run may not have: its namespace may be created before, or dry runs are forbidden. */
function isNoPreviewError(error: unknown): boolean {
  return ["NotFound", "Forbidden"].some((reason) => hasReason(error, reason));
}

export function notCreated(error: unknown, kind: Kind, { urn }: Call): Error {
  if (error instanceof NoSuchKind) {
    return new Error(
      `creation of resource "${urn}" with kind ${kind.apiVersion}/${kind.kind} failed because the Kubernetes API server ` +
        "reported that the apiVersion for this resource does not exist. " +
        `Verify that any required CRDs have been created: ${error.message}`,
    );
  }
  return new Error(`resource "${urn}" was not successfully created by the Kubernetes API server: ${reasonOf(error)}`);
}

/** Waits until a created object is ready. @throws PartialError, with which the state keeps the object */
export async function initialized(
  api: Api,
  created: KubeObject,
  inputs: KubeObject,
  fieldManager: string,
  call: Call,
): Promise<Props> {
  try {
    return stateOf(await untilReady(api, created, inputs, call), fieldManager);
  } catch (error) {
    const live = error instanceof NotReady ? error.object : created;
    throw new PartialError(
      `resource "${call.urn}" was successfully created, but the Kubernetes API server reported that it failed to ` +
        `fully initialize or become live: ${reasonOf(error)}`,
      idOf(live),
      stateOf(live, fieldManager),
      inputs,
    );
  }
}

/** @throws PartialError if the object exists and the update failed. The next run tries again */
async function update(
  api: Api,
  id: string,
  oldOutputs: Props,
  inputs: KubeObject,
  preview: boolean,
  call: Call,
): Promise<Props> {
  const fieldManager = fieldManagerOf(oldOutputs);
  const identity = { apiVersion: inputs.apiVersion, kind: inputs.kind, metadata: parseId(id) };
  try {
    const live = await api.get(identity);
    const ours = !/Patch$/.test(call.type) && takenOver(list(live.metadata.managedFields), fieldManager) !== undefined;
    if (ours && !preview) await takeOver(api, identity, live, fieldManager);
    const force = (preview && ours) || forced(inputs, live);
    const applied = await withoutSecrets(inputs, () => apply(api, inputs, { fieldManager, force, dryRun: preview }));
    return stateOf(preview ? applied : await untilReady(api, applied, inputs, call, true), fieldManager);
  } catch (error) {
    if (preview && hasReason(error, "Forbidden")) return inputs;
    const live = await getOrGone(api, identity);
    if (!live) throw new Error(`update of resource "${call.urn}" failed: ${reasonOf(error)}`, { cause: error });
    throw new PartialError(
      `the Kubernetes API server reported that "${id}" failed to fully initialize or become live: ${reasonOf(error)}`,
      id,
      stateOf(live, fieldManager),
      inputs,
    );
  }
}

/** Removes a Secret's values from the server's messages, which quote refused input. */
async function withoutSecrets<T>(object: KubeObject, operation: () => Promise<T>): Promise<T> {
  try {
    return await operation();
  } catch (error) {
    if (!(error instanceof ApiError)) throw error;
    // A new error, because the stack of the original contains the message too.
    throw new ApiError(redacted(error.message, secretTexts(object)), error.reason, error.details);
  }
}

async function find(api: Api, kind: Kind, id: string): Promise<KubeObject | undefined> {
  try {
    return await getOrGone(api, { apiVersion: kind.apiVersion, kind: kind.kind, metadata: parseId(id) });
  } catch (error) {
    if (error instanceof NoSuchKind) return undefined;
    throw error;
  }
}

const howToDrop =
  "If the cluster was deleted, you can remove this resource from Pulumi state by rerunning the operation with the " +
  'PULUMI_K8S_DELETE_UNREACHABLE environment variable set to "true"';

/** @throws Error if the cluster is unreachable. Then it is unknown whether the resource exists */
export function forRead(cluster: Cluster, call: Call): Api {
  return orExplain(cluster, call, `failed to read resource state due to unreachable cluster. ${howToDrop}`);
}

export function forDelete(cluster: Cluster, call: Call): Api {
  return orExplain(cluster, call, `configured Kubernetes cluster is unreachable. ${howToDrop}`);
}

function orExplain(cluster: Cluster, call: Call, message: string): Api {
  try {
    return reachable(cluster);
  } catch (error) {
    call.log.warn(reasonOf(error));
    throw new Error(message, { cause: error });
  }
}
