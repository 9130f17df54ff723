/** What Pulsar's programs reach of Java's own modules (Pulsar 4.0, bin/pulsar); Java 17 keeps it closed unless it is told. */
export const moduleAccess = [
  "java.base/java.lang",
  "java.base/java.nio",
  "java.base/java.util.zip",
  "java.base/jdk.internal.misc",
  "java.base/sun.net",
  "java.management/sun.management",
  "jdk.management/com.sun.management.internal",
].map((opened) => `--add-opens=${opened}=ALL-UNNAMED`);

/** For programs that live for a minute: what the second compiler and a collector with threads of its own would gain comes too late for them. */
export const shortLived = ["-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC"];
