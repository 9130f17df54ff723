/**
 * Serves the stand-ins that the arguments name in one process, and prints their ports as PULUMI_DEBUG_PROVIDERS has them. Runs until it is killed.
 */
import { kubernetes } from "./kubernetes/provider.ts";
import { postgresql } from "./postgresql/provider.ts";
import { serveAttached } from "./protocol.ts";
import { tls } from "./tls/provider.ts";

const standIns = { kubernetes, postgresql, tls };

const ports = Object.entries(standIns)
  .filter(([name]) => process.argv.includes(name))
  .map(async ([name, make]) => `${name}:${String((await serveAttached(make)).port)}`);
console.log((await Promise.all(ports)).join(","));
