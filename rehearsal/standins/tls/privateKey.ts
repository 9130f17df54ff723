import { createHash, createPublicKey, generateKeyPair, type KeyObject } from "node:crypto";
import { promisify } from "node:util";
import { changedPaths, type Props, type ResourceHandler, UNKNOWN } from "../protocol.ts";

const generate = promisify(generateKeyPair);
/** The plugin's default curve is P224. Programs that do not name P256 are refused here. */
const defaults = { rsaBits: 2048, ecdsaCurve: "P224" };
const algorithms = ["RSA", "ECDSA"];

/** Outputs that hold the private key. */
export const secretOutputs = ["privateKeyPem", "privateKeyPemPkcs8"];

const computed = [...secretOutputs, "publicKeyPem", "publicKeyFingerprintSha256"];

/** `tls:index/privateKey:PrivateKey`, without the outputs in OpenSSH's format. The key is in the state only; any change creates a new one. */
export const privateKey: ResourceHandler = {
  async check(news) {
    const choices = Object.entries({
      algorithm: algorithms,
      ...(news.algorithm === "ECDSA" && { ecdsaCurve: ["P256"] }),
    });
    const failures = choices
      .filter(([property, allowed]) => news[property] !== UNKNOWN && !allowed.includes(String(news[property])))
      .map(([property, allowed]) => ({
        property,
        reason: `the tls stand-in implements ${allowed.join(" and ")} only, got: "${String(news[property])}"`,
      }));
    return { inputs: news, failures };
  },

  async diff(_id, oldInputs, oldOutputs, news) {
    // Compared with the state, which holds the defaults: to write a default explicitly changes nothing.
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
    return { id: createHash("sha1").update(spki).digest("hex"), outputs: { ...settings, ...encodings(key, spki) } };
  },

  async read(id, inputs, outputs) {
    return { id, inputs, outputs };
  },

  async update(_id, _oldInputs, oldOutputs) {
    return { outputs: oldOutputs };
  },

  async delete() {
    // The key exists in the state only.
  },
};

async function newKey({ algorithm, rsaBits }: Props): Promise<KeyObject> {
  const pair =
    algorithm === "RSA"
      ? await generate("rsa", { modulusLength: Number(rsaBits) })
      : await generate("ec", { namedCurve: "prime256v1" });
  return pair.privateKey;
}

function encodings(key: KeyObject, spki: Buffer): Props {
  return {
    privateKeyPem: key.export({ type: key.asymmetricKeyType === "rsa" ? "pkcs1" : "sec1", format: "pem" }),
    privateKeyPemPkcs8: key.export({ type: "pkcs8", format: "pem" }),
    publicKeyPem: createPublicKey(key).export({ type: "spki", format: "pem" }),
    // The plugin hashes OpenSSH's encoding of the key. The program only compares fingerprints.
    publicKeyFingerprintSha256: `SHA256:${createHash("sha256").update(spki).digest("base64").replace(/=+$/, "")}`,
  };
}
