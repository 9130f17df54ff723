/** A Chromium for tests of pages. */
import { access, constants } from "node:fs/promises";
import { delimiter, join } from "node:path";
import { chromium, type Browser } from "playwright-core";

/**
 * Starts the Chromium in the variable CHROMIUM, on PATH or in the package @sparticuz/chromium, which supports only Linux on x64.
 *
 * @throws Error if there is none
 */
export async function startBrowser(): Promise<Browser> {
  const executablePath = process.env["CHROMIUM"] ?? (await onPath()) ?? (await packaged());
  if (executablePath === undefined) {
    throw new Error("no browser found: install chromium or google-chrome, or set CHROMIUM to the path of one");
  }
  // In containers it runs as root, where its sandbox does not work. It must not access the network.
  const args = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
  ];
  return chromium.launch({ executablePath, args });
}

async function onPath(): Promise<string | undefined> {
  const folders = (process.env["PATH"] ?? "").split(delimiter);
  for (const path of folders.flatMap((folder) => ["chromium", "google-chrome"].map((name) => join(folder, name)))) {
    const found = await access(path, constants.X_OK).then(
      () => true,
      () => false,
    );
    if (found) return path;
  }
  return undefined;
}

async function packaged(): Promise<string | undefined> {
  if (process.platform !== "linux" || process.arch !== "x64") return undefined;
  const { default: chromium } = await import("@sparticuz/chromium");
  return chromium.executablePath();
}
