import { setTimeout } from "node:timers/promises";
import { RehearsalError } from "../engine/fault.ts";

/** What to wait for, and how long. */
export interface WaitOptions {
  /** The condition, as in "timed out after 30 s waiting for ...". */
  what: string;
  /** Milliseconds. */
  limit: number;
  /** Milliseconds between two calls of the probe. @default 100 */
  every?: number;
  signal?: AbortSignal;
}

/**
 * Calls `probe` until it returns something other than undefined, and returns that. A probe that throws is called again, unless it throws a
 * `RehearsalError`. When the signal is aborted, its reason is thrown.
 *
 * @throws RehearsalError at the limit, with the last error of the probe
 */
export async function waitFor<T>(probe: () => Promise<T | undefined>, waiting: WaitOptions): Promise<T> {
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
      throw new RehearsalError(`timed out after ${waiting.limit / 1000} s waiting for ${waiting.what}${reason}`, {
        cause: fault,
      });
    }
    await setTimeout(waiting.every ?? 100);
  }
}

/** Calls `work` again and again, half a second apart, until it is closed. Its errors are ignored, because the next call tries again. */
export function repeat(work: () => Promise<void>): { close(): void } {
  const closing = new AbortController();
  const { signal } = closing;
  const run = async () => {
    while (!signal.aborted) {
      await work().catch(() => undefined);
      await setTimeout(500, undefined, { signal });
    }
  };
  // The end of the pause when it is closed.
  run().catch(() => undefined);
  return {
    close() {
      closing.abort();
    },
  };
}
