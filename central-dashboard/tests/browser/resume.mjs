// A large file over a line that is cut in the middle: the dashboard says what happens, and sends the rest.
//
//   node resume.mjs '{"chromium", "address", "email", "password", "file", "reload", "said", "folder"}'
//
// `said` is what stands below the file's name when the line is lost; with `reload` the tab is loaded anew then, and the
// same file chosen again. A picture of each goes to `folder`.

import assert from "node:assert/strict";
import { mkdirSync } from "node:fs";
import path from "node:path";
import { chromium } from "playwright-core";

const asked = JSON.parse(process.argv[2]);
const browser = await chromium.launch({ executablePath: asked.chromium, args: ["--no-sandbox", "--disable-gpu", "--disable-background-networking"] });
const context = await browser.newContext({ locale: "fr-FR", reducedMotion: "reduce", viewport: { width: 1280, height: 860 } });
const page = await context.newPage();
page.setDefaultTimeout(60_000);
const [errors, violations] = [[], []];
page.on("pageerror", (error) => errors.push(String(error)));
page.on("console", (said) => /Content.Security.Policy/i.test(said.text()) && violations.push(said.text()));
// The tab asks whether it may go with a file on its way.
page.on("dialog", (dialog) => dialog.accept());
mkdirSync(asked.folder, { recursive: true });
const picture = (name) => page.screenshot({ path: path.join(asked.folder, `${name}.png`) });
const choose = () => page.locator("input[type=file]").first().setInputFiles(asked.file);

await page.goto(`${asked.address}/content`);
await page.locator("input[type=email]").fill(asked.email);
await page.locator("input[type=password]").fill(asked.password);
await page.keyboard.press("Enter");
await page.getByText("En direct").first().waitFor();
await choose();
await page.locator("li.upload[data-phase=waiting]").getByText(new RegExp(asked.said)).waitFor();
await picture(asked.reload ? "cut-before-reload" : "cut");
if (asked.reload) {
  await page.reload();
  await page.getByText("En direct").first().waitFor();
  assert.equal(await page.locator("li.upload").count(), 0);
  await choose();
}
await page.locator("li.upload[data-phase=done]").waitFor();
await picture(asked.reload ? "sent-after-reload" : "sent");
assert.deepEqual(errors, []);
assert.deepEqual(violations, []);
const left = await page.evaluate(() => Object.keys(sessionStorage).filter((key) => key.startsWith("neopro.unfinished")));
await browser.close();
console.log(JSON.stringify({ left }));
