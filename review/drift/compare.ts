/** What differs between an object that was installed and the live one. */
import type { KubernetesObject } from "../plan.ts";
import {
  added,
  type Difference,
  differences,
  type Fields,
  isFields,
  type ManagedFields,
  ownedIn,
  overlay,
  type Owned,
  owns,
  type Path,
  shaped,
  startsWith,
  valueAt,
} from "./fields.ts";

/** A Kubernetes object, with its record of who set which field. */
export interface LiveObject extends KubernetesObject {
  metadata: KubernetesObject["metadata"] & { managedFields?: ManagedFields[]; [field: string]: unknown };
}

/** An object as it was installed. */
export interface Installed {
  object: LiveObject;
  /** What installed it, in words. */
  by: "Helm" | "the stack";
  /** The field managers that install it. The first one is that of the dry run. */
  managers: readonly [string, ...string[]];
  /** Fields whose installed value is secret and not known. They are absent from the object. */
  hidden: Path[];
  /** Whether it has only some fields of an object that others created. */
  partial: boolean;
}

/** Who changed a field last. */
export interface Change {
  manager: string;
  operation: string;
  time?: string;
}

export interface Finding extends Difference {
  /** Undefined if the API server has no record of it, as for a field or an object that was removed. */
  by?: Change;
}

/** In place of a value that is secret and not known. */
export const unknownSecret = Symbol("secret");

/** Managers that change objects in the normal course: the controllers of Kubernetes itself. */
const controllers = new Set([
  ...["kube-controller-manager", "kube-scheduler", "kube-apiserver", "kubelet", "cloud-controller-manager"],
  // The simulated kubelets of a rehearsal.
  "kwok",
]);

/** Fields that the API server sets, and the state that controllers report. kubectl apply repeats the other fields in its annotation. */
const ofServer = new Set([
  ...["creationTimestamp", "generation", "managedFields", "resourceVersion", "selfLink", "uid"].map(
    (field) => `.metadata.${field}`,
  ),
  ".metadata.annotations.kubectl.kubernetes.io/last-applied-configuration",
  ".status",
]);
const isOfServer = (path: Path) => [1, 2, 3].some((length) => ofServer.has(path.slice(0, length).join("")));

/**
 * The differences of one object.
 *
 * A field of the installed object is compared with the answer to a dry run, so that both sides have the server's defaults. A field that was not
 * installed is a difference if somebody else than the installer and Kubernetes' controllers set it.
 *
 * @param applied the answer to a dry run that applies the installed object. If the server refuses that because a field is immutable: the answer for an
 * object of another name; then only the installed fields are compared. Undefined if the server refuses both
 */
export function compareObject(
  installed: Installed,
  live: LiveObject | undefined,
  applied: LiveObject | undefined,
): Finding[] {
  if (live === undefined) {
    return installed.partial ? [] : [{ path: [], installed: `installed by ${installed.by}`, live: undefined }];
  }
  const managed = live.metadata.managedFields ?? [];
  const expected = expectedOf(installed, live, applied);
  const owned = ofInstaller(installed, applied?.metadata.managedFields ?? []).flatMap(({ fieldsV1 }) =>
    ownedIn(fieldsV1),
  );
  const changed = wholeFields(differences(expected, live), owned, expected, live).filter(
    ({ path }) => !isOfServer(path),
  );
  const secret = installed.hidden.flatMap((path): Difference[] => {
    const value = valueAt(live, path);
    const kept =
      value !== undefined && (managed.length === 0 || ownersAt(ofInstaller(installed, managed), path).length > 0);
    return kept ? [] : [{ path, installed: unknownSecret, live: value }];
  });
  const known = [...changed, ...secret];
  const more = additions(installed, live, applied).filter(
    ({ path }) => !known.some((one) => startsWith(path, one.path)),
  );
  const found = [...known, ...more];
  return [...recreated(installed, managed), ...found.map((one) => withChange(one, managed, installed))];
}

/** The object as the installer would have it now. */
function expectedOf({ object }: Installed, live: LiveObject, applied: LiveObject | undefined): unknown {
  if (applied !== undefined && applied.metadata.name === live.metadata.name) return applied;
  if (applied === undefined) return overlay(live, object);
  // Of an object of another name, only the installed fields are the same.
  return overlay(live, { ...(shaped(applied, object) as LiveObject), metadata: object.metadata });
}

