import assert from "node:assert/strict";
import { describe, test } from "node:test";
import fc from "fast-check";
import {
  atPath,
  changedPaths,
  openProps,
  restrict,
  sealProps,
  secretKeys,
  union,
  UNKNOWN,
} from "../../../rehearsal/standins/protocol/values.ts";

const signature = "4dabf18193072939515e22adb298388d";
const secret = (value: unknown): object => ({ [signature]: "1b47061264138c4ac30d75fd1eb44270", value });
const output = (rest: object): object => ({ [signature]: "d0e6a833031e9bbcd3f4e8bde6ca49a4", ...rest });

describe("values in the protocol", () => {
  test("secrets are unwrapped, and wrapped again in the same places", () => {
    const wire = { plain: 1, whole: secret("a"), deep: { values: { key: secret({ b: 2 }), open: true } } };
    const { value, secrecy } = openProps(wire);
    assert.deepEqual(value, { plain: 1, whole: "a", deep: { values: { key: { b: 2 }, open: true } } });
    assert.deepEqual(sealProps(value, secrecy), wire);
  });

  test("a list with a secret is secret as a whole", () => {
    const { value, secrecy } = openProps({ list: [1, { a: secret("x") }], nested: secret(secret("y")) });
    assert.deepEqual(value, { list: [1, { a: "x" }], nested: "y" });
    assert.deepEqual(sealProps(value, secrecy), { list: secret([1, { a: "x" }]), nested: secret("y") });
  });

  test("a replacement for an object with a secret is secret", () => {
    const { secrecy } = openProps({ values: { password: secret("x") } });
    assert.deepEqual(sealProps({ values: "password: x", other: 1 }, secrecy), {
      values: secret("password: x"),
      other: 1,
    });
  });

  test("every kind of unknown is UNKNOWN, also as an output value, also if secret", () => {
    const { value, secrecy } = openProps({
      string: "04da6b54-80e4-46f7-96ec-b56ff0331ba9",
      boolean: "1c4a061d-8072-4f0a-a4cb-0ff528b18fe7",
      object: "dd056dcd-154b-4c76-9bd3-c8f88648b5ff",
      output: output({}),
      hidden: output({ secret: true, value: 7 }),
    });
    assert.deepEqual(value, { string: UNKNOWN, boolean: UNKNOWN, object: UNKNOWN, output: UNKNOWN, hidden: 7 });
    assert.deepEqual(sealProps(value, secrecy).hidden, secret(7));
  });

  test("assets and undefined", () => {
    const asset = { [signature]: "c44067f5952c0a294b673a41bacd8c17", text: "x" };
    assert.deepEqual(openProps({ asset }).value, { asset });
    assert.deepEqual(sealProps({ asset, no: undefined, list: [undefined, null] }, undefined), {
      asset,
      list: [null, null],
    });
    assert.deepEqual(openProps(undefined).value, {});
  });

  test("nested secrets are merged", () => {
    const of = (wire: object) => openProps(wire).secrecy;
    const both = union(of({ a: { b: secret(1) } }), undefined, of({ a: { c: secret(2) }, d: secret(3) }));
    assert.deepEqual(sealProps({ a: { b: 1, c: 2, e: 4 }, d: 3 }, both), {
      a: { b: secret(1), c: secret(2), e: 4 },
      d: secret(3),
    });
    assert.deepEqual(union(both, secretKeys(["a"]))?.valueOf(), new Map([["a", true], ["d", true]])); // prettier-ignore
    assert.deepEqual(
      sealProps(
        { a: { b: 1 }, d: 3 },
        restrict(both, (key) => key === "d"),
      ),
      { a: { b: 1 }, d: secret(3) },
    );
  });

  test("any JSON is unchanged by a round trip", () => {
    fc.assert(
      fc.property(fc.dictionary(fc.string(), fc.jsonValue({ maxDepth: 3 }), { maxKeys: 4 }), (props) => {
        const { value, secrecy } = openProps(props);
        assert.deepEqual(sealProps(value, secrecy), { ...props });
      }),
    );
  });
});

describe("property paths", () => {
  test("are those of the deepest different keys", () => {
    const olds = { a: { "x.y": 1, same: [1] }, list: [1, { k: 2 }], gone: true, "a-b": UNKNOWN };
    const news = { a: { "x.y": 2, same: [1] }, list: [1, { k: 3 }, 4], added: { deep: 1 }, "a-b": UNKNOWN };
    const paths = changedPaths(olds, news);
    assert.deepEqual(paths, ['a["x.y"]', "list[1].k", "list[2]", "gone", "added"]);
    assert.deepEqual(
      paths.map((path) => [atPath(olds, path), atPath(news, path)]),
      [[1, 2], [2, 3], [undefined, 4], [true, undefined], [undefined, { deep: 1 }]], // prettier-ignore
    );
  });

  test("null and absent are equal, and an unknown differs from a value", () => {
    assert.deepEqual(changedPaths({ a: null }, {}), []);
    assert.deepEqual(changedPaths({ a: "x" }, { a: UNKNOWN }), ["a"]);
  });

  test("refer to the difference", () => {
    fc.assert(
      fc.property(fc.object(), fc.object(), (olds, news) => {
        for (const path of changedPaths(olds, news)) assert.notDeepEqual(atPath(olds, path), atPath(news, path));
      }),
    );
  });
});
