import * as pulumi from "@pulumi/pulumi";

/**
 * A fault that the user can mend; Pulumi shows its message alone.
 *
 * Its stack is the message: Pulumi 3.270 formats every error with `util.inspect(error, { colors: true })` before it looks at its kind, and on
 * a stack line of the SDK Node 20.20, 22.23 and 24.9 (22.18 does not) build a text without end, for half a minute and more. Can go when
 * Node no longer does.
 */
export function fault(message: string): pulumi.RunError {
  return Object.assign(new pulumi.RunError(message), { stack: message });
}
