import fc from "fast-check";
import type { PlannedNode, Placement, StackNode } from "../../../model/layouts/layout.ts";

export const word = fc.stringMatching(/^[a-z][a-z0-9]{0,9}$/);
const count = fc.integer({ min: 1, max: 9 });

/** The input of both layouts, except for the nodes. */
export const common = {
  nodeLabel: fc.record({ key: word, value: word }),
  nodeTaint: fc.record({
    key: word,
    value: word,
    effect: fc.constantFrom("NoSchedule" as const, "PreferNoSchedule" as const, "NoExecute" as const),
  }),
  replicas: fc.record({
    zookeeper: count,
    bookkeeper: count,
    broker: count,
    proxy: count,
    autorecovery: count,
    toolset: count,
    manager: count,
  }),
};

/** Nodes with unique names, some with a zone. */
export const nodeList = (minLength: number): fc.Arbitrary<StackNode[]> =>
  fc.uniqueArray(fc.record({ name: word, hostname: word, zone: fc.option(word, { nil: undefined }) }), {
    selector: ({ name }) => name,
    minLength,
    maxLength: 9,
  });

/** A node outside the layout. */
export const stranger: PlannedNode = {
  name: "other",
  hostname: "other",
  role: "everything",
  labels: { "kubernetes.io/hostname": "other" },
  taints: [],
};

/** Whether the scheduler allows a component's pods on a node. */
export function admits({ nodeSelector, tolerations }: Placement, { labels, taints }: PlannedNode): boolean {
  const selected = Object.entries(nodeSelector).every(([key, value]) => labels[key] === value);
  const tolerated = taints.every((taint) =>
    tolerations.some((t) => t.key === taint.key && t.value === taint.value && t.effect === taint.effect),
  );
  return selected && tolerated;
}
