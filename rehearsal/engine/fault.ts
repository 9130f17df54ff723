/** A fault that the user can fix. The message says everything; no stack trace is shown. */
export class RehearsalError extends Error {
  override name = "RehearsalError";
}
