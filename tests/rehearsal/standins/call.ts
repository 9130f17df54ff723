import type { Call } from "../../../rehearsal/standins/protocol.ts";

/** A call of the engine for a resource of this type, without a log, a timeout or a cancellation. */
export const callOf = (type: string): Call => ({
  urn: "urn",
  type,
  name: "thing",
  timeoutSeconds: 0,
  log: { info: () => undefined, warn: () => undefined, status: () => undefined },
  signal: new AbortController().signal,
});
