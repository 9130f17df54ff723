import type { Manifest } from "./manifest.ts";

/**
 * Adds a readiness probe to the manager's pod, which has none in charts 2.7.7 and 4.7.0. Helm, and so an `up`, then waits until the page and its
 * backend answer; without the probe, a pod is ready even while its supervisord keeps restarting a failing backend.
 */
export function probeManager(objects: readonly Manifest[]): void {
  for (const { metadata, spec } of objects) {
    if (metadata.labels?.component !== "pulsar-manager") continue;
    for (const container of spec?.template?.spec?.containers ?? []) {
      container.readinessProbe ??= {
        // Answers 200 without a login (v0.2.0 and v0.4.0). Until the backend is up, nginx answers 404.
        httpGet: { path: "/pulsar-manager/csrf-token", port: 9527 },
        // The backend takes half a minute to start, or several minutes on a slow machine. Until then the probe fails.
        periodSeconds: 10,
        timeoutSeconds: 5,
        failureThreshold: 3,
      };
    }
  }
}
