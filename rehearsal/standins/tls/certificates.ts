import { createHash } from "node:crypto";
import { changedPaths, type Props, type ResourceHandler, UNKNOWN } from "../protocol.ts";
import {
  type CertificateTerms,
  certificateRequest,
  type Issued,
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

const termDefaults = { isCaCertificate: false };
const validity = ["certPem", "validityStartTime", "validityEndTime"];

/** `tls:index/selfSignedCert:SelfSignedCert`. */
export const selfSignedCert = handler({
  defaults: termDefaults,
  computed: validity,
  async make(inputs) {
    return certificate(await selfSignedCertificate(String(inputs.privateKeyPem), inputs, termsOf(inputs)));
  },
});

/** `tls:index/certRequest:CertRequest`. */
export const certRequest = handler({
  defaults: {},
  computed: ["certRequestPem"],
  async make(inputs) {
    const certRequestPem = await certificateRequest(String(inputs.privateKeyPem), inputs);
    return { id: createHash("sha1").update(certRequestPem).digest("hex"), outputs: { certRequestPem } };
  },
});

/** `tls:index/locallySignedCert:LocallySignedCert`. */
export const locallySignedCert = handler({
  defaults: termDefaults,
  computed: validity,
  async make(inputs) {
    const ca = { certPem: String(inputs.caCertPem), privateKeyPem: String(inputs.caPrivateKeyPem) };
    return certificate(await locallySignedCertificate(String(inputs.certRequestPem), ca, termsOf(inputs)));
  },
});

/** Inputs and outputs that hold a private key. */
export const secretInputs = ["privateKeyPem", "caPrivateKeyPem"];
const supportedInputs = [
  ...[...secretInputs, "certRequestPem", "caCertPem", "subject", "dnsNames", "ipAddresses"],
  ...["allowedUses", "isCaCertificate", "validityPeriodHours"],
];

const termsOf = (inputs: Props) => inputs as unknown as CertificateTerms;

function certificate({ certPem, serialNumber, start, end }: Issued): { id: string; outputs: Props } {
  const time = (date: Date) => date.toISOString().replace(".000Z", "Z");
  const times = { validityStartTime: time(start), validityEndTime: time(end) };
  return { id: serialNumber, outputs: { certPem, ...times, readyForRenewal: false } };
}

/** A resource that exists in the state only. Any change makes a new one. */
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
          ...unsupported("", Object.keys(news).filter((name) => !name.startsWith("__")), supportedInputs), // prettier-ignore
          ...unsupported("allowedUses", allowedUses, supportedUses),
          ...unsupported("subject", Object.keys(subject), supportedSubjectNames),
        ],
      };
    },

    async diff(_id, oldInputs, oldOutputs, news) {
      const changedKeys = changedPaths({ ...defaults, ...oldInputs }, { ...defaults, ...news });
      if (hasEnded(oldOutputs)) changedKeys.push("readyForRenewal");
      return { changes: changedKeys.length > 0, replaces: changedKeys, deleteBeforeReplace: false, changedKeys };
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
      return { id, inputs, outputs: hasEnded(outputs) ? { ...outputs, readyForRenewal: true } : outputs };
    },

    async update(_id, _oldInputs, oldOutputs, news) {
      return { outputs: { ...oldOutputs, ...news } };
    },

    async delete() {
      // It exists in the state only.
    },
  } satisfies ResourceHandler;
}

function hasEnded({ validityEndTime }: Props): boolean {
  return typeof validityEndTime === "string" && Date.parse(validityEndTime) <= Date.now();
}
