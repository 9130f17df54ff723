/** Messages that are sent and received while the cluster changes. */
import { randomBytes } from "node:crypto";
import { setTimeout as wait } from "node:timers/promises";
import { waitFor } from "../../cluster/waiting.ts";
import type { MessagingClient } from "./client.ts";
import { type Span, type TrackedMessage, type TrafficStep, trafficSteps } from "./trafficSteps.ts";

/** Messages that are sent and received continuously. */
export interface Traffic {
  /**
   * Counts the messages that are sent during `work` for this step. After it, the step lasts until a message is acknowledged again, at most two
   * minutes, so that a pause counts for the step that caused it.
   */
  during<T>(step: string, work: () => Promise<T>): Promise<T>;
  /** Stops sending, waits at most `limit` milliseconds until each acknowledged message is received, and returns a row for each step. */
  stop(limit?: number): Promise<TrafficStep[]>;
}

/** The step of messages that are sent outside of `during`. */
const betweenSteps = "between steps";

/**
 * Sends a message to `topic` every `pause` milliseconds, one at a time, and receives them with a subscription of its own.
 * @throws Error if the topic cannot be reached at the start; later, the client reconnects
 */
export async function startTraffic(
  client: MessagingClient,
  topic: string,
  { pause = 50 }: { pause?: number } = {},
): Promise<Traffic> {
  const run = randomBytes(6).toString("hex");
  // First, so that the subscription receives the first message too.
  const consumer = await client.consumer(topic, `traffic-${run}`);
  const producer = await client.producer(topic);

  /** By sequence number. */
  const messages: TrackedMessage[] = [];
  const spans: Span[] = [{ step: betweenSteps, from: performance.now(), to: Infinity }];
  const current = () => spans.at(-1)?.step ?? betweenSteps;
  const enter = (step: string) => {
    const now = performance.now();
    const last = spans.at(-1);
    if (last !== undefined) last.to = now;
    spans.push({ step, from: now, to: Infinity });
  };

  const sending = new AbortController();
  const receiving = new AbortController();
  const sender = (async () => {
    while (!sending.signal.aborted) {
      const message: TrackedMessage = { step: current(), received: 0 };
      const sequence = messages.push(message) - 1;
      await producer.send(`${run} ${sequence}`).then(
        () => {
          message.acknowledged = performance.now();
        },
        () => undefined,
      );
      await wait(pause);
    }
  })();
  const receiver = (async () => {
    while (!receiving.signal.aborted) {
      const text = await consumer.receive(500).catch(() => wait(pause).then(() => undefined));
      const [from, sequence] = text?.split(" ") ?? [];
      const message = from === run ? messages[Number(sequence)] : undefined;
      if (message !== undefined) message.received += 1;
    }
  })();

  const nextAcknowledgement = async () => {
    const next = messages.length;
    const answered = () => messages.slice(next).some(({ acknowledged }) => acknowledged !== undefined);
    await waitFor(async () => answered() || undefined, { what: "a message", limit: 120_000 }).catch(() => undefined);
  };

  return {
    async during(step, work) {
      enter(step);
      try {
        const result = await work();
        await nextAcknowledgement();
        return result;
      } finally {
        enter(betweenSteps);
      }
    },
    async stop(limit = 60_000) {
      sending.abort();
      await sender;
      const end = performance.now();
      const complete = () => messages.every(({ acknowledged, received }) => acknowledged === undefined || received > 0);
      // What is missing at the limit is counted as lost.
      await waitFor(async () => complete() || undefined, { what: "the messages", limit }).catch(() => undefined);
      receiving.abort();
      await receiver;
      return trafficSteps(messages, spans, end);
    },
  };
}
