import { RehearsalError } from "../../rehearsal/engine/fault.ts";

/** The value of `--stack`. @throws RehearsalError if it is not set */
export function requireStack(stack: string | undefined): string {
  if (stack === undefined) throw new RehearsalError("--stack: not set; name a stack, for example --stack prod");
  return stack;
}
