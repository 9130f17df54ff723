import type { dynamic } from "@pulumi/pulumi";
import { diffOn } from "../kit/diff.ts";
import { recordOnly } from "../kit/record.ts";

export interface Inputs {
  /** Another number checks the Secrets again. */
  generation: number;
  /** More host names and IP addresses in the proxies' certificate. */
  hosts: string[];
}

export function diff(_id: string, olds: Inputs, news: Inputs): dynamic.DiffResult {
  return diffOn(olds, news, ["generation", "hosts"]);
}

export const { create, update, read, remove } = recordOnly<Inputs>("tls-secrets");
