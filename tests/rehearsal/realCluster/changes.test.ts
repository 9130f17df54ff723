import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { authorityBreaches, tlsSchema } from "../../../model/tlsSettings.ts";
import { changesIn } from "../../../rehearsal/realCluster/changes.ts";

const tls = { ...tlsSchema.parse({}), enabled: true, trusted: [1] };
const settings = { tokens: { generation: 4 }, tls } as Parameters<typeof changesIn>[1];

describe("the changes of a rehearsal on an existing cluster", () => {
  it("renew keys or certificates with the next generation", () => {
    assert.deepEqual(changesIn("rotation", settings), [
      { name: "token rotation", config: { plain: { "pulsar:tokens.generation": "5" } } },
    ]);
    assert.deepEqual(changesIn("renewal", settings), [
      { name: "certificate renewal", config: { plain: { "pulsar:tls.generation": "2" } } },
    ]);
  });

  for (const [authority, trusted, expected] of [
    [
      1,
      [1],
      [
        [1, [1, 2]],
        [2, [1, 2]],
        [2, [2]],
      ],
    ],
    [
      3,
      [2, 3],
      [
        [3, [2, 3, 4]],
        [4, [2, 3, 4]],
        [4, [4]],
      ],
    ],
  ] satisfies [number, number[], [number, number[]][]][]) {
    it(`rotate the CA ${authority} of [${trusted.join(", ")}] in three updates, which the stack accepts`, () => {
      let before = { authority, trusted };
      const found = changesIn("ca-rotation", { ...settings, tls: { ...tls, ...before } }).map(({ config }) => {
        const { plain = {}, unset = [] } = config;
        const next = Number(plain["pulsar:tls.authority"] ?? before.authority);
        const listed = Object.entries(plain).flatMap(([key, value]) =>
          key.includes("trusted[") ? [Number(value)] : [],
        );
        const kept = unset.includes("pulsar:tls.trusted") ? [next] : before.trusted;
        const after = { authority: next, trusted: listed.length > 0 ? listed : kept };
        assert.deepEqual(authorityBreaches(before, after), []);
        before = after;
        return [after.authority, after.trusted];
      });
      assert.deepEqual(found, expected);
    });
  }
});
