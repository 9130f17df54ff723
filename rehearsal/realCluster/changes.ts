/** The changes of a stack's settings in a rehearsal on an existing cluster. Pure. */
import type { Authorities } from "../../model/tlsSettings.ts";
import type { Settings } from "../../settings/resolve.ts";
import type { StackConfig } from "../engine/stack.ts";
import type { ChangeName } from "../report/record.ts";
import type { Step } from "./arguments.ts";

/** An `up` with other settings. */
export interface Change {
  name: ChangeName;
  config: Pick<StackConfig, "plain" | "unset">;
}

/** What a step changes, one `up` after the other. */
export function changesIn(
  step: Extract<Step, "value" | "rotation" | "renewal" | "ca-rotation">,
  { tokens, tls }: Pick<Settings, "tokens" | "tls">,
): Change[] {
  const next = ({ generation }: { generation: number }) => String(generation + 1);
  switch (step) {
    case "value":
      // Replaces every broker.
      return [{ name: "value change", config: { plain: { "pulsar:values.broker.annotations.rehearsal": "changed" } } }];
    case "rotation":
      return [{ name: "token rotation", config: { plain: { "pulsar:tokens.generation": next(tokens) } } }];
    case "renewal":
      return [{ name: "certificate renewal", config: { plain: { "pulsar:tls.generation": next(tls) } } }];
    case "ca-rotation":
      return authorityChanges(tls).map((config, i) => ({ name: `CA rotation, update ${i + 1}`, config }));
  }
}

/** The updates of docs/operations/rotate-ca.md. */
function authorityChanges({ trusted }: Authorities): Change["config"][] {
  const next = Math.max(...trusted) + 1;
  const both = [...trusted, next].map((number, i) => [`pulsar:tls.trusted[${i}]`, String(number)]);
  return [
    { plain: Object.fromEntries(both) as Record<string, string> },
    { plain: { "pulsar:tls.authority": String(next) } },
    // By default, only the CA that signs is trusted.
    { unset: ["pulsar:tls.trusted"] },
  ];
}
