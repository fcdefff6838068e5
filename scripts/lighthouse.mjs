// Lighthouse over the pages that customers judge the product by, signed in, in a browser of its own.
//
//   make lighthouse EMAIL=trader@demo.bellwether PASSWORD=…
//
// The product must be running (SITE_URL, http://127.0.0.1:8000 unless given). Lighthouse is looked for
// where LIGHTHOUSE says. Ends with 1 where a page misses a bound.
import { createRequire } from "node:module";
import { pathToFileURL } from "node:url";
import { writeFileSync } from "node:fs";

const require = createRequire(`${process.env.LIGHTHOUSE}/package.json`);
const load = async (name) => import(pathToFileURL(require.resolve(name)));
const { default: lighthouse, desktopConfig } = await load("lighthouse");
const { default: puppeteer } = await load("puppeteer-core");

const SITE = process.env.SITE_URL || "http://127.0.0.1:8000";
const BOUNDS = { performance: 95, accessibility: 100, "best-practices": 100 };
const { EMAIL, PASSWORD, OUT } = process.env;
if (!EMAIL || !PASSWORD) {
  console.error("Give EMAIL and PASSWORD of a customer; make run prints those of the demo.");
  process.exit(2);
}

const browser = await puppeteer.launch({
  executablePath: process.env.CHROMIUM || "/usr/bin/chromium",
  args: ["--no-sandbox", "--disable-gpu"],
});
const page = await browser.newPage();
await page.goto(`${SITE}/accounts/login/`);
await page.type("input[name=login]", EMAIL);
await page.type("input[name=password]", PASSWORD);
await Promise.all([page.waitForNavigation(), page.keyboard.press("Enter")]);
if (page.url().includes("/login/")) {
  console.error(`${EMAIL} could not be signed in at ${SITE}.`);
  process.exit(2);
}
await page.goto(`${SITE}/discover/`);
const master = await page.$eval("main h2 a[href^='/discover/']", (link) => link.getAttribute("href"));

const found = [];
let missed = false;
for (const [name, path] of [["discover", "/discover/"], ["master", master], ["copying", "/copying/"]]) {
  for (const [screen, config] of [["desktop", desktopConfig], ["mobile", undefined]]) {
    const flags = { disableStorageReset: true, onlyCategories: Object.keys(BOUNDS), logLevel: "error" };
    const { lhr } = await lighthouse(`${SITE}${path}`, flags, config, page);
    const scores = Object.fromEntries(
      Object.entries(lhr.categories).map(([key, one]) => [key, Math.round(100 * one.score)]),
    );
    const figure = (audit) => lhr.audits[audit].displayValue;
    found.push({
      page: name, screen, ...scores,
      lcp: figure("largest-contentful-paint"), blocked: figure("total-blocking-time"),
      shift: figure("cumulative-layout-shift"),
    });
    missed ||= Object.entries(BOUNDS).some(([key, bound]) => scores[key] < bound);
  }
}
await browser.close();
console.table(found);
if (OUT) writeFileSync(OUT, JSON.stringify({ bounds: BOUNDS, pages: found }, null, 2) + "\n");
process.exit(missed ? 1 : 0);
