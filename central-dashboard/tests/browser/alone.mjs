// An admin where no super admin is: the page of accounts says how to make one, and after that he may.
//
//   node alone.mjs '{"chromium", "address", "email", "password", "folder", "ruled"}'

import assert from "node:assert/strict";
import { look } from "./hosted/look.mjs";
import { chromium } from "playwright-core";

const asked = JSON.parse(process.argv[2]);
const browser = await chromium.launch({
  executablePath: asked.chromium,
  args: ["--no-sandbox", "--disable-gpu", "--disable-background-networking"],
});
try {
  const said = [];
  for (const view of [{ viewport: { width: 1280, height: 860 } }, { viewport: { width: 390, height: 844 }, colorScheme: "dark" }]) {
    const context = await browser.newContext({ locale: "fr-FR", reducedMotion: "reduce", ...view });
    const page = await context.newPage();
    page.setDefaultTimeout(20_000);
    await page.goto(`${asked.address}/login?returnUrl=/admin/users`);
    await page.locator("input[type=email]").fill(asked.email);
    await page.locator("input[type=password]").fill(asked.password);
    await page.keyboard.press("Enter");
    await page.waitForURL(/\/admin\/users/);
    if (asked.ruled) {
      await page.getByRole("button", { name: "Ajouter une personne" }).waitFor();
      assert.equal(await page.locator(".alone").count(), 0);
    } else {
      await page.locator(".alone").waitFor();
      said.push(await page.locator(".alone code").allInnerTexts());
      await look(page, asked.folder, `alone-${view.viewport.width}`);
    }
    await context.close();
  }
  console.log(JSON.stringify({ ruled: asked.ruled, said: said[0] ?? [] }));
} finally {
  await browser.close();
}
