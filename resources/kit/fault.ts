import * as pulumi from "@pulumi/pulumi";

/**
 * An error that the user can fix; Pulumi shows only its message.
 *
 * Its stack is the message: Pulumi 3.270 formats every error with `util.inspect(error, { colors: true })`, which takes half a minute and more on a
 * stack line of the SDK with Node 20.20, 22.23 and 24.9 (not with 22.18).
 */
export function fault(message: string): pulumi.RunError {
  return Object.assign(new pulumi.RunError(message), { stack: message });
}
