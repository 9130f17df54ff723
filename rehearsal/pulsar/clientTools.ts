import { chmod, mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { moduleAccess, shortLived } from "./java.ts";

/** The main classes behind the names that Pulsar's image has in /pulsar/bin. */
const programs = {
  "pulsar-admin": "org.apache.pulsar.admin.cli.PulsarAdminTool",
  "pulsar-client": "org.apache.pulsar.client.cli.PulsarClientTool",
};

/** What conf/client.conf says in the image (Pulsar 2.7 and 4.0): nobody's credentials, and a cluster on the same machine. */
const clientConf =
  "webServiceUrl=http://localhost:8080/\nbrokerServiceUrl=pulsar://localhost:6650/\nauthPlugin=\nauthParams=\n";

/**
 * Makes a folder that looks to a script like the image's /pulsar: bin/pulsar-admin and bin/pulsar-client, called from that folder, with
 * their conf/client.conf.
 *
 * @param jars the classpath that holds `pulsar-client-tools`
 * @returns `dir`
 */
export async function clientTools(dir: string, jars: string): Promise<string> {
  await mkdir(join(dir, "bin"), { recursive: true });
  await mkdir(join(dir, "conf"), { recursive: true });
  await writeFile(join(dir, "conf/client.conf"), clientConf);
  const java = ["java", ...moduleAccess, ...shortLived, "-Xmx128m"];
  for (const [name, main] of Object.entries(programs)) {
    const file = join(dir, "bin", name);
    await writeFile(file, `#!/bin/sh\nexec ${java.join(" ")} -cp '${jars}' ${main} conf/client.conf "$@"\n`);
    await chmod(file, 0o755);
  }
  return dir;
}
