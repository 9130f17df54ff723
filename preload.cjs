// Loaded before index.ts (Pulumi.yaml, nodeargs).

// An older Node stops at the first type annotation with a message that says nothing.
const [major, minor] = process.versions.node.split(".").map(Number);
if (major < 22 || (major === 22 && minor < 18)) {
  console.error(
    `Node ${process.versions.node} is too old for this program; use 22.18 or later: npm exec -- pulumi ... runs the one that npm ci installs`,
  );
  process.exit(1);
}

// Most of a preview's start goes into compiling the Pulumi SDK; kept compiled, it takes a fifth less. Beside the SDK and not in the shared
// temporary directory that Node would take, where others could put their code in its place. Where it cannot be written, it is left out.
require("node:module").enableCompileCache(`${__dirname}/node_modules/.cache/node`);

// The SDK reads a stack trace for every resource, and source-map-support (@pulumi/pulumi 3.270) maps each line of it, which takes a tenth of a
// preview. Node strips types without moving code, so nothing needs to be mapped.
require("node:timers").setImmediate(() => {
  Error.prepareStackTrace = undefined;
});
