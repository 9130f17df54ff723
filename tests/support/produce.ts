import assert from "node:assert/strict";

/** Produces a message with the broker's REST API, which the proxy does not forward. @param broker its `http://` address */
export async function produceAt(broker: string, token: string, topic: string): Promise<void> {
  const response = await fetch(`${broker}/topics/${topic.replace("://", "/")}`, {
    method: "POST",
    headers: { authorization: `Bearer ${token}`, "content-type": "application/json" },
    body: JSON.stringify({ messages: [{ payload: "to be kept" }] }),
    signal: AbortSignal.timeout(60_000),
  });
  const text = await response.text();
  assert.ok(response.ok, `${response.status} ${text}`);
  assert.match(text, /"errorCode":0/);
}
