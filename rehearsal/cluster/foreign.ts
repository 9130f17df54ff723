import { withClient } from "./databases.ts";
import type { Api } from "./api.ts";
import type { SimulatedNode } from "./nodes.ts";
import type { Observation } from "./observe.ts";
import type { Postgres } from "./postgres.ts";

/**
 * Creates objects that do not belong to the stack, so that the rehearsal can check that `destroy` keeps them: a namespace with a ConfigMap, a
 * volume, and a label and a taint on every node. The taint has the effect PreferNoSchedule and is the same on all nodes, so it does not change
 * where pods are scheduled.
 */
export async function createForeignObjects(api: Api, nodes: readonly Pick<SimulatedNode, "metadata">[]): Promise<void> {
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

/** The same in PostgreSQL: a role and a database that it owns. */
export async function createForeignDatabase(postgres: Postgres): Promise<void> {
  await withClient(postgres, async (client) => {
    const name = client.escapeIdentifier(foreign);
    await client.query(`CREATE ROLE ${name}`);
    await client.query(`CREATE DATABASE ${name} OWNER ${name}`);
  });
}

/** An observation without the foreign objects, labels and taints. */
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

/** The key of the foreign label and taint. */
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
