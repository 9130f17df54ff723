/** What a stack has installed, as `pulumi stack export` writes it without `--show-secrets`. */
import type { ClusterRef } from "../../model/clusterRef.ts";
import type { NodeMarksArgs } from "../../resources/kubernetes/nodeMarksProvider.ts";
import type { ManagerTablesState } from "../../resources/postgres/managerTablesProvider.ts";
import { isSecret } from "../../rehearsal/standins/protocol/values.ts";
import { type Installed, type LiveObject, splitSecrets } from "./compare.ts";
import { type ManagedFields, ownedIn, type Path, startsWith } from "./fields.ts";

/** A resource of the state, with the parts used here. */
interface StateResource {
  urn: string;
  type: string;
  id?: string;
  inputs?: Record<string, unknown>;
  outputs?: Record<string, unknown>;
  /** It is replaced, and its old object not deleted yet. */
  delete?: boolean;
}

export interface ReleaseRef {
  namespace: string;
  name: string;
  /** The revision that the stack has deployed. */
  revision: number | undefined;
  /** Version of the chart. */
  version: string;
}

/** An object of the admin API: the name of its resource class, and its outputs. */
export interface PulsarObject {
  kind: string;
  id: string;
  props: Record<string, unknown>;
}

export interface StackState {
  cluster: ClusterRef;
  release: ReleaseRef | undefined;
  objects: Installed[];
  nodes: NodeMarksArgs[];
  /** Without the password, which is secret. */
  tables: Omit<ManagerTablesState, "password"> | undefined;
  pulsar: PulsarObject[];
}

const dynamicType = "pulumi-nodejs:dynamic/pulsar:";
const pulsarKinds = ["Tenant", "Namespace", "Topic", "Permission"];

/** Reads an exported state. */
export function readState(exported: unknown): StackState {
  const { deployment } = exported as { deployment?: { resources?: StateResource[] } };
  const resources = (deployment?.resources ?? []).filter((one) => one.delete !== true);
  const ofClass = (name: string) => resources.filter(({ type }) => type === `${dynamicType}${name}`);
  const outputsOf = ({ outputs }: StateResource) => splitSecrets(outputs, isSecret).value as Record<string, unknown>;
  const provider = resources.find(
    ({ type, urn }) => type === "pulumi:providers:kubernetes" && urn.endsWith("::cluster"),
  );
  const { kubeconfig, context } = (provider?.inputs ?? {}) as ClusterRef;
  const [tables] = ofClass("ManagerTables").map(outputsOf);
  return {
    cluster: { ...(kubeconfig !== undefined && { kubeconfig }), ...(context !== undefined && { context }) },
    release: resources.filter(({ type }) => type === "kubernetes:helm.sh/v3:Release").map(releaseOf)[0],
    objects: resources.filter(({ type }) => /^kubernetes:(?!helm\.sh)/.test(type)).map(installedOf),
    nodes: ofClass("NodeMarks").map(outputsOf) as unknown as NodeMarksArgs[],
    tables: tables as unknown as StackState["tables"],
    pulsar: pulsarKinds.flatMap((kind) =>
      ofClass(kind).map((resource) => ({ kind, id: resource.id ?? "", props: withoutProvider(outputsOf(resource)) })),
    ),
  };
}

function withoutProvider(outputs: Record<string, unknown>): Record<string, unknown> {
  return Object.fromEntries(Object.entries(outputs).filter(([key]) => key !== "__provider"));
}

function releaseOf({ inputs = {}, outputs = {} }: StateResource): ReleaseRef {
  const { status } = outputs as { status?: { revision?: number } };
  const { namespace, name, version } = { ...inputs, ...outputs } as unknown as Record<
    "namespace" | "name" | "version",
    string
  >;
  return { namespace, name, version, revision: status?.revision };
}

function installedOf({ type, inputs = {}, outputs = {} }: StateResource): Installed {
  // What the provider keeps for itself starts with two underscores.
  const sent = Object.fromEntries(Object.entries(inputs).filter(([key]) => !key.startsWith("__")));
  const { value, hidden } = splitSecrets(sent, isSecret);
  const fieldManager = typeof outputs["__fieldManager"] === "string" ? [outputs["__fieldManager"]] : [];
  // The first one is for the dry run, which then removes nothing that the stack has set and that is hidden here.
  const managers = [
    "pulsar-stack-drift",
    ...fieldManager,
    "pulumi-kubernetes",
    "pulumi-resource-kubernetes",
  ] as const satisfies string[];
  return {
    object: value as LiveObject,
    by: "the stack",
    managers,
    hidden: hidden.flatMap((path) => partsOf(path, outputs, managers)),
    partial: type.endsWith("Patch"),
  };
}

/** The parts of a hidden field. The provider (4.34) hides all data of a Secret as a whole; who owned it after the last `up` shows its keys. */
function partsOf(path: Path, outputs: Record<string, unknown>, managers: readonly string[]): Path[] {
  const { managedFields = [] } = (outputs["metadata"] ?? {}) as { managedFields?: ManagedFields[] };
  const parts = managedFields
    .filter(({ manager = "" }) => managers.includes(manager))
    .flatMap(({ fieldsV1 }) => ownedIn(fieldsV1))
    .filter((one) => startsWith(one.path, path))
    .map((one) => one.path);
  return parts.length === 0 ? [path] : parts;
}
