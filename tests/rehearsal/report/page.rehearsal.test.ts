/** The HTML page in a browser. */
import assert from "node:assert/strict";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { pathToFileURL } from "node:url";
import type { Browser, Page } from "playwright-core";
import { renderPage } from "../../../rehearsal/report/page.ts";
import { startBrowser } from "../browser.ts";
import { layout as production10, loss, production } from "../production.ts";
import { layout, pod, running } from "../seen.ts";

const one = loss(["serving-2"]);
const unplaced = pod("pulsar-proxy-3", {
  component: "proxy",
  unscheduled: "0/3 nodes are available: 3 too many pods.",
});

/** Pages with every kind of element, and the visible pods on each. */
const samples = {
  "one what-if": {
    record: production({ whatIfs: [one] }),
    visible: one.after.pods,
  },
  "many what-ifs, one of which stops it": {
    record: production({
      whatIfs: [...production10.nodes.map(({ name }) => loss([name])), loss(["bookie-1", "bookie-4"], "a")],
    }),
    visible: production().seen?.pods ?? [],
  },
  "a pod that waits": {
    record: production({ stack: "test", layout, seen: { ...running(), pods: [...running().pods, unplaced] } }),
    visible: [...running().pods, unplaced],
  },
};

/** Scripts that run in the page. Plain JavaScript, because the program's types do not include the browser's. */
const visiblePods = `[...document.querySelectorAll("[data-pod]")].filter((pod) => pod.checkVisibility()).map((pod) => pod.dataset.pod)`;
const headings = `[...document.querySelectorAll("h1, h2, h3, h4, h5, h6")].map((heading) => Number(heading.tagName[1]))`;
const overflow = `[...document.querySelectorAll("body *")]
  .filter((one) => one.checkVisibility() && one.getBoundingClientRect().right > window.innerWidth + 0.5 && getComputedStyle(one).clipPath === "none")
  .filter((one) => !one.closest("thead"))
  .map((one) => one.outerHTML.slice(0, 80))
  .concat(document.documentElement.scrollWidth > window.innerWidth ? ["the page is " + document.documentElement.scrollWidth + " wide"] : [])`;
/** Texts and color marks with insufficient contrast by WCAG 2.2 (1.4.3 and 1.4.11), and the number of those checked. */
const contrast = `(() => {
  const parse = (color) => {
    const [r, g, b, a = 1] = color.match(/[\\d.]+/g).map(Number);
    return { r, g, b, a };
  };
  const luminance = ({ r, g, b }) => {
    const [R, G, B] = [r, g, b].map((value) => value / 255).map((value) => (value <= 0.04045 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4));
    return 0.2126 * R + 0.7152 * G + 0.0722 * B;
  };
  const background = (element) => {
    for (let one = element; one; one = one.parentElement) {
      const color = parse(getComputedStyle(one).backgroundColor);
      if (color.a === 1) return color;
    }
    return { r: 255, g: 255, b: 255 };
  };
  const ratio = (a, b) => {
    const [dark, light] = [luminance(a), luminance(b)].sort((x, y) => x - y);
    return (light + 0.05) / (dark + 0.05);
  };
  const faults = [];
  let seen = 0;
  const judge = (element, color, least) => {
    seen += 1;
    const found = ratio(parse(color), background(element));
    if (found < least) faults.push(found.toFixed(2) + ": " + element.outerHTML.slice(0, 80));
  };
  for (const element of document.querySelectorAll("body *")) {
    if (!element.checkVisibility()) continue;
    const style = getComputedStyle(element);
    if ([...element.childNodes].some((node) => node.nodeType === 3 && node.data.trim() !== "")) judge(element, style.color, 4.5);
    if (element.matches(".pod")) judge(element, style.borderLeftColor, 3);
    if (element.matches(".meter i, .pips .on")) judge(element.parentElement, style.backgroundColor, 3);
  }
  return { faults, seen };
})()`;

