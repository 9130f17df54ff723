import type { dynamic } from "@pulumi/pulumi";
import { diffOn } from "../kit/diff.ts";
import { withTitle } from "../kit/withTitle.ts";
import { type AdminAccess, type AdminApi, withAdminApi } from "./adminApi.ts";
import { listTopics, reasonToKeep, topicName } from "./topics.ts";

/** Everything that a stack has under a tenant. */
export interface TenantGuardArgs {
  access: AdminAccess;
  tenant: string;
  /** Whether the stack created the tenant itself. */
  create: boolean;
  namespaces: {
    name: string;
    create: boolean;
    deleteData: boolean;
    /** Names of the topics that the stack created. */
    topics: string[];
  }[];
}

/** Does not connect. */
export function diff(_id: string, olds: TenantGuardArgs, news: TenantGuardArgs): dynamic.DiffResult {
  return diffOn(olds, news, ["access", "create", "namespaces"], ["tenant"]);
}

export async function create(args: TenantGuardArgs): Promise<dynamic.CreateResult<TenantGuardArgs>> {
  return Promise.resolve({ id: args.tenant, outs: args });
}

/** Nothing to refresh: the state is the record. */
export async function read(id: string, props: TenantGuardArgs): Promise<dynamic.ReadResult<TenantGuardArgs>> {
  return Promise.resolve({ id, props });
}

/** Runs before the deletions of the same `up`, which the engine does last. */
export async function update(
  _id: string,
  olds: TenantGuardArgs,
  news: TenantGuardArgs,
): Promise<dynamic.UpdateResult<TenantGuardArgs>> {
  await refuseDataLoss({ ...olds, access: news.access }, news);
  return { outs: news };
}

export async function remove(_id: string, props: TenantGuardArgs): Promise<void> {
  await refuseDataLoss(props, undefined);
}

/** What remains of a tenant in the stack; undefined: nothing, including the tenant. */
type Remaining = Pick<TenantGuardArgs, "namespaces"> | undefined;

/**
 * Refuses all deletions if one of them would be refused, before anything is deleted.
 * @throws Error of one line: everything that prevents the deletion, and what to do
 */
async function refuseDataLoss(olds: TenantGuardArgs, news: Remaining): Promise<void> {
  const deletions = deletionsFor(olds, news);
  if (!deletions.tenant && deletions.namespaces.length === 0 && deletions.topics.length === 0) return;
  await withTitle(`tenant ${olds.tenant}`, async () => {
    const reasons = await withAdminApi(olds.access, (api) => blockersOf(api, olds, deletions));
    if (reasons.length > 0) {
      throw new Error(
        `nothing is deleted, because ${reasons.join(", and ")}; empty or delete it first, or set deleteData: true on the namespace with ` +
          "one pulumi up and remove it with the next",
      );
    }
  });
}

export interface Deletions {
  tenant: boolean;
  /** Names. */
  namespaces: string[];
  /** Full names of topics to delete, without those whose messages may be deleted. */
  topics: string[];
}

/** What the stack no longer has and must delete. */
export function deletionsFor(olds: Omit<TenantGuardArgs, "access">, news: Remaining): Deletions {
  const kept = new Map(news?.namespaces.map((namespace) => [namespace.name, namespace]));
  return {
    tenant: olds.create && news === undefined,
    namespaces: olds.namespaces.filter(({ name, create }) => create && !kept.has(name)).map(({ name }) => name),
    topics: olds.namespaces
      .filter(({ deleteData }) => !deleteData)
      .flatMap(({ name, topics }) =>
        topics
          .filter((topic) => !kept.get(name)?.topics.includes(topic))
          .map((topic) => topicName(olds.tenant, name, topic)),
      ),
  };
}

/** Everything that prevents the deletion, in words. */
async function blockersOf(api: AdminApi, olds: TenantGuardArgs, deletions: Deletions): Promise<string[]> {
  const { tenant } = olds;
  const reasons: string[] = [];
  for (const { name, deleteData, topics } of olds.namespaces) {
    const ours = topics.map((topic) => topicName(tenant, name, topic));
    const isDeleted = deletions.namespaces.includes(name);
    if (deleteData || (!isDeleted && !ours.some((topic) => deletions.topics.includes(topic)))) continue;
    for (const topic of await listTopics(api, tenant, name)) {
      if (deletions.topics.includes(topic.name)) {
        const reason = await reasonToKeep(api, topic);
        if (reason !== undefined) reasons.push(`topic ${topic.name} ${reason}`);
      } else if (isDeleted) {
        reasons.push(`namespace ${tenant}/${name} has topic ${topic.name}, which is not this stack's`);
      }
    }
  }
  if (deletions.tenant) {
    const namespaces = (await api.get<string[]>(`/namespaces/${tenant}`)) ?? [];
    const foreign = namespaces.filter((name) => !deletions.namespaces.includes(name.slice(tenant.length + 1)));
    reasons.push(...foreign.map((name) => `it has namespace ${name}, which is not this stack's`));
  }
  return reasons;
}
