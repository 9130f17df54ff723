/** A fault that the user can mend; its message is all there is to say. */
export class RehearsalError extends Error {
  override name = "RehearsalError";
}
