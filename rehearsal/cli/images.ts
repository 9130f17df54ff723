/** `npm run images`: lists what to copy for an installation without internet access. */
import { options, run } from "./command.ts";
import { RehearsalError } from "../engine/fault.ts";
import { type Format, formats, render } from "../report/mirror.ts";
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

async function main(): Promise<number> {
  const { help, stack, format } = argumentsGiven();
  console.log(help ? usage : render(stack, await stackSettings(stack), format));
  return 0;
}

function argumentsGiven(): { help: boolean; stack: string; format: Format } {
  const { format: given, ...others } = options({
    options: {
      stack: { type: "string", default: "test" },
      format: { type: "string", default: "list" },
      help: { type: "boolean", default: false },
    },
  });
  const format = formats.find((one) => one === given);
  if (format === undefined) {
    throw new RehearsalError(`--format: "${given}" is not valid; use one of ${formats.join(", ")}`);
  }
  return { ...others, format };
}

await run(main);
