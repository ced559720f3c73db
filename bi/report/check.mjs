// Opens reports in headless Chromium and checks what a reader would see. Called by bi/report.sh.

import { readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { chromium } from "playwright-core";

const work = process.argv[2];
const axe = readFileSync(join(work, "node_modules/axe-core/axe.min.js"), "utf8");
const pages = ["report", "no-people", "empty"];
const schemes = ["light", "dark"];
const widths = [375, 1440];

let failed = 0;
function check(isRight, text) {
  console.log(`${isRight ? "ok    " : "FAILED"} ${text}`);
  if (!isRight) failed += 1;
}

const browser = await chromium.launch({
  executablePath: process.env.BROWSER,
  // Root has no sandbox, in containers and in CI.
  args: process.getuid() === 0 ? ["--no-sandbox"] : [],
});

/** Opens a page, and returns it with what the console has shown. */
async function open(name, options) {
  const context = await browser.newContext(options);
  const page = await context.newPage();
  const problems = [];
  page.on("console", (message) => {
    if (["error", "warning"].includes(message.type())) problems.push(message.text());
  });
  page.on("pageerror", (error) => problems.push(String(error)));
  page.on("request", (request) => {
    if (!/^(file|data):/.test(request.url())) problems.push(`requested ${request.url()}`);
  });
  page.on("dialog", (dialog) => {
    problems.push(`dialog ${dialog.message()}`);
    dialog.dismiss();
  });
  await page.goto(pathToFileURL(join(work, `${name}.html`)).href);
  return { page, problems, close: () => context.close() };
}

for (const name of pages) {
  for (const colorScheme of schemes) {
    for (const width of widths) {
      const { page, problems, close } = await open(name, { colorScheme, viewport: { width, height: 900 } });
      const where = `${name}, ${colorScheme}, ${width} px`;
      const [needed, given] = await page.evaluate(() => [
        document.documentElement.scrollWidth,
        document.documentElement.clientWidth,
      ]);
      check(needed <= given, `${where}: no overflow (${needed} of ${given} px)`);
      await page.evaluate(() => document.querySelectorAll("details").forEach((d) => (d.open = true)));
      await page.evaluate(axe);
      const { violations, passes } = await page.evaluate(() =>
        globalThis.axe.run(document, {
          runOnly: ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"],
        }),
      );
      const found = violations.map((v) => `${v.id} (${v.nodes.length}): ${v.nodes[0].html.slice(0, 200)}`);
      check(violations.length === 0, `${where}: axe, ${passes.length} rules passed ${found.join("; ")}`);
      check(problems.length === 0, `${where}: nothing in the console ${problems.join("; ")}`);
      await close();
    }
  }
}

// The numbers, beside those of SQL.
const { page, close } = await open("report", { viewport: { width: 1440, height: 900 } });
const shown = await page.evaluate(() => {
  const number = (text) => Number(text.replace(/,/g, ""));
  const figures = [...document.querySelectorAll(".figures div")].map((div) => [
    div.querySelector("dt").textContent,
    number(div.querySelector("dd").firstChild.textContent),
  ]);
  const rows = (section, place) => {
    const parts = document.querySelectorAll(`#${section} .scroll, #${section} .empty`);
    return parts[place].querySelectorAll("tbody tr").length;
  };
  return Object.fromEntries([
    ...figures,
    ["rows of apps", rows("cases", 0)],
    ["rows of new errors", rows("new-errors", 0)],
    ["rows of resolved cases", rows("resolving", 0)],
    ["rows of sources", rows("freshness", 0)],
    ["rows of checks", rows("freshness", 2)],
  ]);
});
for (const line of readFileSync(join(work, "expected"), "utf8").trim().split("\n")) {
  const [name, text] = line.split("=");
  check(shown[name] === Number(text), `${name}: ${shown[name]}, by SQL ${text}`);
}

// Bars of the chart: one for each day with a failure.
const bars = await page.locator("#days svg rect").count();
check(bars > 0, `bars in the chart: ${bars}`);

// Each table sorts by each of its columns, up and down.
const sorted = await page.evaluate(() => {
  let columns = 0;
  const wrong = [];
  for (const table of document.querySelectorAll("table")) {
    for (const [column, heading] of [...table.tHead.rows[0].cells].entries()) {
      columns += 1;
      const values = () =>
        [...table.tBodies[0].rows].map(({ cells }) => cells[column].dataset.key ?? cells[column].textContent);
      const isNumber = table.tBodies[0].rows[0].cells[column].dataset.key !== undefined;
      const ascending = (a, b) => (isNumber ? a - b : a.localeCompare(b));
      for (let click = 0; click < 2; click += 1) {
        heading.querySelector("button").click();
        const direction = heading.getAttribute("aria-sort");
        const factor = direction === "ascending" ? 1 : -1;
        const isSorted = values().every((v, i, all) => i === 0 || factor * ascending(all[i - 1], v) <= 0);
        if (!isSorted) wrong.push(`${heading.textContent} ${direction}`);
      }
      if (table.querySelectorAll("[aria-sort]").length !== 1) wrong.push(`${heading.textContent} aria-sort`);
    }
  }
  return { columns, wrong };
});
check(sorted.columns > 20 && sorted.wrong.length === 0, `${sorted.columns} columns sort ${sorted.wrong.join("; ")}`);
await close();

// Print: black on white whatever the scheme, and nothing is cut.
const printed = await open("report", { colorScheme: "dark", viewport: { width: 720, height: 900 } });
await printed.page.emulateMedia({ media: "print", colorScheme: "dark" });
const paper = await printed.page.evaluate(() => ({
  back: getComputedStyle(document.body).backgroundColor,
  text: getComputedStyle(document.body).color,
  cut: document.documentElement.scrollWidth - document.documentElement.clientWidth,
}));
check(paper.back === "rgb(255, 255, 255)" && paper.text === "rgb(0, 0, 0)", `print: ${paper.text} on ${paper.back}`);
check(paper.cut <= 0, `print: ${Math.max(paper.cut, 0)} px cut at the width of a page`);
const pdf = await printed.page.pdf({ format: "A4" });
check(pdf.length > 10_000, `print: a PDF of ${Math.round(pdf.length / 1024)} KB`);
await printed.close();

if (process.env.PICTURE) {
  const taken = await open("report", { colorScheme: "light", viewport: { width: 1200, height: 1000 } });
  await taken.page.screenshot({ path: process.env.PICTURE });
  await taken.close();
  check(true, `picture: ${Math.round(statSync(process.env.PICTURE).size / 1024)} KB`);
}

await browser.close();
if (failed > 0) {
  console.log(`${failed} checks failed`);
  process.exit(1);
}
