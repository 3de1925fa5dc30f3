// A page whose program does not come, or breaks, is never blank; one that is older than what is published comes anew.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import path from "node:path";
import { look, VIEWS } from "./look.mjs";
import { logIn, PAGES, tab, world } from "./world.mjs";

const home = `https://${PAGES}/`;

export async function blank(asked) {
  const { site, browser, end } = await world(asked);
  const manifest = JSON.parse(readFileSync(path.join(asked.dist, ".vite/manifest.json"), "utf8"));
  const entry = `/${Object.values(manifest).find((chunk) => chunk.isEntry).file}`;
  const words = `/${manifest["src/i18n/fr.ts"].file}`;
  try {
    await stopped(asked, browser, entry);
    await gone(asked, { site, browser }, entry);
    await broken(asked, { site, browser }, { entry, words });
    await nothingAtAll(asked, { site, browser }, entry);
    await published(asked, { site, browser }, `/${manifest["src/pages/groups/index.tsx"].file}`);
    return { entry };
  } finally {
    await end();
  }
}

const said = (page, reason) => page.locator(`#boot[data-reason=${reason}]`).waitFor();
const text = async (page) => (await page.locator("#boot").innerText()).replace(/\s+/g, " ");

/** A blocker, or no network: in every view. */
async function stopped(asked, browser, entry) {
  const titles = { fr: "NeoPro ne peut pas s’afficher", en: "NeoPro cannot be shown", es: "NeoPro no se puede mostrar" };
  for (const { name, ...view } of VIEWS) {
    const { context, page } = await tab(browser, view);
    await page.route(`**${entry}`, (route) => route.abort());
    await page.goto(home);
    await said(page, "away");
    assert.equal(await page.locator("#boot h1").innerText(), titles[name.slice(0, 2)]);
    assert.ok((await text(page)).includes(path.basename(entry)), name);
    await look(page, asked.pictures, `blank-away-${name}`);
    await context.close();
  }
}

/** The host has not got it, with the rule of step 7.4 and without it: loaded anew once, then said. */
async function gone(asked, { site, browser }, entry) {
  site.missing = (file) => file === entry;
  for (const rewrite of [true, false]) {
    site.rewrite = rewrite;
    site.opened = 0;
    const { context, page } = await tab(browser);
    await page.goto(home);
    await said(page, "gone");
    assert.match(await text(page), /Publish Directory.*7[.]2/);
    assert.equal(site.opened, 2, `loaded anew once, with rewrite: ${rewrite}`);
    await look(page, asked.pictures, `blank-gone-${rewrite ? "rewrite" : "404"}`);
    await context.close();
  }
  site.rewrite = true;
  site.missing = () => false;
}

/** It comes, and throws; or what it needs to say anything does. */
async function broken(asked, { site, browser }, { entry, words }) {
  for (const file of [entry, words]) {
    site.instead.set(file, 'throw new Error("panne 7")');
    const { context, page } = await tab(browser);
    await page.goto(home);
    await said(page, "broken");
    assert.match(await text(page), /panne 7/, file);
    await look(page, asked.pictures, `blank-broken-${file === entry ? "entry" : "words"}`);
    await context.close();
    site.instead.clear();
  }
}

/** Not one script runs: what stands in the document itself has to do. */
async function nothingAtAll(asked, { site, browser }, entry) {
  site.missing = (file) => file === "/boot.js" || file === entry;
  const { context, page } = await tab(browser);
  await page.goto(home);
  assert.equal(await page.locator("#boot").isVisible(), false, "a page that is on its way shows nothing yet");
  await page.locator("#boot").waitFor({ timeout: 15_000 });
  assert.match(await text(page), /rechargez la page.*reload the page.*recarga la página/);
  await look(page, asked.pictures, "blank-nothing");
  await context.close();
  site.missing = () => false;
  const off = await tab(browser, { javaScriptEnabled: false });
  await off.page.goto(home);
  assert.match(await off.page.locator("body").innerText(), /NeoPro a besoin de JavaScript/);
  await off.context.close();
}

/** An open tab asks for a page that the new publication calls otherwise. */
async function published(asked, { site, browser }, chunk) {
  const { context, page } = await tab(browser);
  await page.goto(home);
  await logIn(page, asked);
  const groups = page.locator('.side a[href="/groups"]');
  // Gone for the document that is open; the next one finds it, as it would find the new name.
  site.opened = 0;
  site.missing = (file) => file === chunk && site.opened === 0;
  await groups.hover();
  await page.waitForTimeout(1_500);
  assert.equal(site.opened, 0, "a pointer on a link loads nothing anew");
  await groups.click();
  await page.waitForFunction(() => performance.getEntriesByType("navigation")[0].type === "reload");
  await page.locator("main h1").filter({ hasText: /groupe/i }).waitFor();
  assert.equal(new URL(page.url()).pathname, "/groups");
  assert.equal(site.opened, 1, "loaded anew, once");
  // The control: it does not come back. Words, not an end without an end.
  for (const rewrite of [true, false]) {
    site.rewrite = rewrite;
    site.missing = () => false;
    await page.goto(home);
    await page.getByText("En direct").first().waitFor();
    await page.evaluate(() => sessionStorage.removeItem("neopro.reloaded"));
    site.missing = (file) => file === chunk;
    site.opened = 0;
    await groups.click();
    // Without the rule the address of a page is nobody's, once it is loaded anew.
    if (!rewrite) {
      await page.getByText("Not Found").waitFor();
      continue;
    }
    await page.waitForFunction(() => performance.getEntriesByType("navigation")[0].type === "reload");
    await page.locator("main .failed").waitFor();
    await page.waitForTimeout(3_000);
    assert.equal(site.opened, 1, "loaded anew once for a part that is gone for good");
    await look(page, asked.pictures, "blank-page-gone");
  }
  await context.close();
}
