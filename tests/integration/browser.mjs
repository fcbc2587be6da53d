// Drives a headless Chromium by a plan on standard input, and says what it saw on standard output, both JSON.
//
// Plan: {url, executable, folder, name, visit: [path], follow: [{click, expect}], watch: {selector, pattern, seconds}}
//   visit   every page at a desk and on a phone, light and dark: accessibility (axe-core), overflow, screenshots in `folder`,
//           by `name`
//   follow  from the overview, click what is named and wait until `expect` is on the page, one after the other
//   watch   stay on the overview until the text of `selector` matches `pattern`, without loading it again
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { chromium } from "playwright-core";

// The last scheme of a screen is the one in its pictures.
const DESKTOP = { size: "desktop", viewport: { width: 1280, height: 900 }, schemes: ["dark", "light"] };
const PHONE = { size: "phone", viewport: { width: 375, height: 740 }, schemes: ["light", "dark"] };
const MILLISECONDS = 10_000;
const AXE = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");

const plan = JSON.parse(readFileSync(0, "utf8"));
const errors = [];
const browser = await chromium.launch({
  executablePath: await findChromium(),
  args: ["--no-sandbox", "--disable-gpu"],
});
const found = { pages: [], followed: [], watched: null };
try {
  if (plan.visit) {
    await visit(DESKTOP);
    await visit(PHONE);
  }
  if (plan.follow) await follow();
  if (plan.watch) await watch();
} catch (error) {
  errors.push(error.message);
} finally {
  await browser.close();
}
process.stdout.write(JSON.stringify({ ...found, errors }));

async function findChromium() {
  if (plan.executable) return plan.executable;
  const { default: packed } = await import("@sparticuz/chromium");
  return packed.executablePath();
}

async function open({ viewport }) {
  // The page's policy allows no script but its own: axe comes in by the debugger, in a context that may.
  const context = await browser.newContext({ viewport, locale: "en-GB" });
  const page = await context.newPage();
  page.setDefaultTimeout(MILLISECONDS);
  page.on("pageerror", (error) => errors.push(`${page.url()}: ${error.message}`));
  page.on("console", (message) => {
    const expected = message.location().url.includes("/missing") && message.text().includes("404");
    if (["error", "warning"].includes(message.type()) && !expected) errors.push(`${page.url()}: ${message.text()}`);
  });
  return page;
}

async function visit(screen) {
  const page = await open(screen);
  for (const [index, path] of plan.visit.entries()) {
    await page.goto(plan.url + path, { waitUntil: "load" });
    if (path === "/") await page.locator("figure canvas").first().waitFor();
    await page.evaluate(AXE);
    const violations = [];
    for (const colorScheme of screen.schemes) {
      await page.emulateMedia({ colorScheme });
      violations.push(...(await page.evaluate(() => globalThis.axe.run())).violations);
    }
    await page.screenshot({
      path: `${plan.folder}/${plan.name}-${String(index).padStart(2, "0")}-${screen.size}.png`,
      fullPage: true,
    });
    found.pages.push({
      path,
      size: screen.size,
      title: await page.title(),
      text: await page.locator("main").innerText(),
      charts: await page.locator("figure canvas").count(),
      overflows: await page.evaluate(() => document.documentElement.scrollWidth > document.documentElement.clientWidth),
      executed: await page.evaluate(() => globalThis.executed === true),
      serious: violations
        .filter(({ impact }) => ["serious", "critical"].includes(impact))
        .map(({ id, nodes }) => `${id}: ${nodes[0].html.slice(0, 200)}`),
    });
  }
}

async function follow() {
  const page = await open(DESKTOP);
  await page.goto(plan.url);
  for (const { click, expect } of plan.follow) {
    await page.locator(click).first().click();
    await page.locator(expect).first().waitFor();
    found.followed.push({ path: new URL(page.url()).pathname, text: await page.locator("main").innerText() });
  }
}

async function watch() {
  const page = await open(DESKTOP);
  await page.goto(plan.url);
  await page.evaluate(() => (globalThis.isSamePage = true));
  const { selector, pattern, seconds } = plan.watch;
  await page.waitForFunction(
    ([selector, pattern]) => new RegExp(pattern).test(document.querySelector(selector)?.textContent ?? ""),
    [selector, pattern],
    { timeout: 1000 * seconds },
  );
  found.watched = {
    text: await page.locator(selector).innerText(),
    isSamePage: await page.evaluate(() => globalThis.isSamePage === true),
  };
}
