/** Compares the live objects of a stack with what the stack and Helm have installed. */
import { fullName } from "../../model/charts/names.ts";
import { passwordKey } from "../../rehearsal/cluster/databases.ts";
import type { ClusterRef } from "../../model/clusterRef.ts";
import { inParallel, type LiveCluster, openCluster } from "./cluster.ts";
import { type Change, compareObject, type Finding, type Installed, type LiveObject } from "./compare.ts";
import { compareTables } from "./database.ts";
import { endangers } from "./endangers.ts";
import { pathText } from "./fields.ts";
import { type HelmRecord, manifestIn, installedByHelm, otherRevision, recordOf } from "./helm.ts";
import { compareNode } from "./nodes.ts";
import { comparePulsar } from "./pulsar.ts";
import { readState, type ReleaseRef, type StackState } from "./state.ts";
import { type Masker, masker, shownPair } from "./values.ts";

export interface Drift {
  /** Kind and name: `StatefulSet pulsar/pulsar-bookie`. */
  object: string;
  /** `spec.replicas`; empty: the whole object. */
  field: string;
  /** Both values in words, without secrets. */
  installed: string;
  live: string;
  /** Absent if the API server has no record of it, as for what was removed. */
  by?: Change;
  endangers: string;
}

export interface DriftReport {
  stack: string;
  /** How many objects were compared. */
  compared: number;
  /** Sorted by object and field. */
  drift: Drift[];
  /** What could not be compared, and why, one line each. */
  notCompared: string[];
}

/** The differences of one object. */
interface Compared {
  kind: string;
  /** With the kind. */
  title: string;
  found: Finding[];
}

/**
 * Compares everything that a stack has installed. It reads, and sends dry runs.
 *
 * @param exported what `pulumi stack export` prints
 * @param cluster where to find the objects. @default the cluster of the state
 * @throws Error of one line if the state holds nothing, or the cluster cannot be queried
 */
export async function findDrift(stack: string, exported: unknown, cluster?: ClusterRef): Promise<DriftReport> {
  const state = readState(exported);
  if (state.objects.length === 0) throw new Error(`--stack: ${stack} has no objects in its state; run pulumi up first`);
  const live = await openCluster(cluster ?? state.cluster);
  const { installed, found: releaseFound } = await releaseOf(live, state.release);
  const namespace = state.release?.namespace ?? "default";
  const objects = await Promise.all(
    [...installed, ...state.objects].map(async (one) => ({ ...one, object: await live.placed(one.object, namespace) })),
  );
  const found = await live.find(objects.map(({ object }) => object));
  const compared = await inParallel([...objects.entries()], async ([index, one]): Promise<Compared> => {
    const current = found[index];
    const applied = current && (await live.dryRun(one.object, one.managers[0]));
    return { ...titled(one.object), found: compareObject(one, current, applied) };
  });

  const nodes = state.nodes.map(({ node: name }) => ({ apiVersion: "v1", kind: "Node", metadata: { name } }));
  const liveNodes = await live.find(nodes);
  const secrets = found.filter((object) => object?.kind === "Secret");
  const notCompared: string[] = [];
  const unlessUnreachable = async (what: string, work: () => Promise<Compared[]>): Promise<Compared[]> =>
    work().catch((error: unknown) => {
      notCompared.push(`${what}: ${error instanceof Error ? error.message : String(error)}`);
      return [];
    });
  const all = [
    ...releaseFound,
    ...compared,
    ...state.nodes.map((marks, index) => ({
      kind: "Node",
      title: `Node ${marks.node}`,
      found: compareNode(marks, liveNodes[index]),
    })),
    ...(await unlessUnreachable("the tables of Pulsar Manager", () => tablesOf(state, secrets))),
    ...(await unlessUnreachable("tenants, namespaces, topics and permissions", () => pulsarOf(state))),
  ];
  const mask = masker([...secrets, ...installed.map(({ object }) => object)]);
  const drift = all
    .flatMap(({ kind, title, found: differing }) => differing.map((one) => driftOf(kind, title, one, mask)))
    .sort((a, b) => (a.object + a.field < b.object + b.field ? -1 : 1));
  return { stack, compared: all.length, drift, notCompared: notCompared.map(mask) };
}

function driftOf(kind: string, object: string, found: Finding, mask: Masker): Drift {
  const { path, by } = found;
  const [installed, live] = shownPair(kind, found, mask);
  return { object, field: pathText(path), installed, live, ...(by && { by }), endangers: endangers(kind, path) };
}

function titled({ kind, metadata: { namespace, name } }: LiveObject): { kind: string; title: string } {
  return { kind, title: `${kind} ${namespace === undefined ? "" : `${namespace}/`}${name}` };
}

/** What Helm has installed, and what differs in its own record. */
async function releaseOf(
  live: LiveCluster,
  release: ReleaseRef | undefined,
): Promise<{ installed: Installed[]; found: Compared[] }> {
  if (release === undefined) return { installed: [], found: [] };
  const { namespace, name, revision } = release;
  const secrets = `/api/v1/namespaces/${namespace}/secrets`;
  const records = (await live.list(secrets, `owner=helm,name=${name}`)) as HelmRecord[];
  const found = (finding: Finding): Compared[] => [
    { kind: "Helm release", title: `Helm release ${namespace}/${name}`, found: [finding] },
  ];
  const record = recordOf(records, release);
  if (record === undefined) {
    return { installed: [], found: found({ path: [], installed: "deployed by the stack", live: undefined }) };
  }
  const { data } = (await live.get(`${secrets}/${record.metadata.name}`)) as { data?: { release?: string } };
  const other = otherRevision(records, release);
  return {
    installed: installedByHelm(await manifestIn(data?.release ?? ""), release),
    found:
      other === undefined
        ? []
        : found({ path: [".revision"], installed: `${String(revision)} (deployed)`, live: other }),
  };
}

async function tablesOf(
  { tables, release }: StackState,
  secrets: readonly (LiveObject | undefined)[],
): Promise<Compared[]> {
  if (tables === undefined || release === undefined) return [];
  const name = `${fullName(release.name)}-manager-database`;
  const data = secrets.find((secret) => secret?.metadata.name === name)?.["data"] as Record<string, string> | undefined;
  const password = data?.[passwordKey(release.version)];
  if (password === undefined)
    throw new Error(`the Secret ${release.namespace}/${name} has no password; run pulumi up --refresh`);
  const found = await compareTables(tables, Buffer.from(password, "base64").toString());
  return [{ kind: "tables", title: `tables of Pulsar Manager in database ${tables.database}`, found }];
}

async function pulsarOf({ pulsar }: StackState): Promise<Compared[]> {
  const compared = await comparePulsar(pulsar);
  return compared.map(({ id, found }) => ({ kind: id.split(" ", 1)[0] ?? "", title: id, found }));
}
