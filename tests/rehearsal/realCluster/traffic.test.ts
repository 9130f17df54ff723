import assert from "node:assert/strict";
import { setTimeout as wait } from "node:timers/promises";
import { test } from "node:test";
import { waitFor } from "../../../rehearsal/cluster/waiting.ts";
import type { MessagingClient } from "../../../rehearsal/realCluster/messages/client.ts";
import { startTraffic } from "../../../rehearsal/realCluster/messages/traffic.ts";

/** A topic in memory. `change` decides what becomes of each message: the ones that are received; an error is not acknowledged. */
function topicOf(change: (text: string) => string[]) {
  const sent: string[] = [];
  const queue: string[] = [];
  let held = false;
  const client: MessagingClient = {
    async producer() {
      return {
        async send(text) {
          sent.push(text);
          queue.push(...change(text));
        },
      };
    },
    async consumer() {
      return {
        async receive() {
          await wait(1);
          return held ? undefined : queue.shift();
        },
      };
    },
    async close() {
      // Nothing is open.
    },
  };
  const hold = (value: boolean) => {
    held = value;
  };
  return { client, sent, hold };
}

const more = (sent: string[], count: number) => {
  const wanted = sent.length + count;
  return waitFor(async () => sent.length >= wanted || undefined, { what: "messages", limit: 10_000, every: 1 });
};

test("messages are counted by step: lost ones, duplicates, refused ones and those of others", async () => {
  let change = (text: string) => [text];
  const { client, sent } = topicOf((text) => change(text));
  const traffic = await startTraffic(client, "topic", { pause: 1 });
  await more(sent, 3);
  const during = (step: string, next: typeof change) =>
    traffic.during(step, async () => {
      change = next;
      await more(sent, 3);
      change = (text) => [text];
    });
  await during("lost", () => []);
  await during("twice", (text) => [text, text, "another 0"]);
  await during("refused", () => {
    throw new Error("no broker");
  });
  await assert.rejects(
    traffic.during("failed", () => Promise.reject(new Error("the step failed"))),
    /the step failed/,
  );
  const rows = new Map((await traffic.stop(100)).map((row) => [row.step, row]));
  assert.deepEqual([...rows.keys()].slice(0, 4), ["between steps", "lost", "twice", "refused"]);
  assert.equal(
    [...rows.values()].reduce((sum, row) => sum + row.sent, 0),
    sent.length,
  );
  assert.ok((rows.get("lost")?.lost ?? 0) >= 2);
  assert.ok((rows.get("twice")?.duplicates ?? 0) >= 2);
  assert.equal(rows.get("twice")?.lost, 0);
  const refused = rows.get("refused");
  assert.ok(refused !== undefined && refused.sent - refused.acknowledged >= 2 && refused.lost === 0);
  assert.equal(rows.get("between steps")?.lost, 0);
});

test("the end waits for acknowledged messages, until its limit", async () => {
  const { client, sent, hold } = topicOf((text) => [text]);
  const ends = async (release: boolean) => {
    const traffic = await startTraffic(client, "topic", { pause: 1 });
    hold(true);
    await more(sent, 3);
    const stopped = traffic.stop(release ? 10_000 : 50);
    if (release) hold(false);
    return (await stopped)[0]?.lost ?? 0;
  };
  assert.ok((await ends(false)) >= 2);
  assert.equal(await ends(true), 0);
});
