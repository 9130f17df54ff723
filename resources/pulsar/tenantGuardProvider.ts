import type { dynamic } from "@pulumi/pulumi";
import { diffOn } from "../kit/diff.ts";
import { withTitle } from "../kit/withTitle.ts";
import { type AdminAccess, type AdminApi, withAdminApi } from "./adminApi.ts";
import { listTopics, reasonToKeep, topicName } from "./topics.ts";

/** All that a stack has under a tenant. */
export interface TenantGuardArgs {
  access: AdminAccess;
  tenant: string;
  /** Whether the tenant itself is the stack's. */
  create: boolean;
  namespaces: {
    name: string;
    create: boolean;
    deleteData: boolean;
    /** Names of the topics that are the stack's. */
    topics: string[];
  }[];
}

/** Decides without connecting. */
export function diff(_id: string, olds: TenantGuardArgs, news: TenantGuardArgs): dynamic.DiffResult {
  return diffOn(olds, news, ["access", "create", "namespaces"], ["tenant"]);
}

export async function create(args: TenantGuardArgs): Promise<dynamic.CreateResult<TenantGuardArgs>> {
  return Promise.resolve({ id: args.tenant, outs: args });
}

/** There is nothing to look at: the state is the record. */
export async function read(id: string, props: TenantGuardArgs): Promise<dynamic.ReadResult<TenantGuardArgs>> {
  return Promise.resolve({ id, props });
}

/** Comes before the deletions of the same `up`, which the engine does last. */
export async function update(
  _id: string,
  olds: TenantGuardArgs,
  news: TenantGuardArgs,
): Promise<dynamic.UpdateResult<TenantGuardArgs>> {
  await refuseLoss({ ...olds, access: news.access }, news);
  return { outs: news };
}

export async function remove(_id: string, props: TenantGuardArgs): Promise<void> {
  await refuseLoss(props, undefined);
}

/** What the stack goes on having of a tenant; undefined: nothing, and not the tenant either. */
type Kept = Pick<TenantGuardArgs, "namespaces"> | undefined;

/**
 * Refuses, before anything is deleted, what one of the deletions would refuse half way.
 * @throws Error of one line that names everything that stands in the way, and the ways out
 */
async function refuseLoss(olds: TenantGuardArgs, news: Kept): Promise<void> {
  const going = leaving(olds, news);
  if (!going.tenant && going.namespaces.length === 0 && going.topics.length === 0) return;
  await withTitle(`tenant ${olds.tenant}`, async () => {
    const reasons = await withAdminApi(olds.access, (api) => inTheWay(api, olds, going));
    if (reasons.length > 0) {
      throw new Error(
        `nothing is deleted, because ${reasons.join("; ")}. Empty or delete it first, or set deleteData: true on the namespace with ` +
          "one pulumi up and remove it with the next",
      );
    }
  });
}

export interface Leaving {
  tenant: boolean;
  /** Names. */
  namespaces: string[];
  /** Names in full, of namespaces that stay or go, unless their messages may be deleted. */
  topics: string[];
}

/** What the stack no longer has, and has to delete. */
export function leaving(olds: Omit<TenantGuardArgs, "access">, news: Kept): Leaving {
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

/** Whatever keeps one of those from being deleted, as it is put in a sentence. */
async function inTheWay(api: AdminApi, olds: TenantGuardArgs, going: Leaving): Promise<string[]> {
  const { tenant } = olds;
  const reasons: string[] = [];
  for (const { name, deleteData, topics } of olds.namespaces) {
    const ours = topics.map((topic) => topicName(tenant, name, topic));
    const goes = going.namespaces.includes(name);
    if (deleteData || (!goes && !ours.some((topic) => going.topics.includes(topic)))) continue;
    for (const topic of await listTopics(api, tenant, name)) {
      if (going.topics.includes(topic.name)) {
        const reason = await reasonToKeep(api, topic);
        if (reason !== undefined) reasons.push(`topic ${topic.name} ${reason}`);
      } else if (goes) {
        reasons.push(`namespace ${tenant}/${name} has topic ${topic.name}, which is not this stack's`);
      }
    }
  }
  if (going.tenant) {
    const namespaces = (await api.get<string[]>(`/namespaces/${tenant}`)) ?? [];
    const foreign = namespaces.filter((name) => !going.namespaces.includes(name.slice(tenant.length + 1)));
    reasons.push(...foreign.map((name) => `it has namespace ${name}, which is not this stack's`));
  }
  return reasons;
}
