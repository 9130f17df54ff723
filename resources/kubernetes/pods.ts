/** A pod of the API, with the parts that show its readiness. */
export interface Readiness {
  metadata?: { deletionTimestamp?: Date };
  status?: { conditions?: { type: string; status: string }[] };
}

/** Whether a pod is ready and not being deleted. */
export function isReady({ metadata, status }: Readiness): boolean {
  const ready = status?.conditions?.some(({ type, status }) => type === "Ready" && status === "True");
  return ready === true && metadata?.deletionTimestamp === undefined;
}