describe("the page in a browser", () => {
  let browser: Browser;
  let folder: string;

  before(async () => {
    browser = await startBrowser();
    folder = await mkdtemp(join(tmpdir(), "rehearsal-page-"));
  });

  after(async () => {
    await (browser as Browser | undefined)?.close();
    await rm(folder, { recursive: true, force: true });
  });

  /** Opens a page, and fails if it makes a request or logs an error. */
  async function withPage(
    markup: string,
    look: { width: number; colorScheme: "light" | "dark" },
    use: (page: Page) => Promise<void>,
  ): Promise<void> {
    const { width, colorScheme } = look;
    const page = await browser.newPage({ viewport: { width, height: 800 }, colorScheme });
    try {
      const complaints: string[] = [];
      page.on("console", (message) => complaints.push(message.text()));
      page.on("pageerror", ({ message }) => complaints.push(message));
      page.on("request", (request) => complaints.push(request.url()));
      const file = join(folder, "page.html");
      await writeFile(file, markup);
      await page.goto(pathToFileURL(file).href);
      await use(page);
      assert.deepEqual(complaints, [pathToFileURL(file).href]);
    } finally {
      await page.close();
    }
  }

  for (const [name, { record, visible }] of Object.entries(samples)) {
    const markup = renderPage(record);
    for (const width of [1280, 320]) {
      for (const colorScheme of ["light", "dark"] as const) {
        it(`shows ${name}, ${width} pixels wide, ${colorScheme}`, async () => {
          await withPage(markup, { width, colorScheme }, async (page) => {
            assert.equal(await page.title(), `Rehearsal of the stack ${record.stack}`);
            assert.deepEqual(
              (await page.evaluate<string[]>(visiblePods)).sort(),
              visible.map((pod) => pod.name).sort(),
            );
            assert.deepEqual(await page.evaluate<string[]>(overflow), []);
            const { faults, seen } = await page.evaluate<{ faults: string[]; seen: number }>(contrast);
            assert.deepEqual(faults, []);
            assert.ok(seen > 100, `${seen} texts`);
            const levels = await page.evaluate<number[]>(headings);
            assert.deepEqual(levels.filter((level) => level === 1), [1]); // prettier-ignore
            levels.forEach((level, i) => {
              assert.ok(level <= (levels[i - 1] ?? 0) + 1, `heading ${i + 1} of ${levels.join(" ")}`);
            });
          });
        });
      }
    }
  }

  it("is dark with the system's dark color scheme", async () => {
    const colors: string[] = [];
    for (const colorScheme of ["light", "dark"] as const) {
      await withPage(renderPage(production()), { width: 1280, colorScheme }, async (page) => {
        colors.push(await page.evaluate<string>("getComputedStyle(document.body).backgroundColor"));
      });
    }
    assert.deepEqual(colors, ["rgb(245, 246, 248)", "rgb(17, 20, 23)"]);
  });

  it("opens a map by its summary, reached by a link of the table", async () => {
    const record = production({ whatIfs: [loss(["zk-1"]), one] });
    await withPage(renderPage(record), { width: 320, colorScheme: "light" }, async (page) => {
      await page.getByRole("link", { name: "node serving-2 is lost" }).click();
      assert.match(page.url(), /#what-if-2$/);
      const section = page.locator("#what-if-2");
      assert.ok(await section.getByRole("heading", { name: "If node serving-2 is lost" }).isVisible());
      assert.equal(await section.locator(".node.lost").isVisible(), false);
      await section.locator("summary").press("Enter");
      assert.equal(await section.locator(".node.lost").isVisible(), true);
      assert.deepEqual(await page.evaluate<string[]>(overflow), []);
      assert.deepEqual((await page.evaluate<{ faults: string[] }>(contrast)).faults, []);
    });
  });

  it("is printed on white, with every map", async () => {
    const record = production({ whatIfs: [one] });
    await withPage(renderPage(record), { width: 1280, colorScheme: "dark" }, async (page) => {
      await page.emulateMedia({ media: "print", colorScheme: "light" });
      const pods = [...one.after.pods, ...(record.seen?.pods ?? [])].map(({ name }) => name);
      assert.deepEqual((await page.evaluate<string[]>(visiblePods)).sort(), pods.sort());
      assert.equal(
        await page.evaluate<string>("getComputedStyle(document.body).backgroundColor"),
        "rgb(255, 255, 255)",
      );
    });
  });
});
