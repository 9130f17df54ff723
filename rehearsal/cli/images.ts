/** `npm run images`: lists what to copy for an installation without internet access. */
import { command } from "./command.ts";
import { RehearsalError } from "../engine/fault.ts";
import { formats, render } from "../report/mirror.ts";
import { stackSettings } from "../engine/stackSettings.ts";

const usage = `Lists every image that a stack's pods use, including hooks and Jobs, with its name in the stack's registry (pulsar:registry), and the
source of the chart. Reads only the stack file.

  npm run --silent images [-- --stack NAME] [--format FORMAT]

  --stack NAME     the stack, from Pulumi.NAME.yaml (default: test)
  --format FORMAT  list: a table (default)
                   skopeo: a file for skopeo sync --src yaml, with the command in its first lines
                   crane: a shell script of crane copy
  --help           show this help

Exit status: 0 on success; 2 for an unknown stack or format, faults in the settings, or a stack without a registry to copy to.`;

const options = {
  stack: { type: "string", default: "test" },
  format: { type: "string", default: "list" },
} as const;

await command({ usage, options }, async ({ stack, format: given }) => {
  const format = formats.find((one) => one === given);
  if (format === undefined) {
    throw new RehearsalError(`--format: "${given}" is not valid; use one of ${formats.join(", ")}`);
  }
  console.log(render(stack, await stackSettings(stack), format));
  return 0;
});
