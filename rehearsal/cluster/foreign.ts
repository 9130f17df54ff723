import { withClient } from "./databases.ts";
import type { Api } from "./api.ts";
import type { SimulatedNode } from "./nodes.ts";
import type { Observation } from "./observe.ts";
import type { Postgres } from "./postgres.ts";

/**
 * Puts things of somebody else's into the cluster, so that the rehearsal can tell whether `destroy` leaves them alone: a namespace with a
 * ConfigMap, a volume, and a label and a taint on every node. The taint keeps no pod away, and being on all nodes alike it does not
 * change which one the scheduler likes best.
 */
export async function plantForeignObjects(api: Api, nodes: readonly Pick<SimulatedNode, "metadata">[]): Promise<void> {
  await api.objects.create(object("v1", "Namespace", { name: foreign }));
  await Promise.all([
    api.objects.create({
      ...object("v1", "ConfigMap", { name: "settings", namespace: foreign }),
      data: { kept: "yes" },
    }),
    api.objects.create({
      ...object("v1", "PersistentVolume", { name: foreign }),
      spec: {
        capacity: { storage: "1Gi" },
        accessModes: ["ReadWriteOnce"],
        storageClassName: foreign,
        hostPath: { path: "/somebody-elses" },
      },
    }),
    ...nodes.map((node) => markNode(api, node.metadata.name)),
  ]);
}

/** The same in PostgreSQL: a role with a database of its own. */
export async function plantForeignDatabase(postgres: Postgres): Promise<void> {
  await withClient(postgres, async (client) => {
    const name = client.escapeIdentifier(foreign);
    await client.query(`CREATE ROLE ${name}`);
    await client.query(`CREATE DATABASE ${name} OWNER ${name}`);
  });
}

/** What a report shows: the cluster without the objects and marks that are planted here. */
export function withoutForeign(seen: Observation): Observation {
  return {
    ...seen,
    nodes: seen.nodes.map(({ labels, taints, ...node }) => ({
      ...node,
      labels: Object.fromEntries(Object.entries(labels).filter(([key]) => key !== mark)),
      taints: taints.filter(({ key }) => key !== mark),
    })),
    volumes: seen.volumes.filter(({ name }) => name !== foreign),
  };
}

const foreign = "somebody-elses";

/** The key of the planted label and taint. */
const mark = `example.com/${foreign}`;

async function markNode(api: Api, name: string): Promise<void> {
  const { metadata, spec } = await api.core.readNode({ name });
  const body = [
    { op: "add", path: "/metadata/labels", value: { ...metadata?.labels, [mark]: "yes" } },
    {
      op: "add",
      path: "/spec/taints",
      value: [...(spec?.taints ?? []), { key: mark, value: "yes", effect: "PreferNoSchedule" }],
    },
  ];
  await api.core.patchNode({ name, body });
}

function object<M extends { name: string; namespace?: string }>(apiVersion: string, kind: string, metadata: M) {
  return { apiVersion, kind, metadata };
}
