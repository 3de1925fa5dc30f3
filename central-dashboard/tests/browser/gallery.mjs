// Every page in every state, theme, width and language, as pictures with a page to look through them; each is judged.
//
//   node gallery.mjs '{"chromium", "address", "accounts", "folder", "places", "shows", "states", "whole", "seed"}'
//
// `accounts` has who logs in: {"staff": {email, password}, "viewer": …}; `places` says which ids stand for $site,
// $group, …; `shows` what has to be read on seeded pages; `states` which states the server is in or can be made to
// look like; without `whole` a slice is taken, chosen by `seed`.

import { mkdirSync } from "node:fs";
import path from "node:path";
import { chromium } from "playwright-core";
import { judge, overlooked, vanished } from "./gallery/judge.mjs";
import { LOCALES, PAGES, address, look, wanted } from "./gallery/pages.mjs";
import { sheet } from "./gallery/sheet.mjs";

const asked = JSON.parse(process.argv[2]);
/** Longer pages go on like this. */
const TALLEST = 1800;

/** Makes the server look as it does in a state that does not last. */
async function disguise(context, state) {
  if (state !== "loading" && state !== "error") return;
  const body = JSON.stringify({ error: "Le service est indisponible pour un moment.", code: "unavailable", request_id: "4f1c-77a0" });
  await context.route(/\/api\//, (route) => {
    if (/\/api\/(auth|events)/.test(route.request().url())) return route.continue();
    // An answer that never comes is a request that is left alone.
    return state === "error" ? route.fulfill({ status: 503, contentType: "application/json", body }) : undefined;
  });
}

async function logIn(browser, { email, password }) {
  const context = await browser.newContext();
  const page = await context.newPage();
  await page.goto(`${asked.address}/login`);
  await page.locator("input[type=email]").fill(email);
  await page.locator("input[type=password]").fill(password);
  await page.keyboard.press("Enter");
  await page.waitForURL((url) => !url.pathname.startsWith("/login"));
  const state = await context.storageState();
  await context.close();
  return { ...state, origins: [] };
}

/** A browser of its own for each state, theme, width and language. */
async function contextFor(browser, sessions, { state, theme, width, language, page }, forcedColors = "none") {
  const session = page.out ? undefined : sessions[["forbidden", "viewer"].includes(state) ? "viewer" : "staff"];
  const context = await browser.newContext({
    viewport: { width, height: width < 500 ? 780 : 900 },
    colorScheme: theme,
    locale: LOCALES[language],
    reducedMotion: "reduce",
    forcedColors,
    serviceWorkers: "block",
    ...(session ? { storageState: session } : {}),
  });
  await context.addInitScript(
    ([theme, language]) => {
      localStorage.setItem("neopro.theme", theme);
      localStorage.setItem("neopro.language", language);
    },
    [theme, language],
  );
  await disguise(context, state);
  return context;
}

/** Waits until nothing moves any more. What is still loading then is a fault, except where that is the state. */
async function settle(page, state) {
  await page.waitForLoadState("load");
  await page.locator("h1").first().waitFor({ timeout: 15_000 });
  if (state === "loading") {
    await page.waitForTimeout(400);
  } else {
    const still = () => document.querySelectorAll("[aria-busy=true], .skeleton, .waiting").length === 0;
    // The judge says what still loads.
    await page.waitForFunction(still, undefined, { timeout: 20_000 }).catch(() => undefined);
  }
  await page.evaluate(() => document.fonts.ready);
  const { width } = page.viewportSize();
  const tall = await page.evaluate(() => document.documentElement.scrollHeight);
  await page.setViewportSize({ width, height: Math.min(Math.max(tall, page.viewportSize().height), TALLEST) });
  await page.waitForTimeout(200);
  // The first picture after a change of size may show the old one.
  await page.screenshot({ type: "jpeg", clip: { x: 0, y: 0, width: 8, height: 8 } });
}

/** Opens what is to be looked at; `faults` are the errors of its own. */
async function open(context, one) {
  const page = await context.newPage();
  const faults = [];
  page.on("pageerror", (error) => faults.push(`error: ${error.message}`));
  page.on("console", (message) => {
    if (message.type() === "error" && !/Failed to load resource/.test(message.text())) faults.push(`console: ${message.text()}`);
  });
  await page.goto(asked.address + address(one.page, one.state, asked.places), { waitUntil: "commit" });
  await settle(page, one.state).catch((error) => faults.push(`it does not settle: ${error.message.split("\n")[0]}`));
  return { page, faults };
}

async function take(context, one) {
  const { page, faults } = await open(context, one);
  const name = `${one.page.name}-${one.state}-${one.theme}-${one.width}-${one.language}.jpg`;
  await page.screenshot({ path: path.join(asked.folder, name), type: "jpeg", quality: 80 });
  faults.push(...(await judge(page, one, asked.shows)));
  await page.close();
  return { ...one, page: one.page.name, name, faults };
}

/** A page where the system's own colours replace ours. */
async function inOwnColours(browser, sessions, page) {
  const one = { state: "seeded", theme: "dark", width: 1440, language: "fr", page };
  const context = await contextFor(browser, sessions, one, "active");
  const { page: seen, faults } = await open(context, one);
  const name = `${page.name}-own-colours.jpg`;
  await seen.screenshot({ path: path.join(asked.folder, name), type: "jpeg", quality: 80 });
  faults.push(...(await vanished(seen)));
  await context.close();
  return { ...one, page: page.name, name, faults };
}

/** So that few browsers are opened: the pictures of each. */
function together(pictures) {
  const all = new Map();
  for (const one of pictures) all.set(look(one), [...(all.get(look(one)) ?? []), one]);
  return all.values();
}

mkdirSync(asked.folder, { recursive: true });
const browser = await chromium.launch({
  executablePath: asked.chromium,
  args: ["--no-sandbox", "--disable-gpu", "--disable-background-networking"],
});
try {
  const sessions = {};
  for (const [name, account] of Object.entries(asked.accounts)) sessions[name] = await logIn(browser, account);

  const keep = sheet(asked.folder);
  const taken = [];
  for (const some of together(wanted(asked.states, asked.whole, asked.seed))) {
    const context = await contextFor(browser, sessions, some[0]);
    // One waits while another one is drawn.
    const next = some.values();
    const hand = async () => {
      for (const one of next) taken.push(await take(context, one));
    };
    await Promise.all([hand(), hand()]);
    await context.close();
    keep(taken);
  }

  let missed = [];
  if (asked.states.includes("seeded")) {
    for (const page of PAGES.filter(({ still, twin }) => !still && !twin)) taken.push(await inOwnColours(browser, sessions, page));
    keep(taken);
    const sites = PAGES.find(({ name }) => name === "sites");
    const one = { state: "seeded", theme: "light", width: 1440, language: "es", page: sites };
    const context = await contextFor(browser, sessions, one);
    missed = await overlooked(async () => (await open(context, one)).page, one, asked.shows);
  }
  const faulty = taken.filter(({ faults }) => faults.length > 0).map(({ name, faults }) => ({ name, faults }));
  console.log(JSON.stringify({ taken: taken.length, faulty, missed }));
} finally {
  await browser.close();
}
