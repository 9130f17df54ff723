import { setTimeout } from "node:timers/promises";
import { RehearsalError } from "../engine/fault.ts";

/** How a condition is waited for. */
export interface Waiting {
  /** What is waited for, as it reads in "... did not happen within 30 s". */
  what: string;
  /** Milliseconds until the wait is given up. */
  limit: number;
  /** Milliseconds between two looks. @default 100 */
  every?: number;
  signal?: AbortSignal | undefined;
}

/**
 * Looks until `probe` answers something and answers that. A probe that fails is asked again, unless it fails with a `RehearsalError`. Fails at
 * once with the signal's reason when that is aborted.
 *
 * @throws RehearsalError when the time is up, with the probe's last fault
 */
export async function waitFor<T>(probe: () => Promise<T | undefined>, waiting: Waiting): Promise<T> {
  const deadline = Date.now() + waiting.limit;
  for (;;) {
    let fault: unknown;
    try {
      const found = await probe();
      if (found !== undefined) return found;
    } catch (cause) {
      if (cause instanceof RehearsalError) throw cause;
      fault = cause;
    }
    waiting.signal?.throwIfAborted();
    if (Date.now() > deadline) {
      const reason = fault instanceof Error ? `: ${fault.message.split("\n", 1)[0] ?? ""}` : "";
      throw new RehearsalError(`${waiting.what} did not happen within ${waiting.limit / 1000} s${reason}`, {
        cause: fault,
      });
    }
    await setTimeout(waiting.every ?? 100);
  }
}
