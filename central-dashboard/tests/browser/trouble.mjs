// What somebody sees in the browser when something of the production guide's troubleshooting part has happened.
//
//   node trouble.mjs '{"chromium", "mark", "folder", "name", "address", "person", "page", "upload", "expect"}'
//
// `mark` is the hash of the key of the services' certificate; `address` is opened; with a `person` ({email, password}) it is
// logged in, with a `page` that is opened then, and an `upload`, a file, is added to the library there. Each text of `expect`
// has to be read in the end. The last line says what is read there and what the console says.

import { mkdirSync, mkdtempSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { chromium } from "playwright-core";

const asked = JSON.parse(process.argv[2]);
mkdirSync(asked.folder, { recursive: true });
const context = await chromium.launchPersistentContext(mkdtempSync(path.join(tmpdir(), "neopro-trouble-")), {
  executablePath: asked.chromium,
  locale: "fr-FR",
  viewport: { width: 1280, height: 860 },
  reducedMotion: "reduce",
  args: ["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--no-proxy-server"].concat(
    `--ignore-certificate-errors-spki-list=${asked.mark}`,
  ),
});
// For a busy machine: nothing here is measured.
context.setDefaultTimeout(60_000);
const page = context.pages()[0] ?? (await context.newPage());
const heard = [];
page.on("console", (message) => heard.push(message.text()));
page.on("pageerror", (error) => heard.push(String(error)));

try {
  await page.goto(asked.address, { waitUntil: "commit" });
  if (asked.person) {
    await page.locator("input[type=email]").fill(asked.person.email);
    await page.locator("input[type=password]").fill(asked.person.password);
    await page.keyboard.press("Enter");
  }
  if (asked.page) {
    await page.waitForURL(/\/dashboard$/);
    await page.goto(new URL(asked.page, asked.address).href);
  }
  if (asked.upload) {
    const chosen = page.waitForEvent("filechooser");
    await page.getByRole("button", { name: "Ajouter des vidéos" }).first().click();
    await (await chosen).setFiles(asked.upload);
  }
  for (const text of asked.expect) await page.getByText(text).first().waitFor();
} finally {
  await page.screenshot({ path: path.join(asked.folder, `${asked.name}.png`) }).catch(() => {});
  const text = await page.locator("body").innerText().catch(() => "");
  console.log(JSON.stringify({ text, heard }));
  await context.close();
}
