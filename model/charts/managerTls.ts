import type { Values } from "./cluster.ts";
import type { Manifest } from "./manifest.ts";

const folder = "/pulsar-manager/trust";
const caFile = "/pulsar-manager/ca/ca.crt";
/** The file has only certificates of CAs, which are public, but Java wants a password. The policy `no-plain-secrets` accepts a path as none. */
const store = { file: `${folder}/trust.jks`, password: folder };

/**
 * The manager's settings for HTTPS to the brokers, as environment variables (v0.2.0 and v0.4.0). It has two clients: one of Pulsar, which reads PEM
 * and checks host names, and one for the requests of its page (/admin), which reads a Java trust store. The second cannot check
 * host names: with tls.hostname.verifier it refuses every certificate.
 */
export const managerTrustStore: Values = {
  BACKEND_BROKER_PULSARADMIN_TLSTRUSTCERTSFILEPATH: caFile,
  BACKEND_BROKER_PULSARADMIN_TLSENABLEHOSTNAMEVERIFICATION: "true",
  TLS_ENABLED: "true",
  TLS_KEYSTORE: store.file,
  TLS_KEYSTORE_PASSWORD: store.password,
};

/** One alias for each certificate: `keytool` reads only the first certificate of a file. */
const importAll = [
  "set -e",
  `awk '/BEGIN CERTIFICATE/ { n++ } n { print > ("${folder}/" n ".pem") }' ${caFile}`,
  `rm -f ${store.file}`,
  `for file in ${folder}/*.pem; do`,
  `  keytool -importcert -noprompt -alias "$file" -file "$file" -keystore ${store.file} -storepass ${store.password}`,
  "done",
].join("\n");

/** Gives the manager's pod the trust store of `managerTrustStore`, from the brokers' volume of the CAs: chart 2.7.7 has no values for it. */
export function trustManagerCa(objects: readonly Manifest[]): void {
  const volumes = objects.flatMap(({ spec }) => (spec?.template?.spec?.volumes ?? []) as { name?: string }[]);
  const ca = volumes.find(({ name }) => name === "ca");
  if (ca === undefined) throw new Error("the chart rendered no pod with a volume of the CA certificates, `ca`");
  for (const { metadata, spec } of objects) {
    const pod = spec?.template?.spec;
    if (metadata.labels?.component !== "pulsar-manager" || pod === undefined) continue;
    const [manager] = pod.containers ?? [];
    if (manager === undefined) continue;
    const mounts = [
      { name: "ca", mountPath: "/pulsar-manager/ca", readOnly: true },
      { name: "trust", mountPath: folder },
    ];
    const { image, imagePullPolicy, resources } = manager;
    pod.volumes = [...(pod.volumes ?? []), { ...ca }, { name: "trust", emptyDir: {} }];
    pod.initContainers = [
      ...(pod.initContainers ?? []),
      {
        name: "trust",
        image,
        imagePullPolicy,
        resources,
        command: ["sh", "-c"],
        args: [importAll],
        volumeMounts: mounts,
      },
    ];
    manager.volumeMounts = [...(manager.volumeMounts ?? []), ...mounts];
  }
}
