/**
 * Runs the rehearsal tests: first the one that measures times, alone, then four files at a time. Files that deploy a stack take minutes, larger
 * ones longer. They start first, so that none of them runs alone at the end.
 */
import { globSync, readFileSync } from "node:fs";
import { finished } from "node:stream/promises";
import { run } from "node:test";
import { tap } from "node:test/reporters";

const alone = "tests/rehearsal/loading.rehearsal.test.ts";
const others = globSync("tests/**/*.rehearsal.test.ts")
  .filter((file) => file !== alone)
  .map((file) => ({ file, source: readFileSync(file, "utf8") }))
  .map(({ file, source }) => ({ file, size: source.length, deploys: /withRehearsal\(|rehearse\(/.test(source) }))
  .sort((a, b) => Number(b.deploys) - Number(a.deploys) || b.size - a.size)
  .map(({ file }) => file);

for (const [files, concurrency] of [[[alone], 1] as const, [others, 4] as const]) {
  const results = run({ files: [...files], concurrency });
  results.on("test:fail", () => {
    process.exitCode = 1;
  });
  results.compose(tap).pipe(process.stdout, { end: false });
  await finished(results);
}