/** Differences inside of a field that the API merges as a whole, such as a list of tolerations, are one. */
function wholeFields(found: Difference[], owned: readonly Owned[], installed: unknown, live: unknown): Difference[] {
  // Of a map whose parts have other owners, an entry may only have the map itself.
  const isWhole = (path: Path) =>
    owned.every((other) => other.path.length <= path.length || !startsWith(other.path, path));
  const fields = found.map((one) => {
    const whole = owned.find(
      ({ path }) => path.length < one.path.length && startsWith(one.path, path) && isWhole(path),
    );
    return whole === undefined
      ? one
      : { path: whole.path, installed: valueAt(installed, whole.path), live: valueAt(live, whole.path) };
  });
  return [...new Map(fields.map((one) => [one.path.join(""), one])).values()];
}

function ofInstaller({ managers }: Installed, managed: readonly ManagedFields[]): ManagedFields[] {
  return managed.filter(({ manager }) => managers.includes(manager ?? ""));
}

function ownersAt(managed: readonly ManagedFields[], path: Path): ManagedFields[] {
  return managed.filter(({ fieldsV1 }) => owns(ownedIn(fieldsV1), path));
}

/** An object that its installer has not touched was deleted and created again by somebody else. */
function recreated(installed: Installed, managed: readonly ManagedFields[]): Finding[] {
  if (!isForeign(installed, managed)) return [];
  const creator = managed.find(({ subresource }) => subresource === undefined);
  return [{ path: [], installed: `created by ${installed.by}`, live: "created again", by: changeOf(creator) }];
}

function isForeign(installed: Installed, managed: readonly ManagedFields[]): boolean {
  return !installed.partial && ofInstaller(installed, managed).length === 0;
}

function additions(installed: Installed, live: LiveObject, applied: LiveObject | undefined): Difference[] {
  const managed = live.metadata.managedFields ?? [];
  // The creator of an object owns every field of it, including defaults.
  if (installed.partial || isForeign(installed, managed)) return [];
  const ours = [...managed, ...(applied?.metadata.managedFields ?? [])];
  const owned = [...ofInstaller(installed, ours).flatMap(({ fieldsV1 }) => ownedIn(fieldsV1))];
  const foreign = managed.filter(
    ({ manager = "", subresource }) =>
      subresource !== "status" && !installed.managers.includes(manager) && !controllers.has(manager),
  );
  const paths = new Map(foreign.flatMap((entry) => added(entry, owned)).map((path) => [path.join(""), path]));
  return [...paths.values()]
    .filter((path) => !isOfServer(path))
    .map((path) => ({ path, installed: undefined, live: valueAt(live, path) }))
    .filter(({ live }) => live !== undefined && !(isFields(live) && Object.keys(live).length === 0));
}

function withChange(found: Difference, managed: readonly ManagedFields[], installed: Installed): Finding {
  const owners = ownersAt(managed, found.path);
  const others = owners.filter(({ manager = "" }) => !installed.managers.includes(manager));
  return { ...found, by: changeOf(latest(others) ?? (found.live === undefined ? undefined : latest(owners))) };
}

export function latest(entries: readonly ManagedFields[]): ManagedFields | undefined {
  return entries.toSorted((a, b) => ((a.time ?? "") < (b.time ?? "") ? 1 : -1))[0];
}

export function changeOf(entry: ManagedFields | undefined): Change | undefined {
  if (entry === undefined) return undefined;
  const { manager = "unknown", operation = "", time, subresource } = entry;
  const how = subresource === undefined ? operation : `${operation} of ${subresource}`;
  return { manager, operation: how, ...(time !== undefined && { time }) };
}

/** Who changed a field of a live object. */
export function changeAt(live: LiveObject, path: Path): Change | undefined {
  return changeOf(latest(ownersAt(live.metadata.managedFields ?? [], path)));
}

/** Removes fields with secret values from an object, and returns their paths. */
export function splitSecrets(
  value: unknown,
  isSecret: (value: unknown) => boolean,
  path: Path = [],
): { value: unknown; hidden: Path[] } {
  if (isSecret(value)) return { value: undefined, hidden: [path] };
  if (Array.isArray(value)) {
    const items = value.map((item, index) => splitSecrets(item, isSecret, [...path, `[${String(index)}]`]));
    return { value: items.map((item) => item.value), hidden: items.flatMap((item) => item.hidden) };
  }
  if (!isFields(value)) return { value, hidden: [] };
  const fields = Object.entries(value).map(
    ([key, inner]) => [key, splitSecrets(inner, isSecret, [...path, `.${key}`])] as const,
  );
  const kept: Fields = Object.fromEntries(
    fields.flatMap(([key, inner]) => (inner.value === undefined ? [] : [[key, inner.value]])),
  );
  return { value: kept, hidden: fields.flatMap(([, inner]) => inner.hidden) };
}
