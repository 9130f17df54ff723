// JavaScript, because Pulumi (3.270) compiles a pack's TypeScript with ts-node, which knows nothing of this project. An import is not compiled.
require("../preload.cjs");
module.exports = import("./pack.ts");
