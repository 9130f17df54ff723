/** The packages of Java's modules that Pulsar's programs access (bin/pulsar of Pulsar 4.0). Java 17 denies this by default. */
export const moduleAccess = [
  "java.base/java.lang",
  "java.base/java.nio",
  "java.base/java.util.zip",
  "java.base/jdk.internal.misc",
  "java.base/sun.net",
  "java.management/sun.management",
  "jdk.management/com.sun.management.internal",
].map((opened) => `--add-opens=${opened}=ALL-UNNAMED`);

/** For programs that run for a minute: too short for the second compiler and a parallel garbage collector to pay off. */
export const shortLived = ["-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC"];
