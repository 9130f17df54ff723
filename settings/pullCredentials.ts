import { z } from "zod";
import type { PulsarCluster } from "../model/charts/cluster.ts";
import { registryHost, stackImages } from "../model/charts/images.ts";
import { keyOf } from "./faults.ts";

/** Credentials as the kubelet reads them: `auth` is user and password in base64 (pkg/credentialprovider, DockerConfigEntry). */
const entry = z.looseObject({ auth: z.string(), username: z.string(), password: z.string() }).partial();
const config = z.looseObject({
  auths: z.record(z.string(), entry),
  credsStore: z.string().optional(),
  credHelpers: z.record(z.string(), z.string()).optional(),
});

const example = '{"auths": {"registry.example.com": {"auth": "..."}}}';
const howTo =
  "kubectl create secret docker-registry x --docker-server=HOST --docker-username=USER --docker-password=PASSWORD " +
  "--dry-run=client -o jsonpath='{.data.\\.dockerconfigjson}' | base64 -d";

/** The registries that a Docker configuration has credentials for, or its fault, which never shows a credential. */
function read(json: string): { registries: string[] } | { fault: string } {
  const parsed = config.safeParse(parseJson(json));
  if (!parsed.success) return { fault: `a Docker configuration: ${example}` };
  const { auths, credsStore, credHelpers } = parsed.data;
  const registries = Object.entries(auths).flatMap(([registry, { auth, username, password }]) =>
    (auth !== undefined && /.:/s.test(Buffer.from(auth, "base64").toString())) || (username && password)
      ? [registry]
      : [],
  );
  if (registries.length > 0) return { registries };
  const elsewhere =
    credsStore === undefined && credHelpers === undefined
      ? "this one has none"
      : "this one has none, because Docker keeps them outside the file (credsStore, credHelpers)";
  return { fault: `a Docker configuration with credentials: ${elsewhere}. To create one: ${howTo}` };
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** A Docker configuration (`~/.docker/config.json`) with at least one registry's credentials, as text. */
export const dockerConfig = z.string().superRefine((json, context) => {
  const found = read(json);
  if ("fault" in found) context.addIssue({ code: "custom", message: found.fault });
});

/** Names of Docker Hub, which are the same registry for kubelets and Docker. */
const dockerHub = ["docker.io", "index.docker.io", "registry-1.docker.io", "registry.hub.docker.com"];

/** Whether credentials under a key of `auths` are for a registry, by host and port. A `*` matches a part of the host. */
function isFor(key: string, host: string): boolean {
  const [own = ""] = key.replace(/^https?:\/\//, "").split("/");
  if (dockerHub.includes(own)) return dockerHub.includes(host);
  const pattern = own.replace(/[.+?^${}()|[\]\\]/g, "\\$&").replaceAll("*", "[^.:]*");
  return new RegExp(`^${pattern}$`).test(host);
}

/** A warning for each registry of the images without pull credentials. */
export function pullWarnings(credentials: string | undefined, images: PulsarCluster["images"]): string[] {
  if (credentials === undefined) return [];
  const found = read(credentials);
  if ("fault" in found) return [];
  const hosts = new Set(stackImages(images).map(({ image }) => registryHost(image.repository)));
  return [...hosts]
    .filter((host) => !found.registries.some((key) => isFor(key, host)))
    .map(
      (host) =>
        `${keyOf(["imagePullCredentials"])}: no credentials for ${host}, which images come from; nodes will pull from it without any`,
    );
}
