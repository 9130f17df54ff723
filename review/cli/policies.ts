/** `npm run policies`: the policies of a stack for the API server. */
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { parse } from "yaml";
import { admissionFile } from "../../policy/admission.ts";
import type { PolicySettings } from "../../policy/settings.ts";
import { command, requireWritable } from "../../rehearsal/cli/command.ts";
import { RehearsalError } from "../../rehearsal/engine/fault.ts";
import { ownProject } from "../../rehearsal/engine/stackSettings.ts";
import { ownerAnnotation } from "../../resources/kubernetes/ownership.ts";
import { runProgram } from "../program/program.ts";
import { requireStack } from "./stack.ts";

const usage = `Writes the policies of a stack as ValidatingAdmissionPolicies, for kubectl apply -f. It needs no cluster and no passphrase.

  npm run --silent policies -- --stack NAME [--out FILE]

  --stack NAME  the stack, from Pulumi.NAME.yaml
  --out FILE    write to a file instead of the standard output
  --help        show this help

Exit status: 0 if the policies are written; 1 if the program refuses the settings; 2 if the command cannot run.`;

const options = { stack: { type: "string" }, out: { type: "string" } } as const;

await command({ usage, options, exitCodes: { Error: 2 } }, async (given) => {
  const stack = requireStack(given.stack);
  if (given.out !== undefined) await requireWritable("--out", given.out);
  const collected = await runProgram({ folder: ownProject, stack });
  if ("refused" in collected) {
    console.error(collected.refused.join("\n"));
    return 1;
  }
  const settings = collected.outputs["policies"] as PolicySettings | undefined;
  if (settings === undefined) throw new RehearsalError("the program has no output `policies`; restore it in index.ts");
  const { name } = parse(await readFile(join(ownProject, "Pulumi.yaml"), "utf8")) as { name: string };
  // The organization depends on the backend, which this command does not ask.
  const text = admissionFile(stack, settings, { annotation: ownerAnnotation, suffix: `/${name}/${stack}` }, new Date());
  if (given.out === undefined) process.stdout.write(text);
  else await writeFile(given.out, text);
  return 0;
});
