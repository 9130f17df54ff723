import { createHash, createPublicKey, generateKeyPair, type KeyObject } from "node:crypto";
import { promisify } from "node:util";
import { changedPaths, type Props, type ResourceHandler, UNKNOWN } from "../protocol.ts";
import { opensshKey } from "./openssh.ts";

const generate = promisify(generateKeyPair);
const defaults = { rsaBits: 2048, ecdsaCurve: "P224" };
const algorithms = ["RSA", "ECDSA", "ED25519"];
const curves: Readonly<Record<string, string>> = {
  P224: "secp224r1",
  P256: "prime256v1",
  P384: "secp384r1",
  P521: "secp521r1",
};

/** Outputs that hold the private key. */
export const secretOutputs = ["privateKeyPem", "privateKeyPemPkcs8", "privateKeyOpenssh"];

const computed = [
  ...secretOutputs,
  "publicKeyPem",
  "publicKeyOpenssh",
  "publicKeyFingerprintMd5",
  "publicKeyFingerprintSha256",
];

/** `tls:index/privateKey:PrivateKey`: a key that lives in the state alone; any change makes a new one. */
export const privateKey: ResourceHandler = {
  async check(news) {
    const choices = Object.entries({ algorithm: algorithms, ecdsaCurve: Object.keys(curves) });
    const failures = choices
      .filter(([property]) => property === "algorithm" || property in news)
      .filter(([property, allowed]) => news[property] !== UNKNOWN && !allowed.includes(String(news[property])))
      .map(([property, allowed]) => ({
        property,
        reason: `value must be one of: ${allowed.map((one) => `"${one}"`).join(", ")}, got: "${String(news[property] as string | undefined)}"`,
      }));
    return { inputs: news, failures };
  },

  async diff(_id, oldInputs, oldOutputs, news) {
    // What the state holds counts, not the old inputs: naming a default is no change.
    const names = ["algorithm", "rsaBits", "ecdsaCurve"] as const;
    const pick = (props: Props): Props => Object.fromEntries(names.map((name) => [name, props[name]]));
    const changedKeys = changedPaths(
      pick({ ...defaults, ...oldInputs, ...oldOutputs }),
      pick({ ...defaults, ...news }),
    );
    return { changes: changedKeys.length > 0, replaces: changedKeys, deleteBeforeReplace: false, changedKeys };
  },

  async create(inputs, preview) {
    const settings = { ...defaults, ...inputs };
    if (preview) {
      return { id: "", outputs: { ...settings, ...Object.fromEntries(computed.map((name) => [name, UNKNOWN])) } };
    }
    const key = await newKey(settings);
    const spki = createPublicKey(key).export({ type: "spki", format: "der" });
    return { id: createHash("sha1").update(spki).digest("hex"), outputs: { ...settings, ...encodings(key) } };
  },

  async read(id, inputs, outputs) {
    return { id, inputs, outputs };
  },

  async update(_id, _oldInputs, oldOutputs) {
    return { outputs: oldOutputs };
  },

  async delete() {
    // The key is gone with the state.
  },
};

async function newKey(settings: Props): Promise<KeyObject> {
  switch (settings.algorithm) {
    case "RSA":
      return (await generate("rsa", { modulusLength: Number(settings.rsaBits) })).privateKey;
    case "ECDSA":
      return (await generate("ec", { namedCurve: curves[String(settings.ecdsaCurve)] ?? "" })).privateKey;
    default:
      return (await generate("ed25519", {})).privateKey;
  }
}

function encodings(key: KeyObject): Props {
  const traditional = { rsa: "pkcs1", ec: "sec1" } as const;
  const type =
    key.asymmetricKeyType === "rsa" || key.asymmetricKeyType === "ec" ? traditional[key.asymmetricKeyType] : "pkcs8";
  const openssh = opensshKey(key);
  return {
    privateKeyPem: key.export({ type, format: "pem" }),
    privateKeyPemPkcs8: key.export({ type: "pkcs8", format: "pem" }),
    privateKeyOpenssh: openssh?.privateKey ?? "",
    publicKeyPem: createPublicKey(key).export({ type: "spki", format: "pem" }),
    publicKeyOpenssh: openssh?.publicKey ?? "",
    publicKeyFingerprintMd5: openssh?.fingerprintMd5 ?? "",
    publicKeyFingerprintSha256: openssh?.fingerprintSha256 ?? "",
  };
}
