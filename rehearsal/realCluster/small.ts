/** Sizes for a laptop. */
import type { SizedComponent } from "../../model/sizing.ts";

/**
 * Requests in cores and Mi, and heap, direct memory and memory limit in Mi. Heaps and direct memory are those of the charts (2.7.7 and 4.7.0), which
 * are made for a demonstration; BookKeeper's caches are parts of the direct memory, or 32 MB (2.7.7). The limits leave room for the JVM itself.
 */
const small: Record<SizedComponent, { cpu: number; memory: number; heap: number; direct?: number; limit: number }> = {
  zookeeper: { cpu: 0.05, memory: 192, heap: 128, direct: 64, limit: 512 },
  bookkeeper: { cpu: 0.1, memory: 384, heap: 256, direct: 256, limit: 1024 },
  broker: { cpu: 0.1, memory: 512, heap: 256, direct: 256, limit: 1024 },
  proxy: { cpu: 0.05, memory: 256, heap: 128, direct: 128, limit: 640 },
  autorecovery: { cpu: 0.05, memory: 192, heap: 128, direct: 64, limit: 512 },
  toolset: { cpu: 0.05, memory: 128, heap: 128, direct: 128, limit: 1024 },
  manager: { cpu: 0.05, memory: 384, heap: 256, limit: 1024 },
};

/** The configuration that gives every pod a small size. */
export function smallSizes(): Record<string, string> {
  return Object.fromEntries(
    Object.entries(small).flatMap(([component, { cpu, memory, heap, direct, limit }]) =>
      Object.entries({
        "requests.cpu": `${cpu * 1000}m`,
        "requests.memory": `${memory}Mi`,
        "limits.memory": `${limit}Mi`,
        heap: `${heap}Mi`,
        ...(direct === undefined ? {} : { direct: `${direct}Mi` }),
      }).map(([key, value]) => [`pulsar:pods.${component}.${key}`, value]),
    ),
  );
}

/** The same as lines of a report. */
export function smallSizeLines(): string[] {
  return Object.entries(small).map(
    ([component, { cpu, memory, heap, direct, limit }]) =>
      `${component}: requests ${cpu * 1000}m CPU and ${memory}Mi, limit ${limit}Mi, heap ${heap}Mi${direct === undefined ? "" : `, direct memory ${direct}Mi`}`,
  );
}
