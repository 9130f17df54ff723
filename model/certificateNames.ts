import { isIP } from "node:net";
import type { Installation } from "./charts/names.ts";
import { certificateNames, type TlsComponent } from "./tls.ts";

/**
 * All names and addresses in a component's certificate.
 * @param hosts more of them, for the proxies
 */
export function namesInCertificate(
  installation: Installation,
  component: TlsComponent,
  hosts: readonly string[],
): string[] {
  return [...certificateNames(installation, component), ...(component === "proxy" ? hosts : [])];
}

/** The names and addresses as a certificate has them: apart. */
export function alternativeNames(names: readonly string[]): { dnsNames: string[]; ipAddresses?: string[] } {
  const ipAddresses = names.filter((name) => isIP(name) !== 0);
  return {
    dnsNames: names.filter((name) => isIP(name) === 0),
    ...(ipAddresses.length > 0 && { ipAddresses }),
  };
}
