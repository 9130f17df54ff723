/** Differences between the resources that two plans register: what the engine would do. */
import type { dynamic } from "@pulumi/pulumi";
import { diffObjects } from "../../rehearsal/standins/kubernetes/diff.ts";
import * as nodeMarks from "../../resources/kubernetes/nodeMarksProvider.ts";
import * as volumeContract from "../../resources/kubernetes/volumeContractProvider.ts";
import * as managerNames from "../../resources/postgres/managerNamesProvider.ts";
import * as managerTables from "../../resources/postgres/managerTablesProvider.ts";
import * as namespaces from "../../resources/pulsar/namespaceProvider.ts";
import * as permissions from "../../resources/pulsar/permissionProvider.ts";
import * as tenantGuard from "../../resources/pulsar/tenantGuardProvider.ts";
import * as tenants from "../../resources/pulsar/tenantProvider.ts";
import * as topics from "../../resources/pulsar/topicProvider.ts";
import type { PlannedResource, StackPlan } from "../plan.ts";
import { type FieldChange, fieldChanges } from "./fields.ts";

export interface ResourceChange {
  action: "create" | "update" | "replace" | "delete";
  type: string;
  name: string;
  /** The logical name of its component, or empty. */
  component: string;
  protect: boolean;
  retainOnDelete: boolean;
  /** Fields whose change replaces the resource. */
  replacedBy: string[];
  /** Empty for a create or a delete. */
  fields: FieldChange[];
}

type Diff = (id: string, olds: never, news: never) => dynamic.DiffResult;
type Check = (olds: never, news: never) => { failures?: { reason: string }[] };

/** The program's own providers, which say what is replaced and what is refused. They connect to nothing for that. */
const providers: Record<string, { diff: Diff; check?: Check } | undefined> = {
  NodeMarks: nodeMarks,
  VolumeContract: volumeContract,
  ManagerNames: managerNames,
  ManagerTables: managerTables,
  Tenant: tenants,
  Namespace: namespaces,
  Topic: topics,
  Permission: permissions,
  TenantGuard: tenantGuard,
};

/** Inputs of the vendors' resources whose change replaces them. */
const replacing: Record<string, string[] | undefined> = {
  "kubernetes:helm.sh/v3:Release": ["name", "namespace"],
  "tls:index/privateKey:PrivateKey": ["algorithm", "ecdsaCurve", "rsaBits"],
  "postgresql:index/grant:Grant": ["role", "database", "schema", "objectType", "withGrantOption"],
  "postgresql:index/schema:Schema": ["database"],
};

/** Sorted by component and name. A component itself has no change. */
export function resourceChanges(before: StackPlan, after: StackPlan): ResourceChange[] {
  const olds = byKey(before);
  const news = byKey(after);
  return [...new Set([...olds.keys(), ...news.keys()])]
    .flatMap((key) => resourceChange(olds.get(key), news.get(key)) ?? [])
    .sort((a, b) => (`${a.component} ${a.name} ${a.type}` < `${b.component} ${b.name} ${b.type}` ? -1 : 1));
}

/** Why the engine would refuse to update a stack of the one plan to the other; empty if it would not. */
export function refusals(before: StackPlan, after: StackPlan): string[] {
  const olds = byKey(before);
  return after.resources.flatMap((resource) => {
    const old = olds.get(keyOf(resource));
    const check = providerOf(resource)?.check;
    if (old === undefined || check === undefined) return [];
    const { failures = [] } = check(old.inputs as never, resource.inputs as never);
    return failures.map(({ reason }) => reason);
  });
}

function keyOf({ type, name }: PlannedResource): string {
  return `${type} ${name}`;
}

function byKey({ resources }: StackPlan): Map<string, PlannedResource> {
  const custom = resources.filter(({ type }) => !type.startsWith("pulsar:components:"));
  return new Map(custom.map((resource) => [keyOf(resource), resource]));
}

function providerOf({ type }: PlannedResource) {
  const [, name] = /^pulumi-nodejs:dynamic\/pulsar:(\w+)$/.exec(type) ?? [];
  return name === undefined ? undefined : providers[name];
}

function resourceChange(before?: PlannedResource, after?: PlannedResource): ResourceChange | undefined {
  const resource = after ?? before;
  if (resource === undefined) return undefined;
  const fields = before && after ? fieldChanges(before.inputs, after.inputs) : [];
  if (before && after && fields.length === 0) return undefined;
  const replacedBy = before && after ? replacements(before, after) : [];
  const action = !before ? "create" : !after ? "delete" : replacedBy.length > 0 ? "replace" : "update";
  return {
    action,
    type: resource.type,
    name: resource.name,
    component: resource.parent ?? "",
    // The engine refuses to delete or replace what is protected in the state.
    protect: (before ?? resource).protect,
    retainOnDelete: (before ?? resource).retainOnDelete,
    replacedBy,
    fields,
  };
}

function replacements(before: PlannedResource, after: PlannedResource): string[] {
  const provider = providerOf(after);
  if (provider) return provider.diff("", before.inputs as never, after.inputs as never).replaces ?? [];
  const fixed = replacing[after.type];
  if (fixed) return fixed.filter((key) => JSON.stringify(before.inputs[key]) !== JSON.stringify(after.inputs[key]));
  if (!after.type.startsWith("kubernetes:")) return [];
  // The stack's provider changes Secrets in place; ConfigMaps are replaced, because it does not say otherwise.
  const mutability = { enableSecretMutable: true, enableConfigMapMutable: false };
  return diffObjects(before.inputs, before.inputs, after.inputs, mutability, after.type.endsWith("Patch")).replaces;
}
