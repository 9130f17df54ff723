import assert from "node:assert/strict";
import { createPrivateKey, createPublicKey } from "node:crypto";
import { describe, test } from "node:test";
import fc from "fast-check";
import { errors, jwtVerify } from "jose";
import { keyPair, signToken, symmetricKey, type TokenKeys, tokenKeys } from "../../model/tokens.ts";
import { testEcKeyPem, testKeyPem } from "../support/mocks.ts";

const der = (base64: string) => Buffer.from(base64, "base64");

const pairs = [
  ["asymmetric", testKeyPem, "RS256", { modulusLength: 2048 }],
  ["ecdsa", testEcKeyPem, "ES256", { namedCurve: "prime256v1" }],
] as const;
for (const [keys, pem, alg, details] of pairs) {
  describe(`key pair: ${keys}`, () => {
    const { PRIVATEKEY, PUBLICKEY } = keyPair(pem);
    const publicKey = createPublicKey({ key: der(PUBLICKEY), type: "spki", format: "der" });

    test("opens as PKCS#8 and SPKI DER", () => {
      const privateKey = createPrivateKey({ key: der(PRIVATEKEY), type: "pkcs8", format: "der" });
      assert.partialDeepStrictEqual(privateKey.asymmetricKeyDetails, details);
      assert.ok(createPublicKey(privateKey).equals(publicKey));
    });

    test("is the same for a PKCS#8 PEM", () => {
      const pkcs8 = createPrivateKey(pem).export({ type: "pkcs8", format: "pem" }).toString();
      assert.deepEqual(keyPair(pkcs8), { PRIVATEKEY, PUBLICKEY });
    });

    test("signs tokens that its public key verifies, with the role as the only claim", async () => {
      const { payload, protectedHeader } = await jwtVerify(await signToken(pem, keys, { role: "admin" }), publicKey);
      assert.deepEqual([payload, protectedHeader], [{ sub: "admin" }, { alg, typ: "JWT" }]);
    });
  });
}

describe("symmetric key", () => {
  test("has 256 bits and verifies its tokens", async () => {
    const { SECRETKEY } = symmetricKey(testKeyPem);
    assert.equal(der(SECRETKEY).length, 32);
    const token = await signToken(testKeyPem, "symmetric", { role: "proxy-admin" });
    const { payload, protectedHeader } = await jwtVerify(token, der(SECRETKEY));
    assert.deepEqual([payload, protectedHeader.alg], [{ sub: "proxy-admin" }, "HS256"]);
  });

  test("differs for each private key", () => {
    assert.notEqual(symmetricKey(testEcKeyPem).SECRETKEY, symmetricKey(testKeyPem).SECRETKEY);
  });
});

const pemOf = (keys: TokenKeys) => (keys === "ecdsa" ? testEcKeyPem : testKeyPem);
const verifierOf = (keys: TokenKeys) =>
  keys === "symmetric" ? der(symmetricKey(testKeyPem).SECRETKEY) : createPublicKey(pemOf(keys));

test("every token verifies, has its role and date, and is the same when signed again", async () => {
  const day = fc
    .date({ min: new Date("2030-01-01"), max: new Date("2199-12-31"), noInvalidDate: true })
    .map((date) => date.toISOString().slice(0, 10));
  const role = fc.stringMatching(/^[a-z0-9]([-a-z0-9]{0,20}[a-z0-9])?$/);
  const claims = fc.record({ role, expires: fc.option(day, { nil: undefined }) });
  await fc.assert(
    fc.asyncProperty(fc.constantFrom(...tokenKeys), claims, async (keys, { role, expires }) => {
      const token = await signToken(pemOf(keys), keys, { role, expires });
      assert.equal(await signToken(pemOf(keys), keys, { role, expires }), token);
      const { payload } = await jwtVerify(token, verifierOf(keys));
      const exp = expires === undefined ? {} : { exp: Date.UTC(...parts(expires)) / 1000 };
      assert.deepEqual(payload, { sub: role, ...exp });
    }),
    { numRuns: 60 },
  );
});

/** Year, month from 0, day. */
function parts(day: string): [number, number, number] {
  const [year = 0, month = 0, date = 0] = day.split("-").map(Number);
  return [year, month - 1, date];
}

test("a token expires at the start of its day", async () => {
  const token = await signToken(testKeyPem, "asymmetric", { role: "admin", expires: "2030-05-01" });
  const at = (currentDate: Date) => jwtVerify(token, verifierOf("asymmetric"), { currentDate });
  assert.equal((await at(new Date("2030-04-30T23:59:59Z"))).payload.sub, "admin");
  await assert.rejects(at(new Date("2030-05-01T00:00:00Z")), errors.JWTExpired);
});
