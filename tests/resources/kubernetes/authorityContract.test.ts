import assert from "node:assert/strict";
import { test } from "node:test";
import * as provider from "../../../resources/kubernetes/authorityContractProvider.ts";

const first = { authority: 1, trusted: [1] };
const jump = { authority: 2, trusted: [2] };

test("AuthorityContract refuses a jump to another CA in one failure", () => {
  const { failures = [] } = provider.check(first, jump);
  assert.equal(failures.length, 1);
  assert.equal(failures[0]?.property, "");
  assert.match(
    failures[0].reason,
    /^this change of the CA would interrupt connections \(docs\/operations\/rotate-ca\.md\):\n {2}- pulsar:tls\.authority: .*\n {2}- pulsar:tls\.trusted: .*\nNothing was changed\.$/,
  );
  assert.deepEqual(provider.check(first, { authority: 1, trusted: [1, 2] }), {});
  // A new resource has no old inputs.
  assert.deepEqual(provider.check({}, jump), {});
});

test("AuthorityContract records the CAs", async () => {
  assert.deepEqual(provider.diff("authorities", first, first), { changes: false, replaces: [] });
  assert.deepEqual(provider.diff("authorities", first, jump), { changes: true, replaces: [] });
  assert.deepEqual(await provider.create(first), { id: "authorities", outs: first });
});
