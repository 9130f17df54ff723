import type { Settings } from "../../settings/resolve.ts";
import { createTlsSecrets } from "../standins/certManager.ts";
import { withClient } from "./databases.ts";
import type { Api } from "./api.ts";
import type { Postgres } from "./postgres.ts";

/** Creates what a stack expects to exist: namespace, pull secret, storage class, priority classes, Secrets for TLS. */
export async function createPrerequisites(api: Api, settings: Settings): Promise<void> {
  const { namespace, images, volumes, tls } = settings;
  if (!settings.createNamespace) {
    await api.objects.create({ apiVersion: "v1", kind: "Namespace", metadata: { name: namespace } });
  }
  if (images.pullSecret !== undefined && settings.imagePullCredentials === undefined) {
    await api.objects.create({
      apiVersion: "v1",
      kind: "Secret",
      metadata: { name: images.pullSecret, namespace },
      type: "kubernetes.io/dockerconfigjson",
      stringData: { ".dockerconfigjson": '{"auths":{}}' },
    } as { apiVersion: string; kind: string });
  }
  // In a namespace of the stack, nobody else can create a Secret before the first update.
  if (tls.enabled && tls.issuer === "secrets" && !settings.createNamespace)
    await createTlsSecrets(api, settings, tls.hosts);
  if (!volumes.storageClass.create) {
    await api.objects.create({
      apiVersion: "storage.k8s.io/v1",
      kind: "StorageClass",
      metadata: { name: volumes.storageClass.name },
      provisioner: "kubernetes.io/no-provisioner",
      volumeBindingMode: "WaitForFirstConsumer",
    } as { apiVersion: string; kind: string });
  }
  for (const name of new Set(Object.values(settings.pods).flatMap(({ priorityClass }) => priorityClass ?? []))) {
    // These exist in every cluster.
    if (name.startsWith("system-")) continue;
    await api.objects.create({
      apiVersion: "scheduling.k8s.io/v1",
      kind: "PriorityClass",
      metadata: { name },
      value: 1000,
    } as { apiVersion: string; kind: string });
  }
}

/** The role and the database that the stack expects, if it does not create them. @param password of the role */
export async function createDatabase(
  postgres: Postgres,
  { name, user }: Settings["managerDatabase"],
  password: string,
): Promise<void> {
  await withClient(postgres, async (client) => {
    const [role, database] = [client.escapeIdentifier(user), client.escapeIdentifier(name)];
    await client.query(`CREATE ROLE ${role} LOGIN PASSWORD ${client.escapeLiteral(password)}`);
    await client.query(`CREATE DATABASE ${database} OWNER ${role}`);
  });
}
