/** A pod of the API, as far as its readiness goes. */
export interface Readiness {
  metadata?: { deletionTimestamp?: Date };
  status?: { conditions?: { type: string; status: string }[] };
}

/** Whether a pod is ready and not about to go. */
export function isReady({ metadata, status }: Readiness): boolean {
  const ready = status?.conditions?.some(({ type, status }) => type === "Ready" && status === "True");
  return ready === true && metadata?.deletionTimestamp === undefined;
}
