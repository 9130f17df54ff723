/** What happened to the messages of each step. Pure. */

export interface TrackedMessage {
  /** The step in which it was sent. */
  step: string;
  /** When the broker acknowledged it, in milliseconds; undefined if it did not. */
  acknowledged?: number;
  /** How often it was received. */
  received: number;
}

/** A time during which a step ran, in milliseconds. */
export interface Span {
  step: string;
  from: number;
  to: number;
}

/** The traffic of a step. */
export interface TrafficStep {
  step: string;
  sent: number;
  acknowledged: number;
  /** Each message counts once. */
  received: number;
  /** Acknowledged, but never received. */
  lost: number;
  /** Receptions of a message after its first one. */
  duplicates: number;
  /** The longest time without an acknowledgement of any message that began, ended or passed in the step. */
  longestPauseSeconds: number;
}

/**
 * The traffic by step, in the order of their first spans. Steps without a message and without a pause of their own are left out.
 * @param spans in the order of time; the first one starts with the traffic
 * @param end when the last message was answered
 */
export function trafficSteps(messages: readonly TrackedMessage[], spans: readonly Span[], end: number): TrafficStep[] {
  const acknowledgements = messages.flatMap(({ acknowledged }) => acknowledged ?? []).sort((a, b) => a - b);
  const times = [spans[0]?.from ?? end, ...acknowledgements, end];
  const pauses = times.slice(1).map((to, i) => ({ from: times[i] ?? to, to }));
  return [...new Set(spans.map(({ step }) => step))].map((step) => {
    const own = messages.filter((message) => message.step === step);
    const acknowledged = own.filter((message) => message.acknowledged !== undefined);
    const received = own.filter((message) => message.received > 0);
    const touches = (pause: { from: number; to: number }) =>
      spans.some((span) => span.step === step && pause.from < span.to && pause.to > span.from);
    const longest = Math.max(0, ...pauses.filter(touches).map(({ from, to }) => to - from));
    return {
      step,
      sent: own.length,
      acknowledged: acknowledged.length,
      received: received.length,
      lost: acknowledged.filter((message) => message.received === 0).length,
      duplicates: received.reduce((sum, message) => sum + message.received - 1, 0),
      longestPauseSeconds: Math.round(longest / 100) / 10,
    };
  });
}
