import assert from "node:assert/strict";
import { test } from "node:test";
import { trafficSteps } from "../../../rehearsal/realCluster/messages/trafficSteps.ts";

const spans = [
  { step: "between steps", from: 0, to: 1000 },
  { step: "up", from: 1000, to: 3000 },
  { step: "between steps", from: 3000, to: 3500 },
  { step: "drain", from: 3500, to: 9000 },
  { step: "between steps", from: 9000, to: Infinity },
];

test("messages count for the step in which they are sent", () => {
  const rows = trafficSteps(
    [
      { step: "between steps", acknowledged: 500, received: 1 },
      { step: "up", acknowledged: 1500, received: 1 },
      // Acknowledged, never received.
      { step: "up", acknowledged: 2500, received: 0 },
      // Not acknowledged, but written.
      { step: "drain", received: 1 },
      { step: "drain", received: 0 },
      { step: "drain", acknowledged: 8000, received: 3 },
    ],
    spans,
    9500,
  );
  const counts = rows.map((row) => [row.step, row.sent, row.acknowledged, row.received, row.lost, row.duplicates]);
  assert.deepEqual(counts, [
    ["between steps", 1, 1, 1, 0, 0],
    ["up", 2, 2, 1, 1, 0],
    ["drain", 3, 1, 2, 0, 2],
  ]);
});

/** The longest pause of each step, for acknowledgements at these times. */
function pauses(acknowledged: number[], end: number): Record<string, number> {
  const messages = acknowledged.map((at) => ({ step: "up", acknowledged: at, received: 1 }));
  return Object.fromEntries(
    trafficSteps(messages, spans, end).map(({ step, longestPauseSeconds }) => [step, longestPauseSeconds]),
  );
}

test("a pause counts whole in each step that it touches", () => {
  assert.deepEqual(pauses([400, 900, 2900, 3600, 9100, 9200], 9500), { "between steps": 5.5, up: 2, drain: 5.5 });
  assert.deepEqual(pauses([500, 999, 1500, 2000, 2700, 3200, 3600], 3700), {
    "between steps": 0.5,
    up: 0.7,
    drain: 0.4,
  });
});

test("the time until the first acknowledgement and after the last one is a pause", () => {
  assert.deepEqual(pauses([], 9500), { "between steps": 9.5, up: 9.5, drain: 9.5 });
  assert.deepEqual(pauses([100], 9500), { "between steps": 9.4, up: 9.4, drain: 9.4 });
});
