// Loaded before index.ts (Pulumi.yaml, nodeargs): an older Node stops at the first type annotation with a message that says nothing.
const [major, minor] = process.versions.node.split(".").map(Number);
if (major < 22 || (major === 22 && minor < 18)) {
  console.error(
    `Node ${process.versions.node} is too old for this program: it needs 22.18 or later (npm exec -- pulumi ... finds the one that npm ci installed)`,
  );
  process.exit(1);
}
