/** The failures to simulate on a running stack. */
import { RehearsalError } from "../engine/fault.ts";
import type { WhatIf } from "./whatIf.ts";

/** The options of the command line. At most one of them is set. */
export interface FailureOptions {
  /** Nodes that fail together. */
  lose?: string[];
  /** A zone whose nodes fail together. */
  loseZone?: string;
  /** Nodes that are drained one after the other. */
  drain?: string[];
  /** Whether every node of the stack fails in turn, alone. */
  eachNode?: boolean;
}

/** Nodes that fail or are drained together. All pods are ready before. */
export type FailureCase = Pick<WhatIf, "kind" | "nodes" | "zone">;

/**
 * The cases of the options: in the given order of nodes, or else in that of the stack.
 * @throws RehearsalError for nodes and zones that the stack does not have
 */
export function failureCases(
  options: FailureOptions,
  nodes: readonly { name: string; zone?: string | undefined }[],
): FailureCase[] {
  const names = nodes.map(({ name }) => name);
  const known = (option: string, given: readonly string[]): string[] => {
    const unknown = given.filter((name) => !names.includes(name));
    if (unknown.length > 0) {
      throw new RehearsalError(`${option}: the stack has no node ${quoted(unknown)}; use ${names.join(", ")}`);
    }
    return [...new Set(given)];
  };
  const { lose, loseZone, drain, eachNode } = options;
  if (lose) return [{ kind: "lost", nodes: known("--lose", lose) }];
  if (drain) return [{ kind: "drained", nodes: known("--drain", drain) }];
  if (loseZone !== undefined) {
    const inZone = nodes.filter(({ zone }) => zone === loseZone).map(({ name }) => name);
    if (inZone.length === 0) {
      const zones = [...new Set(nodes.flatMap(({ zone }) => zone ?? []))];
      const remedy = zones.length === 0 ? "give the nodes zones in the stack file" : `use ${zones.join(", ")}`;
      throw new RehearsalError(`--lose-zone: no node of the stack is in zone "${loseZone}"; ${remedy}`);
    }
    return [{ kind: "lost", nodes: inZone, zone: loseZone }];
  }
  return eachNode === true ? names.map((name) => ({ kind: "lost", nodes: [name] })) : [];
}

function quoted(names: readonly string[]): string {
  return names.map((name) => `"${name}"`).join(", ");
}
