/** The committed stack files, in whatever way their user has changed them. All other tests read tests/fixtures. */
import { readdirSync } from "node:fs";
import { test } from "node:test";
import { ownProject, stackSettings } from "../rehearsal/engine/stackSettings.ts";

for (const file of readdirSync(ownProject)) {
  const stack = /^Pulumi\.(.+)\.yaml$/.exec(file)?.[1];
  if (stack === undefined) continue;
  test(`${file} has no fault, once the secrets are set that it lacks`, async () => {
    await stackSettings(stack);
  });
}
