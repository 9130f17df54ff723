import { parseAllDocuments, stringify } from "yaml";

/** The fields of a pod's spec that post-renderers use. */
export interface PodSpec {
  tolerations?: unknown[];
  nodeSelector?: Record<string, string>;
  imagePullSecrets?: { name: string }[];
  initContainers?: object[] | null;
  containers?: Container[];
  volumes?: object[] | null;
  [key: string]: unknown;
}

/** The fields of a container that post-renderers use. */
export interface Container {
  env?: unknown[];
  envFrom?: { configMapRef?: { name?: string } }[];
  ports?: { name?: string }[] | null;
  readinessProbe?: unknown;
  volumeMounts?: object[] | null;
  [key: string]: unknown;
}

/** The fields of a Kubernetes object that post-renderers use. */
export interface Manifest {
  apiVersion: string;
  kind: string;
  metadata: {
    name: string;
    annotations?: Record<string, string>;
    labels?: Record<string, string>;
    [key: string]: unknown;
  };
  data?: Record<string, unknown>;
  spec?: {
    template?: {
      metadata?: { annotations?: Record<string, string>; labels?: Record<string, string> };
      spec?: PodSpec;
    };
    selector?: unknown;
    [key: string]: unknown;
  };
  [key: string]: unknown;
}

/**
 * Go reads Helm's manifests as YAML 1.1 (0644 is octal, "yes" is a boolean, the last of two equal keys wins). They are read and written in the
 * same dialect.
 */
const dialect = { version: "1.1", merge: true } as const;

/** The objects of a rendered manifest, without empty documents. @throws Error with the line, for a document that is not YAML */
export function parseManifest(manifest: string): Manifest[] {
  return parseAllDocuments(manifest, { ...dialect, uniqueKeys: false }).flatMap((document) => {
    const [error] = document.errors;
    if (error !== undefined) {
      const [reason = ""] = error.message.split(":\n", 1);
      throw new Error(`the chart's manifest is not YAML: ${reason}; fix the chart`);
    }
    const object = document.toJS() as Manifest | null;
    return object === null ? [] : [object];
  });
}

/** The objects as one manifest, in the same order. */
export function writeManifest(objects: readonly Manifest[]): string {
  return objects
    .map((object) => `---\n${stringify(object, { ...dialect, lineWidth: 0, aliasDuplicateObjects: false })}`)
    .join("");
}
