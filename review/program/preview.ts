/** `pulumi preview` of a stack against its real state. */
import { execa } from "execa";
import { redactor } from "../../rehearsal/engine/redact.ts";
import { findPulumi } from "../pulumi.ts";
import type { Review } from "../comment/comment.ts";

/** The text of `pulumi preview --diff`, with its counts. A preview that fails is a result too. */
export async function previewOf(folder: string, stack: string): Promise<NonNullable<Review["preview"]>> {
  const args = ["preview", "--diff", "--stack", stack, "--non-interactive", "--color=never", "--suppress-progress"];
  const { failed, all } = await execa(await findPulumi(), args, { cwd: folder, reject: false, all: true });
  const text = redactor([])(all.trim());
  return { text, failed, counts: countsIn(text) };
}

/** The numbers below `Resources:` at the end of a preview. There is no space between `+-` and its number. */
export function countsIn(text: string): NonNullable<NonNullable<Review["preview"]>["counts"]> {
  const count = (verb: string) => Number(new RegExp(`^\\s+[^\\s\\d]+ ?(\\d+) to ${verb}$`, "m").exec(text)?.[1] ?? 0);
  return { create: count("create"), update: count("update"), replace: count("replace"), delete: count("delete") };
}
