import { chmod, mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { moduleAccess, shortLived } from "./java.ts";

/** The main classes of programs in /pulsar/bin of Pulsar's image. */
const programs = {
  "pulsar-admin": "org.apache.pulsar.admin.cli.PulsarAdminTool",
  "pulsar-client": "org.apache.pulsar.client.cli.PulsarClientTool",
};

/** conf/client.conf in the image (Pulsar 2.7 and 4.0): no credentials, and a cluster on the same machine. */
const clientConf =
  "webServiceUrl=http://localhost:8080/\nbrokerServiceUrl=pulsar://localhost:6650/\nauthPlugin=\nauthParams=\n";

/**
 * Creates a folder that replaces the image's /pulsar for a script: with bin/pulsar-admin and bin/pulsar-client, which are run from that folder,
 * and their conf/client.conf.
 *
 * @param jars a classpath with `pulsar-client-tools`
 * @returns `dir`
 */
export async function clientTools(dir: string, jars: string): Promise<string> {
  await mkdir(join(dir, "bin"), { recursive: true });
  await mkdir(join(dir, "conf"), { recursive: true });
  await writeFile(join(dir, "conf/client.conf"), clientConf);
  const java = ["java", ...moduleAccess, ...shortLived, "-Xmx128m"];
  for (const [name, main] of Object.entries(programs)) {
    const file = join(dir, "bin", name);
    await writeFile(
      file,
      `#!/bin/sh\nexec ${java.join(" ")} -cp '${jars}' ${main} "\${PULSAR_CLIENT_CONF:-conf/client.conf}" "$@"\n`,
    );
    await chmod(file, 0o755);
  }
  return dir;
}
