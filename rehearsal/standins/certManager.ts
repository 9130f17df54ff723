/** Stands in for cert-manager, and for anyone else who provides the certificates of `pulsar:tls`. */
import type { Installation } from "../../model/charts/names.ts";
import { alternativeNames, certificateNames, organizationalUnit, tlsComponents, tlsSecrets } from "../../model/tls.ts";
import { newPrivateKey } from "../pulsar/pulsar.ts";
import { certificateRequest, locallySignedCertificate, type Owner, selfSignedCertificate } from "./tls/x509.ts";
import type { Api } from "../cluster/api.ts";
import { createKind } from "../cluster/kinds.ts";
import { repeat } from "../cluster/waiting.ts";

/** Keys and certificates of one CA, in the form of cert-manager's Secrets. */
export type Issue = (owner: Owner) => Promise<Record<string, string>>;

export async function newIssuer(validityPeriodHours = 24): Promise<Issue> {
  const privateKeyPem = newPrivateKey("asymmetric");
  const authority = { validityPeriodHours, allowedUses: ["cert_signing"], isCaCertificate: true };
  const { certPem } = await selfSignedCertificate(privateKeyPem, { subject: { commonName: "CA" } }, authority);
  return async (owner) => {
    const key = newPrivateKey("asymmetric");
    const request = await certificateRequest(key, owner);
    const terms = { validityPeriodHours, allowedUses: ["server_auth", "client_auth"] };
    const { certPem: certificate } = await locallySignedCertificate(request, { certPem, privateKeyPem }, terms);
    return { "tls.crt": certificate, "tls.key": key, "ca.crt": certPem, "tls-combined.pem": key + certificate };
  };
}

/** The Secrets that `issuer: secrets` expects. */
export async function createTlsSecrets(api: Api, installation: Installation, hosts: readonly string[]): Promise<void> {
  const { namespace, release } = installation;
  const issue = await newIssuer();
  const names = tlsSecrets(release);
  const subject = { commonName: release, organizationalUnit };
  const { "ca.crt": ca = "" } = await issue({ subject });
  await createSecret(api, { name: names.ca, namespace }, { "ca.crt": ca });
  for (const component of tlsComponents) {
    const owner = { subject, ...alternativeNames(certificateNames(installation, component, hosts)) };
    await createSecret(api, { name: names.components[component], namespace }, await issue(owner));
  }
}

interface Certificate {
  metadata: { name: string; namespace: string; uid: string };
  spec: Pick<Owner, "dnsNames" | "ipAddresses"> & {
    secretName: string;
    commonName: string;
    subject: { organizationalUnits: [string] };
  };
}

/**
 * Creates the kind Certificate, and until it is closed a Secret for each Certificate, which is deleted with it (as with cert-manager's option
 * `--enable-certificate-owner-ref`). Does not renew.
 */
export async function startCertManager(api: Api): Promise<{ close(): void }> {
  const group = "cert-manager.io";
  const kind = "Certificate";
  await createKind(api, { group, kind });
  const issue = await newIssuer();
  const issued = new Set<string>();
  const fill = async () => {
    const { items } = await api.get<{ items: Certificate[] }>(`/apis/${group}/v1/certificates`, "application/json");
    for (const { metadata, spec } of items) {
      const { secretName, commonName, subject, dnsNames, ipAddresses } = spec;
      if (issued.has(secretName)) continue;
      const [organizationalUnit] = subject.organizationalUnits;
      const names = { ...(dnsNames && { dnsNames }), ...(ipAddresses && { ipAddresses }) };
      const data = await issue({ subject: { commonName, organizationalUnit }, ...names });
      const owner = { apiVersion: `${group}/v1`, kind, name: metadata.name, uid: metadata.uid };
      await createSecret(api, { name: secretName, namespace: metadata.namespace, ownerReferences: [owner] }, data);
      issued.add(secretName);
    }
  };
  // The API server refuses requests for a new kind at first (429).
  return repeat(fill);
}

async function createSecret(
  api: Api,
  metadata: {
    name: string;
    namespace: string;
    ownerReferences?: Record<"apiVersion" | "kind" | "name" | "uid", string>[];
  },
  stringData: Record<string, string>,
) {
  const secret = { apiVersion: "v1", kind: "Secret", metadata, type: "Opaque", stringData };
  await api.objects.create(secret);
}
