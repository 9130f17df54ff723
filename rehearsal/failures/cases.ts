/** Which nodes are taken away from a stack that runs. */
import { RehearsalError } from "../engine/fault.ts";
import type { WhatIf } from "./whatIf.ts";

/** What the command line asks for. At most one of them. */
export interface Question {
  /** Nodes that die together. */
  lose?: string[];
  /** A zone whose nodes die together. */
  loseZone?: string;
  /** Nodes that are drained one after the other. */
  drain?: string[];
  /** Every node of the stack, each alone. */
  eachNode?: boolean;
}

/** Nodes that die or are drained together, starting from a stack that runs wholly. */
export type Case = Pick<WhatIf, "kind" | "nodes" | "zone">;

/**
 * The cases that answer a question, in the order of the stack's nodes where the question has none.
 * @throws RehearsalError for nodes and zones that the stack does not have
 */
export function casesOf(question: Question, nodes: readonly { name: string; zone?: string | undefined }[]): Case[] {
  const names = nodes.map(({ name }) => name);
  const known = (option: string, asked: readonly string[]): string[] => {
    const strangers = asked.filter((name) => !names.includes(name));
    if (strangers.length > 0) {
      throw new RehearsalError(
        `${option}: found ${quoted(strangers)}; allowed: nodes of the stack, which are ${names.join(", ")}`,
      );
    }
    return [...new Set(asked)];
  };
  const { lose, loseZone, drain, eachNode } = question;
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
