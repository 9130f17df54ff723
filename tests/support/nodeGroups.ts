import { stackConfig } from "./stackFile.ts";

export interface Node {
  name: string;
  [key: string]: unknown;
}
interface Group {
  nodes?: Node[];
  cpu?: number | string;
  memory?: string;
  untainted?: number;
}
type Groups = Record<"zookeeper" | "bookkeeper" | "serving", Group>;

/** `pulsar:nodeGroups` of the committed stack prod. */
export const committed = JSON.parse(stackConfig("prod").values["pulsar:nodeGroups"] ?? "") as Record<
  keyof Groups,
  Group & { nodes: Node[] }
>;

/** The same with other keys in some groups. */
export function groups(changes: Partial<Groups>): Groups {
  const group = (name: keyof Groups) => ({ ...committed[name], ...changes[name] });
  return { zookeeper: group("zookeeper"), bookkeeper: group("bookkeeper"), serving: group("serving") };
}

/** Nodes by their names. */
export function nodes(...names: string[]): Node[] {
  return names.map((name) => ({ name }));
}

/** A node in each of the zones, in order: `zk-0`, `zk-1`. */
export function zoned(prefix: string, zones: string): Node[] {
  return Array.from(zones, (zone, i) => ({ name: `${prefix}-${i}`, zone }));
}
