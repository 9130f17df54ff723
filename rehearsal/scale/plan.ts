import type { StackConfig } from "../engine/stack.ts";
import { RehearsalError } from "../engine/fault.ts";

/** The stack whose settings the generated plans use, except for the nodes. */
export const stack = "prod";

/** With fewer nodes, a group would still contain nodes of the stack file. */
export const fewestNodes = 16;

const zones = ["a", "b", "c"];

/**
 * A plan in the dedicated layout, as configuration that overrides the production stack's: three ZooKeepers (five from 60 nodes on), bookies on
 * two thirds of the nodes, and a broker and a proxy on each of the others. Every group is spread over three zones.
 *
 * @throws RehearsalError for fewer nodes than `fewestNodes`
 */
export function planOf(nodes: number): StackConfig {
  if (nodes < fewestNodes) {
    throw new RehearsalError(`--nodes: ${nodes} is too few; use ${fewestNodes} or more`);
  }
  const zookeepers = nodes < 60 ? 3 : 5;
  const bookies = Math.floor((nodes * 2) / 3);
  const serving = nodes - zookeepers - bookies;
  return {
    plain: {
      ...group("zookeeper", "zk", zookeepers),
      ...group("bookkeeper", "bk", bookies),
      ...group("serving", "sv", serving),
      "pulsar:replicas.broker": String(serving),
      "pulsar:replicas.proxy": String(serving),
    },
  };
}

function group(name: string, prefix: string, count: number): Record<string, string> {
  const nodes = Array.from({ length: count }, (_, i): [string, string][] => [
    [`pulsar:nodeGroups.${name}.nodes[${i}].name`, `${prefix}-${i + 1}`],
    [`pulsar:nodeGroups.${name}.nodes[${i}].zone`, zones[i % zones.length] ?? ""],
  ]);
  return Object.fromEntries(nodes.flat());
}
