import type { Manifest } from "./manifest.ts";

/**
 * Gives the manager's pod a readiness probe, which the charts do not (2.7.7 and 4.7.0): Helm, and with it an `up`, waits until the page and the
 * backend behind it answer. Without it a pod counts as ready while its supervisord restarts a failing backend again and again.
 */
export function probeManager(objects: readonly Manifest[]): void {
  for (const { metadata, spec } of objects) {
    if (metadata.labels?.component !== "pulsar-manager") continue;
    for (const container of spec?.template?.spec?.containers ?? []) {
      container.readinessProbe ??= {
        // Answers 200 without a login (v0.2.0 and v0.4.0). Until the backend is up, nginx answers 404.
        httpGet: { path: "/pulsar-manager/csrf-token", port: 9527 },
        // The backend takes half a minute to start, several on a slow machine; until then the probe only fails.
        periodSeconds: 10,
        timeoutSeconds: 5,
        failureThreshold: 3,
      };
    }
  }
}
