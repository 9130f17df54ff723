import * as pulumi from "@pulumi/pulumi";

/**
 * An error that the user can fix; Pulumi shows only its message. It has no cause: that of an invalid kubeconfig quotes its content, including secrets.
 *
 * Its stack is the message: Pulumi 3.270 formats every error with `util.inspect(error, { colors: true })`, which takes half a minute and more on a
 * stack line of the SDK with Node 20.20, 22.23 and 24.9 (not with 22.18). Hooks and dynamic
 * providers print the stack.
 * @param code HTTP status, for `statusOf`
 */
export function fault(message: string, code?: number): pulumi.RunError {
  return Object.assign(new pulumi.RunError(message), { stack: message }, code !== undefined && { code });
}

/** The first line only: parsers add an excerpt below it, and that of a kubeconfig may hold a secret. */
export function firstLine(error: unknown): string {
  return String(error instanceof Error ? error.message : error).split("\n", 1)[0] ?? "";
}

/** A message with a line for each reason why a change is refused before anything is changed. */
export function refusalOf(title: string, reasons: readonly string[]): string {
  return [title, ...reasons.map((reason) => `  - ${reason}`), "Nothing was changed."].join("\n");
}
