/**
 * Downloads the vendors' releases of those tools for which the vendor publishes checksums (KWOK's does not). A file that does not match its
 * checksum is discarded.
 */
import { createHash } from "node:crypto";
import { createReadStream, createWriteStream } from "node:fs";
import { chmod, mkdtemp, readdir } from "node:fs/promises";
import { basename, join } from "node:path";
import { pipeline } from "node:stream/promises";
import { execa } from "execa";
import type { Pin } from "./pins.ts";

/** The limit for the answer of a vendor's server, in milliseconds. After it, the server counts as unreachable. */
const answerLimit = 3000;

export interface Release {
  url: string;
  /** Address of a checksum file: the SHA-256 is in the line for this file, or in the only line. */
  checksums: string;
  /** If `url` is a .tar.gz: the folder in it with the executables. */
  folder?: string;
}

/** The published release of a tool. Undefined if there is none with a checksum for this platform. */
export function releaseOf({ name, version }: Pin, platform: string, arch: string): Release | undefined {
  const machine = arch === "x64" ? "amd64" : arch;
  if (!["linux", "darwin"].includes(platform) || !["amd64", "arm64"].includes(machine)) return undefined;
  switch (name) {
    case "pulumi": {
      const base = `https://github.com/pulumi/pulumi/releases/download/v${version}`;
      const url = `${base}/pulumi-v${version}-${platform}-${arch}.tar.gz`;
      return { url, checksums: `${base}/pulumi-${version}-checksums.txt`, folder: "pulumi" };
    }
    case "helm": {
      const url = `https://get.helm.sh/helm-v${version}-${platform}-${machine}.tar.gz`;
      return { url, checksums: `${url}.sha256sum`, folder: `${platform}-${machine}` };
    }
    case "kube-apiserver":
    case "kube-controller-manager":
    case "kube-scheduler": {
      // Kubernetes publishes its servers for Linux only.
      if (platform !== "linux") return undefined;
      const url = `https://dl.k8s.io/v${version}/bin/${platform}/${machine}/${name}`;
      return { url, checksums: `${url}.sha256` };
    }
    case "etcd": {
      // For macOS, etcd is a .zip.
      if (platform !== "linux") return undefined;
      const base = `https://github.com/etcd-io/etcd/releases/download/v${version}`;
      const folder = `etcd-v${version}-${platform}-${machine}`;
      return { url: `${base}/${folder}.tar.gz`, checksums: `${base}/SHA256SUMS`, folder };
    }
    default:
      return undefined;
  }
}

/** The checksum of `file` in a checksum file: in sha256sum's format, or the sum alone. */
export function checksumOf(file: string, text: string): string | undefined {
  const lines = text.trim().split("\n");
  const line = lines.length === 1 ? lines[0] : lines.find((line) => line.split(/[\s*]+/).at(-1) === file);
  return line === undefined ? undefined : /^[0-9a-f]{64}\b/i.exec(line)?.[0].toLowerCase();
}

/** Whether an address answers successfully within three seconds. */
export async function answers(url: string, signal: AbortSignal): Promise<boolean> {
  try {
    return (await fetch(url, { method: "HEAD", signal: atMost(answerLimit, signal) })).ok;
  } catch {
    signal.throwIfAborted();
    return false;
  }
}

/**
 * Downloads a release to a new folder under `scratch`.
 *
 * @returns the paths of its executables
 * @throws Error if the server does not answer, or the file does not match its checksum
 */
export async function download(release: Release, scratch: string, signal: AbortSignal): Promise<string[]> {
  const name = basename(release.url);
  const published = await fetch(release.checksums, { signal: atMost(answerLimit, signal) });
  if (!published.ok) throw new Error(`${release.checksums} answers ${published.status}`);
  const wanted = checksumOf(name, await published.text());
  if (wanted === undefined) throw new Error(`${release.checksums} holds no SHA-256 of ${name}`);

  const folder = await mkdtemp(join(scratch, "download-"));
  const file = join(folder, name);
  const response = await fetch(release.url, { signal });
  if (!response.ok || response.body === null) throw new Error(`${release.url} answers ${response.status}`);
  await pipeline(response.body, createWriteStream(file), { signal });
  const hash = createHash("sha256");
  await pipeline(createReadStream(file), hash, { signal });
  if (hash.digest("hex") !== wanted) throw new Error(`${release.url} does not match its published SHA-256`);

  if (release.folder === undefined) {
    await chmod(file, 0o755);
    return [file];
  }
  await execa("tar", ["-xzf", file, "-C", folder], { cancelSignal: signal });
  const unpacked = await readdir(join(folder, release.folder), { withFileTypes: true });
  return unpacked.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name));
}

function atMost(milliseconds: number, signal: AbortSignal): AbortSignal {
  return AbortSignal.any([signal, AbortSignal.timeout(milliseconds)]);
}
