import type { Measurement } from "./measure.ts";

export const heading = [
  "nodes",
  "resources",
  "pods",
  "up s",
  "second up s",
  "refresh s",
  "drift s",
  "destroy s",
  "program MiB",
  "engine MiB",
  "plugins MiB",
];

export function rowOf({ nodes, resources, pods, ...costs }: Measurement): string[] {
  return [...[nodes, resources, pods].map(String), ...costsOf(costs).map((cost) => cost?.toFixed(0) ?? "-")];
}

/** The growth of each cost from the smallest plan to the largest, divided by that of the nodes: 1.0 is linear. Empty for a single size. */
export function growthRow(measured: readonly Measurement[]): string[][] {
  const [least, most] = [measured[0], measured.at(-1)];
  if (!least || !most || least.nodes === most.nodes) return [];
  const factor = most.nodes / least.nodes;
  const before = costsOf(least);
  const growths = costsOf(most).map((cost, i) => {
    const first = before[i];
    return cost === undefined || first === undefined ? "-" : (cost / first / factor).toFixed(2);
  });
  return [["growth", "", "", ...growths]];
}

function costsOf({ seconds, memory }: Pick<Measurement, "seconds" | "memory">): (number | undefined)[] {
  return [
    seconds.up,
    seconds["second up"],
    seconds.refresh,
    seconds.drift,
    seconds.destroy,
    memory?.program,
    memory?.engine,
    memory?.plugins,
  ];
}
