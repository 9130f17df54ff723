import type { dynamic } from "@pulumi/pulumi";
import { type Authorities, authorityBreaches } from "../../model/tlsSettings.ts";
import { diffOn } from "../kit/diff.ts";
import { refusalOf } from "../kit/fault.ts";
import { recordOnly } from "../kit/record.ts";

/** Refuses a change of the CAs that the running pods would not accept. */
export function check(olds: Partial<Authorities>, news: Authorities): dynamic.CheckResult<Authorities> {
  const { authority, trusted } = olds;
  if (authority === undefined || trusted === undefined) return {};
  const lines = authorityBreaches({ authority, trusted }, news);
  if (lines.length === 0) return {};
  const title = "this change of the CA would interrupt connections (docs/operations/rotate-ca.md):";
  return { failures: [{ property: "", reason: refusalOf(title, lines) }] };
}

export function diff(_id: string, olds: Authorities, news: Authorities): dynamic.DiffResult {
  return diffOn(olds, news, ["authority", "trusted"]);
}

export const { create, update, read, remove } = recordOnly<Authorities>("authorities");
