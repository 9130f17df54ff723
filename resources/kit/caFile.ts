import { readFileSync } from "node:fs";
import { fault } from "./fault.ts";

/**
 * The certificate of a CA, in PEM; undefined where no file is set.
 * @param key the setting that names the file
 * @throws pulumi.RunError if the file cannot be read
 */
export function readCaFile(key: string, file: string | undefined): string | undefined {
  if (file === undefined) return undefined;
  try {
    return readFileSync(file, "utf8");
  } catch (error) {
    throw fault(`${key}: ${file} cannot be read (${(error as Error).message}); set the path of a PEM file`);
  }
}
