import { createHash } from "node:crypto";
import { changedPaths, type Props, type ResourceHandler, UNKNOWN } from "../protocol.ts";
import {
  type CertificateTerms,
  certificateRequest,
  type Issued,
  keyAlgorithm,
  locallySignedCertificate,
  selfSignedCertificate,
  supportedSubjectNames,
  supportedUses,
} from "./x509.ts";

/** The computed outputs of each resource, from its known inputs. */
interface Kind {
  /** Values of inputs that a program does not set. */
  defaults: Props;
  computed: string[];
  make: (inputs: Props) => Promise<{ id: string; outputs: Props }>;
}

const termDefaults = { earlyRenewalHours: 0, isCaCertificate: false, setSubjectKeyId: false };
const validity = ["certPem", "validityStartTime", "validityEndTime"];

/** `tls:index/selfSignedCert:SelfSignedCert`. */
export const selfSignedCert = handler({
  defaults: { ...termDefaults, setAuthorityKeyId: false },
  computed: [...validity, "keyAlgorithm"],
  async make(inputs) {
    const key = String(inputs.privateKeyPem);
    const made = await selfSignedCertificate(key, inputs, termsOf(inputs));
    return certificate(made, { keyAlgorithm: keyAlgorithm(key) });
  },
});

/** `tls:index/certRequest:CertRequest`. */
export const certRequest = handler({
  defaults: {},
  computed: ["certRequestPem", "keyAlgorithm"],
  async make(inputs) {
    const key = String(inputs.privateKeyPem);
    const certRequestPem = await certificateRequest(key, inputs);
    const id = createHash("sha1").update(certRequestPem).digest("hex");
    return { id, outputs: { certRequestPem, keyAlgorithm: keyAlgorithm(key) } };
  },
});

/** `tls:index/locallySignedCert:LocallySignedCert`. */
export const locallySignedCert = handler({
  defaults: termDefaults,
  computed: [...validity, "caKeyAlgorithm"],
  async make(inputs) {
    const ca = { certPem: String(inputs.caCertPem), privateKeyPem: String(inputs.caPrivateKeyPem) };
    const made = await locallySignedCertificate(String(inputs.certRequestPem), ca, termsOf(inputs));
    return certificate(made, { caKeyAlgorithm: keyAlgorithm(ca.privateKeyPem) });
  },
});

/** Inputs and outputs that hold a private key. */
export const secretInputs = ["privateKeyPem", "caPrivateKeyPem"];

const termsOf = (inputs: Props) => inputs as unknown as CertificateTerms;

function certificate({ certPem, serialNumber, start, end }: Issued, more: Props): { id: string; outputs: Props } {
  const time = (date: Date) => date.toISOString().replace(".000Z", "Z");
  const times = { validityStartTime: time(start), validityEndTime: time(end) };
  return { id: serialNumber, outputs: { certPem, ...times, readyForRenewal: false, ...more } };
}

/** A resource that exists in the state only. Any change but one of `earlyRenewalHours` makes a new one. */
function handler({ defaults, computed, make }: Kind) {
  return {
    async check(news) {
      const { allowedUses = [], subject = {} } = news as { allowedUses?: unknown[]; subject?: object };
      const unsupported = (property: string, given: unknown[], supported: string[]) =>
        given
          .filter((value) => value !== UNKNOWN && !supported.includes(String(value)))
          .map((value) => ({ property, reason: `the tls stand-in does not implement ${JSON.stringify(value)}` }));
      return {
        inputs: news,
        failures: [
          ...unsupported("allowedUses", allowedUses, supportedUses),
          ...unsupported("subject", Object.keys(subject), supportedSubjectNames),
        ],
      };
    },

    async diff(_id, oldInputs, oldOutputs, news) {
      const changedKeys = changedPaths({ ...defaults, ...oldInputs }, { ...defaults, ...news });
      const replaces = changedKeys.filter((key) => key !== "earlyRenewalHours");
      if (hasEnded(oldOutputs, news)) replaces.push("readyForRenewal");
      const all = [...new Set([...changedKeys, ...replaces])];
      return { changes: all.length > 0, replaces, deleteBeforeReplace: false, changedKeys: all };
    },

    async create(inputs: Props, preview = false) {
      const settings = { ...defaults, ...inputs };
      if (preview) {
        return { id: "", outputs: { ...settings, ...Object.fromEntries(computed.map((name) => [name, UNKNOWN])) } };
      }
      const { id, outputs } = await make(settings);
      return { id, outputs: { ...settings, ...outputs } };
    },

    async read(id, inputs, outputs) {
      return { id, inputs, outputs: hasEnded(outputs, outputs) ? { ...outputs, readyForRenewal: true } : outputs };
    },

    async update(_id, _oldInputs, oldOutputs, news) {
      return { outputs: { ...oldOutputs, ...news } };
    },

    async delete() {
      // It exists in the state only.
    },
  } satisfies ResourceHandler;
}

/** Whether a certificate has ended, or ends within `earlyRenewalHours`. */
function hasEnded({ validityEndTime }: Props, { earlyRenewalHours = 0 }: Props): boolean {
  if (typeof validityEndTime !== "string" || validityEndTime === UNKNOWN) return false;
  return Date.parse(validityEndTime) - Number(earlyRenewalHours) * 3_600_000 <= Date.now();
}
