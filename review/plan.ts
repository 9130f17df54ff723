/** A Kubernetes object as it is sent to the API server. A marker stands in place of every secret value. */
export interface KubernetesObject {
  apiVersion: string;
  kind: string;
  metadata: { name: string; namespace?: string; labels?: Record<string, string>; annotations?: Record<string, string> };
  [field: string]: unknown;
}

/** A resource that the program registers with the engine. */
export interface PlannedResource {
  type: string;
  /** Its logical name. */
  name: string;
  /** The logical name of its component. */
  parent?: string;
  /** A marker stands in place of every secret and every value that is not known yet. */
  inputs: Record<string, unknown>;
  /** The inputs that are or contain a secret. */
  secretInputs: string[];
  protect: boolean;
  retainOnDelete: boolean;
}

/** What one commit of the program would deploy for a stack. */
export interface StackPlan {
  stack: string;
  namespace: string;
  release: string;
  /** Everything that the program registers, components too. */
  resources: PlannedResource[];
  /** The rendered chart after the post-renderer, with its hooks. */
  objects: KubernetesObject[];
  chart: {
    name: string;
    version: string;
    line: "2.7" | "4";
    /** Whether the vendor's chart was rendered, or the stand-in because that could not be reached. */
    source: "vendor" | "stand-in";
    /** A hash of the chart's files. */
    digest: string;
  };
  /** The program's outputs. A marker stands in place of every secret. */
  outputs: Record<string, unknown>;
}

/** In place of a plan, where the program refuses the settings or fails. */
export interface RefusedPlan {
  stack: string;
  /** The program's messages, one line each, without secrets. */
  refused: string[];
}
