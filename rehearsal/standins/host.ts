/**
 * Serves the stand-ins that the arguments name in one process, and prints the environment with which an engine attaches to them, as JSON. Runs until
 * it is killed.
 */
import { kubernetes } from "./kubernetes/provider.ts";
import { serveAttachedDynamicProvider } from "./nodejs/dynamicProvider.ts";
import { serveAttachedLanguage } from "./nodejs/host.ts";
import { postgresql } from "./postgresql/provider.ts";
import { serveAttached } from "./protocol.ts";
import type { Listening } from "./protocol/server.ts";
import { tls } from "./tls/provider.ts";

const given = process.argv.slice(2);
// The language host brings the SDK's dynamic provider.
const names = given.includes("nodejs") ? [...given, "pulumi-nodejs"] : given;

const providers: Record<string, () => Promise<Listening>> = {
  kubernetes: () => serveAttached(kubernetes),
  postgresql: () => serveAttached(postgresql),
  tls: () => serveAttached(tls),
  "pulumi-nodejs": serveAttachedDynamicProvider,
};

/** The ports of the named plugins, as the engine's variables for them have them. */
async function portsOf(plugins: typeof providers): Promise<string> {
  const named = Object.entries(plugins).filter(([name]) => names.includes(name));
  return (await Promise.all(named.map(async ([name, serve]) => `${name}:${(await serve()).port}`))).join(",");
}

console.log(
  JSON.stringify({
    PULUMI_DEBUG_PROVIDERS: await portsOf(providers),
    PULUMI_DEBUG_LANGUAGES: await portsOf({ nodejs: serveAttachedLanguage }),
  }),
);
