// JavaScript, because Pulumi (3.270) compiles a pack's TypeScript with ts-node, which knows nothing of this project. An import is not compiled.
// ts-node reads tsconfig.json all the same, and needs a TypeScript that knows its options: the one in package.json.
require("../preload.cjs");
module.exports = import("./pack.ts");
