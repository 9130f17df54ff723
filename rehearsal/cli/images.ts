/** `npm run images`: what has to be copied before a stack can be installed where there is no internet. */
import { options, run } from "./command.ts";
import { RehearsalError } from "../engine/fault.ts";
import { type Format, formats, render } from "../report/mirror.ts";
import { stackSettings } from "../engine/stackSettings.ts";

const usage = `Lists every image that a stack's pods ask for, hooks and Jobs included, with its name in the stack's registry (pulsar:registry), and where its
chart comes from. Reads the stack file and nothing else.

  npm run --silent images [-- --stack NAME] [--format FORMAT]

  --stack NAME     the stack of Pulumi.NAME.yaml (default: test)
  --format FORMAT  list: a table (default)
                   skopeo: a file for skopeo sync --src yaml, with the command in its first lines
                   crane: a shell script of crane copy
  --help           shows this

Exit status: 0; 2 for a stack or a format that there is not, faults in the settings, and a stack without a registry to copy to.`;

async function main(): Promise<number> {
  const { help, stack, format } = argumentsGiven();
  console.log(help ? usage : render(stack, await stackSettings(stack), format));
  return 0;
}

function argumentsGiven(): { help: boolean; stack: string; format: Format } {
  const { format: asked, ...others } = options({
    options: {
      stack: { type: "string", default: "test" },
      format: { type: "string", default: "list" },
      help: { type: "boolean", default: false },
    },
  });
  const format = formats.find((one) => one === asked);
  if (format === undefined) {
    throw new RehearsalError(`--format: found "${asked}"; allowed: one of ${formats.join(", ")}`);
  }
  return { ...others, format };
}

await run(main);
