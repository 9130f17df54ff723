/** Releases as Helm 3 stores them in the cluster: a Secret for each revision, `sh.helm.release.v1.<name>.v<revision>`. */
import { promisify } from "node:util";
import { gunzip } from "node:zlib";
import { parseAllDocuments } from "yaml";
import type { Props } from "../protocol.ts";
import type { Api } from "./api.ts";
import { at, text } from "./kinds.ts";

/** One revision of a release. */
export interface Revision {
  name: string;
  namespace: string;
  /** The revision's number, from 1. */
  version: number;
  info: { status: string };
  chart: { metadata: { name: string; version: string; appVersion?: string } };
  /** The values of the user. */
  config?: Props;
  manifest?: string;
}

const unzip = promisify(gunzip);

/** @returns the newest revision with any status, or `undefined` if there is no such release */
export async function lastRevision(api: Api, namespace: string, name: string): Promise<Revision | undefined> {
  const secrets = { apiVersion: "v1", kind: "Secret", namespace };
  const revisions = await api.list(secrets, `owner=helm,name=${name}`, true);
  const numberOf = (secret: { metadata: Props }): number => Number(at(secret.metadata, "labels", "version"));
  const newest = revisions.toSorted((one, other) => numberOf(other) - numberOf(one))[0];
  if (!newest) return undefined;
  const { data } = await api.get({
    apiVersion: "v1",
    kind: "Secret",
    metadata: { namespace, name: newest.metadata.name },
  });
  return decodeRevision(text(at(data, "release")));
}

/** @param stored - the Secret's `release` key: gzipped JSON in base64, in the base64 of every Secret. */
export async function decodeRevision(stored: string): Promise<Revision> {
  const zipped = Buffer.from(Buffer.from(stored, "base64").toString(), "base64");
  return JSON.parse((await unzip(zipped)).toString()) as Revision;
}

/** Names of the objects in a manifest by kind and apiVersion, as `StatefulSet.apps/apps/v1`, sorted. */
export function resourceNames(manifest: string): Record<string, string[]> {
  const found = new Map<string, Set<string>>();
  for (const document of parseAllDocuments(manifest)) {
    const object: unknown = document.toJS();
    const [apiVersion, kind] = [text(at(object, "apiVersion")), text(at(object, "kind"))];
    if (!kind) continue;
    const group = apiVersion.includes("/") ? `.${apiVersion.replace(/\/.*/, "")}` : "";
    const key = `${kind}${group}/${apiVersion}`;
    const [namespace, name] = [text(at(object, "metadata", "namespace")), text(at(object, "metadata", "name"))];
    found.set(key, (found.get(key) ?? new Set()).add(namespace ? `${namespace}/${name}` : name));
  }
  return Object.fromEntries([...found].map(([key, names]) => [key, [...names].sort()]));
}
