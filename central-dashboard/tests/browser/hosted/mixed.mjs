// A dashboard and a server that are not of one version; an address that the build did not know; an upload whose line is
// lost.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import path from "node:path";
import { look } from "./look.mjs";
import { logIn, PAGES, tab, world } from "./world.mjs";

const home = `https://${PAGES}/`;
const notice = (page, kind) => page.locator(`.notice[data-notice=${kind}]`);

export async function mixed(asked) {
  const { site, api, browser, end } = await world(asked);
  try {
    await anew(asked, { site, api, browser });
    await older(asked, { site, browser });
    return { mixed: true };
  } finally {
    await end();
  }
}

/** The dashboard is published anew while a tab is open: said when the line to the server was made anew. */
async function anew(asked, { site, api, browser }) {
  const { context, page, violations } = await tab(browser);
  await page.goto(home);
  await logIn(page, asked);
  const lose = () => api.streams.forEach((stream) => stream.destroy());
  const asksAgain = () => page.waitForResponse((answer) => answer.url().endsWith("/health.json"));
  // The control: a server that was only restarted is no news.
  const asked1 = asksAgain();
  lose();
  await asked1;
  await page.waitForTimeout(500);
  assert.equal(await page.locator(".notice").count(), 0);
  const other = { ...JSON.parse(readFileSync(path.join(asked.dist, "health.json"), "utf8")), build: "0123456789ab" };
  site.instead.set("/health.json", JSON.stringify(other));
  const asked2 = asksAgain();
  lose();
  await asked2;
  await notice(page, "published").waitFor();
  await look(page, asked.pictures, "notice-published");
  site.instead.clear();
  await notice(page, "published").getByRole("button", { name: "Recharger" }).click();
  await page.getByText("En direct").first().waitFor();
  assert.equal(await page.locator(".notice").count(), 0);
  assert.deepEqual(violations, []);
  // What the policy forbids is said by name.
  await page.evaluate(() => fetch("https://ailleurs.example/objet").catch(() => undefined));
  await notice(page, "blocked").waitFor();
  assert.match(await notice(page, "blocked").innerText(), /https:\/\/ailleurs\.example.*NG_APP_STORAGE_URL.*7\.3/s);
  await look(page, asked.pictures, "notice-blocked");
  await context.close();
}

/** A dashboard of the version before works, and says what it is. */
async function older(asked, { site, browser }) {
  site.dist = asked.older;
  for (const view of [{}, { viewport: { width: 390, height: 844 }, colorScheme: "dark" }]) {
    const { context, page, errors } = await tab(browser, view);
    await page.goto(home);
    await logIn(page, asked);
    await notice(page, "server").waitFor();
    assert.match((await notice(page, "server").innerText()).replace(/\s+/g, " "), /0[.]0[.]9.*0[.]1[.]0.*étape 7/);
    await look(page, asked.pictures, `notice-server-${view.viewport?.width ?? 1280}`);
    for (const at of ["sites", "groups", "content", "deployments", "admin/users"]) {
      await page.goto(home + at);
      await page.locator("main h1").filter({ hasText: /\p{L}{3}/u }).waitFor();
      assert.equal(await page.locator("main .failed").count(), 0, at);
    }
    await notice(page, "server").getByRole("button", { name: "Plus tard" }).click();
    await page.reload();
    await page.getByText("En direct").first().waitFor();
    await page.waitForTimeout(1_000);
    assert.equal(await page.locator(".notice").count(), 0, "what was heard is not said again");
    assert.deepEqual(errors, []);
    await context.close();
  }
  site.dist = asked.dist;
}

/** The line is lost at 62 % of a file: what happened is said, the file stays chosen, one press sends it again. */
export async function upload(asked) {
  const { api, browser, end } = await world(asked);
  try {
    const { page, violations } = await tab(browser);
    await page.goto(`${home}content`);
    await logIn(page, asked);
    api.cut = 0.62;
    await page.locator("input[type=file]").first().setInputFiles(asked.file);
    const row = page.locator("li.upload");
    await page.locator("li.upload[data-phase=waiting]").getByText(/La connexion a coupé à \d+\s%/).waitFor();
    await look(page, asked.pictures, "upload-cut");
    const title = await row.locator("b").innerText();
    assert.deepEqual(await kept(asked), [], "nothing is in the library");
    // It tries again by itself, and fails again, as long as the line is bad. The fifth pause is of twenty seconds: what is
    // sent within them is sent by the press.
    while (api.cuts < 5) await page.waitForTimeout(100);
    const cutAt = Date.now();
    api.cut = undefined;
    await page.locator("li.upload[data-phase=waiting]").waitFor();
    await row.getByRole("button", { name: "Reprendre" }).click();
    await page.locator("li.upload:is([data-phase=sending], [data-phase=checking], [data-phase=done])").waitFor();
    assert.ok(Date.now() - cutAt < 19_000, "the press sends it, not the end of the pause");
    await page.locator("li.upload[data-phase=done]").waitFor();
    assert.equal(await row.locator("b").innerText(), title);
    assert.equal((await kept(asked)).length, 1);
    await look(page, asked.pictures, "upload-sent");
    assert.deepEqual(violations, []);
    return { cuts: api.cuts };
  } finally {
    await end();
  }
}

/** The library, as a program sees it. */
async function kept({ port, email, password }) {
  const at = `http://127.0.0.1:${port}`;
  const headers = { "content-type": "application/json" };
  const begun = await fetch(`${at}/api/auth/login`, { method: "POST", headers, body: JSON.stringify({ email, password }) });
  const { token } = await begun.json();
  const answer = await fetch(`${at}/api/videos?page=1&limit=5`, { headers: { authorization: `Bearer ${token}` } });
  return (await answer.json()).data;
}
