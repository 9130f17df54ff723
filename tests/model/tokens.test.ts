import assert from "node:assert/strict";
import { createPrivateKey, createPublicKey, generateKeyPairSync } from "node:crypto";
import { describe, test } from "node:test";
import fc from "fast-check";
import { errors, jwtVerify } from "jose";
import { keyPair, signToken, symmetricKey, type TokenKeys, tokenKeys } from "../../model/tokens.ts";
import { testEcKeyPem, testKeyPem } from "../support/mocks.ts";

const der = (base64: string) => Buffer.from(base64, "base64");

describe("key pair", () => {
  const { PRIVATEKEY, PUBLICKEY } = keyPair(testKeyPem);
  const publicKey = createPublicKey({ key: der(PUBLICKEY), type: "spki", format: "der" });

  test("opens as PKCS#8 and SPKI DER, RSA with 2048 bits", () => {
    const privateKey = createPrivateKey({ key: der(PRIVATEKEY), type: "pkcs8", format: "der" });
    assert.equal(privateKey.asymmetricKeyType, "rsa");
    assert.equal(privateKey.asymmetricKeyDetails?.modulusLength, 2048);
    assert.ok(createPublicKey(privateKey).equals(publicKey));
  });

  test("is the same for a PKCS#1 and a PKCS#8 PEM", () => {
    const pkcs8 = createPrivateKey(testKeyPem).export({ type: "pkcs8", format: "pem" }).toString();
    assert.deepEqual(keyPair(pkcs8), { PRIVATEKEY, PUBLICKEY });
  });

  test("signs tokens that its public key verifies, with the role as the only claim", async () => {
    const token = await signToken(testKeyPem, "asymmetric", { role: "admin" });
    const { payload, protectedHeader } = await jwtVerify(token, publicKey);
    assert.deepEqual(payload, { sub: "admin" });
    assert.deepEqual(protectedHeader, { alg: "RS256", typ: "JWT" });
  });

  test("does not verify tokens of another key", async () => {
    const other = generateKeyPairSync("rsa", { modulusLength: 2048 }).publicKey;
    await assert.rejects(
      jwtVerify(await signToken(testKeyPem, "asymmetric", { role: "admin" }), other),
      /signature verification failed/,
    );
  });
});

describe("symmetric key", () => {
  test("has 256 bits and verifies its tokens", async () => {
    const { SECRETKEY } = symmetricKey(testKeyPem);
    assert.equal(der(SECRETKEY).length, 32);
    const token = await signToken(testKeyPem, "symmetric", { role: "proxy-admin" });
    const { payload, protectedHeader } = await jwtVerify(token, der(SECRETKEY));
    assert.deepEqual(payload, { sub: "proxy-admin" });
    assert.equal(protectedHeader.alg, "HS256");
  });

  test("differs for each private key", () => {
    const other = generateKeyPairSync("rsa", { modulusLength: 2048 }).privateKey.export({
      type: "pkcs1",
      format: "pem",
    });
    assert.notEqual(symmetricKey(other.toString()).SECRETKEY, symmetricKey(testKeyPem).SECRETKEY);
  });
});

describe("key pair for ECDSA", () => {
  const { PRIVATEKEY, PUBLICKEY } = keyPair(testEcKeyPem);
  const publicKey = createPublicKey({ key: der(PUBLICKEY), type: "spki", format: "der" });

  test("opens as PKCS#8 and SPKI DER, on the curve P-256", () => {
    const privateKey = createPrivateKey({ key: der(PRIVATEKEY), type: "pkcs8", format: "der" });
    assert.equal(privateKey.asymmetricKeyDetails?.namedCurve, "prime256v1");
    assert.ok(createPublicKey(privateKey).equals(publicKey));
  });

  test("signs tokens that its public key verifies", async () => {
    const token = await signToken(testEcKeyPem, "ecdsa", { role: "admin" });
    const { payload, protectedHeader } = await jwtVerify(token, publicKey);
    assert.deepEqual(payload, { sub: "admin" });
    assert.deepEqual(protectedHeader, { alg: "ES256", typ: "JWT" });
  });

  test("does not verify tokens of another key", async () => {
    const other = generateKeyPairSync("ec", { namedCurve: "P-256" }).publicKey;
    await assert.rejects(
      jwtVerify(await signToken(testEcKeyPem, "ecdsa", { role: "admin" }), other),
      errors.JWSSignatureVerificationFailed,
    );
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
