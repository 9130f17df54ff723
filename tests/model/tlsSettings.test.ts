import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { type Authorities, authorityBreaches } from "../../model/tlsSettings.ts";

const ca = (authority: number, ...trusted: number[]): Authorities => ({ authority, trusted });

describe("a change of the CAs", () => {
  test("by overlap is accepted, and so is each step back", () => {
    const steps = [ca(1, 1), ca(1, 1, 2), ca(2, 2, 1), ca(2, 2)];
    const pairs = steps.slice(1).map((after, i) => [steps[i] ?? after, after] as const);
    for (const [before, after] of pairs) {
      assert.deepEqual(authorityBreaches(before, after), []);
      assert.deepEqual(authorityBreaches(after, before), []);
    }
  });

  test("is refused if the pods do not trust the new CA, with the step that is missing", () => {
    assert.deepEqual(authorityBreaches(ca(1, 1), ca(2, 1, 2)), [
      "pulsar:tls.authority: 2 cannot sign yet, because the pods trust only [1]; run an update with authority 1 and trusted [1, 2] first",
    ]);
  });

  test("is refused if it no longer trusts the pods' certificates", () => {
    assert.deepEqual(authorityBreaches(ca(1, 1, 2), ca(2, 2)), [
      "pulsar:tls.trusted: [2] leaves out 1, which signed the pods' certificates; run an update with another authority and trusted [1, 2] first",
    ]);
    assert.equal(authorityBreaches(ca(1, 1), ca(2, 2)).length, 2);
  });
});
