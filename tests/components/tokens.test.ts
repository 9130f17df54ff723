import assert from "node:assert/strict";
import { createPrivateKey, createPublicKey, generateKeyPairSync } from "node:crypto";
import { describe, test } from "node:test";
import { jwtVerify } from "jose";
import { keyPair, signToken, symmetricKey } from "../../components/tokens.ts";
import { testKeyPem } from "../support/mocks.ts";

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

  test("is the same from a PKCS#1 and a PKCS#8 PEM", () => {
    const pkcs8 = createPrivateKey(testKeyPem).export({ type: "pkcs8", format: "pem" }).toString();
    assert.deepEqual(keyPair(pkcs8), { PRIVATEKEY, PUBLICKEY });
  });

  test("signs tokens that its public half verifies, with the role as the only claim", async () => {
    const token = await signToken(testKeyPem, "asymmetric", "admin");
    const { payload, protectedHeader } = await jwtVerify(token, publicKey);
    assert.deepEqual(payload, { sub: "admin" });
    assert.deepEqual(protectedHeader, { alg: "RS256", typ: "JWT" });
  });

  test("of somebody else verifies none of them", async () => {
    const other = generateKeyPairSync("rsa", { modulusLength: 2048 }).publicKey;
    await assert.rejects(
      jwtVerify(await signToken(testKeyPem, "asymmetric", "admin"), other),
      /signature verification failed/,
    );
  });
});

describe("symmetric key", () => {
  test("has 256 bits and verifies the tokens", async () => {
    const { SECRETKEY } = symmetricKey(testKeyPem);
    assert.equal(der(SECRETKEY).length, 32);
    const token = await signToken(testKeyPem, "symmetric", "proxy-admin");
    const { payload, protectedHeader } = await jwtVerify(token, der(SECRETKEY));
    assert.deepEqual(payload, { sub: "proxy-admin" });
    assert.equal(protectedHeader.alg, "HS256");
  });

  test("differs from one private key to the next", () => {
    const other = generateKeyPairSync("rsa", { modulusLength: 2048 }).privateKey.export({
      type: "pkcs1",
      format: "pem",
    });
    assert.notEqual(symmetricKey(other.toString()).SECRETKEY, symmetricKey(testKeyPem).SECRETKEY);
  });
});

test("signing again gives the same token", async () => {
  for (const keys of ["asymmetric", "symmetric"] as const) {
    assert.equal(await signToken(testKeyPem, keys, "admin"), await signToken(testKeyPem, keys, "admin"));
  }
});
