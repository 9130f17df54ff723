/** The configuration of a stack file with a placeholder for each secret. Nothing is decrypted. */
import { createHash } from "node:crypto";
import { rawConfig, readConfig } from "../../rehearsal/engine/stackConfig.ts";
import { generateSecrets, secretsFor } from "../../rehearsal/engine/stackSettings.ts";

/** The configuration as Pulumi passes it to a program. */
export interface ProgramConfig {
  values: Record<string, string>;
  encrypted: string[];
  /** The placeholders, which must not appear in any output either: where one does, the secret would. */
  placeholders: string[];
}

/**
 * A placeholder depends only on the ciphertext: it changes when the secret is set again, and says nothing about its value.
 *
 * @throws RehearsalError if the text is not a stack file
 */
export function programConfig(text: string, file: string): ProgramConfig {
  const config = readConfig(text, file);
  const raw = rawConfig(text, file);
  const passwords = generateSecrets((key) =>
    createHash("sha256")
      .update(`${key} ${JSON.stringify(raw[key] ?? "not set")}`)
      .digest("base64url")
      .slice(0, 24),
  );
  const filled = secretsFor(config, passwords);
  return {
    values: {
      ...Object.fromEntries(
        Object.entries(config.plain).map(([key, value]) => [
          key,
          typeof value === "string" ? value : JSON.stringify(value),
        ]),
      ),
      ...Object.fromEntries(config.encrypted.map((key) => [key, "[secret]"])),
      ...filled,
    },
    encrypted: [...new Set([...config.encrypted, ...Object.keys(filled)])].sort(),
    placeholders: [...Object.values(passwords), ...Object.values(filled)],
  };
}
