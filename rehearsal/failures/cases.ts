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
      throw new RehearsalError(
        `${option}: found ${quoted(unknown)}; allowed: nodes of the stack, which are ${names.join(", ")}`,
      );
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
      const allowed =
        zones.length === 0
          ? "nothing, because no node of the stack has a zone"
          : `one of the zones ${zones.join(", ")}`;
      throw new RehearsalError(`--lose-zone: found ${quoted([loseZone])}; allowed: ${allowed}`);
    }
    return [{ kind: "lost", nodes: inZone, zone: loseZone }];
  }
  return eachNode === true ? names.map((name) => ({ kind: "lost", nodes: [name] })) : [];
}

function quoted(names: readonly string[]): string {
  return names.map((name) => `"${name}"`).join(", ");
}
