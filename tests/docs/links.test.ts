import assert from "node:assert/strict";
import { existsSync, globSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { test } from "node:test";

const root = join(import.meta.dirname, "../..");
const pages = globSync(["*.md", "docs/**/*.md"], { cwd: root });

/** Whether a page exists and has the heading, if an anchor names one. */
function leadsSomewhere(target: string, anchor: string | undefined): boolean {
  if (!existsSync(target)) return false;
  if (anchor === undefined) return true;
  const headings = readFileSync(target, "utf8").matchAll(/^#+ (.+)$/gm);
  return [...headings].some(([, heading = ""]) => anchorOf(heading) === anchor);
}

/** The anchor that GitHub gives a heading. */
function anchorOf(heading: string): string {
  return heading
    .toLowerCase()
    .replaceAll(/[^\p{L}\p{N}\s_-]/gu, "")
    .trim()
    .replaceAll(/\s/g, "-");
}

test("every link in README and docs leads to a page, and to a heading where it names one", () => {
  const broken = pages.flatMap((page) =>
    [...readFileSync(join(root, page), "utf8").matchAll(/\]\((?!https?:)([^)#\s]*)(?:#([^)\s]+))?\)/g)].flatMap(
      ([link, path = "", anchor]) => {
        const target = path === "" ? join(root, page) : join(root, dirname(page), path);
        return leadsSomewhere(target, anchor) ? [] : [`${page}: ${link}`];
      },
    ),
  );
  assert.deepEqual(broken, []);
});

test("every page that the code names exists", () => {
  const folders = "{.github,components,docs,model,policy,rehearsal,resources,review,settings}";
  const sources = globSync(["*.ts", "Pulumi*.yaml", `${folders}/**/*.{ts,sh,yml,yaml}`], {
    cwd: root,
    exclude: (path) => path.includes("node_modules"),
  });
  assert.ok(sources.some((source) => source.startsWith(".github")));
  const missing = sources.flatMap((source) =>
    [...readFileSync(join(root, source), "utf8").matchAll(/\b(docs\/[\w/-]+\.md)(?:#([\w-]+))?/g)]
      .filter(([, page = "", anchor]) => !leadsSomewhere(join(root, page), anchor))
      .map(([named]) => `${source}: ${named}`),
  );
  assert.deepEqual(missing, []);
});

test("the README fits on a few screens", () => {
  const lines = readFileSync(join(root, "README.md"), "utf8").split("\n").length;
  assert.ok(lines <= 150, `${String(lines)} lines`);
});
