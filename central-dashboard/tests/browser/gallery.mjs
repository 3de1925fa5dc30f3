// Every page in every theme, width, language and state, as pictures with a page to look through them; each is held
// against axe, against scrolling sideways, against words that are keys, and against errors of its own.
//
//   node gallery.mjs '{"chromium", "address", "email", "password", "folder", "places", "states", "share", "seed"}'
//
// `places` says which ids stand for $site, $group, $video, $deployment; `states` which states the server is in or can
// be made to look like; `share` which part of all pictures is taken (1 is all), chosen by `seed`.

import { mkdirSync, readFileSync, readdirSync, writeFileSync } from "node:fs";
import path from "node:path";
import { chromium } from "playwright-core";

const asked = JSON.parse(process.argv[2]);
const LANGUAGES = ["fr", "en", "es"];
const THEMES = ["light", "dark"];
const WIDTHS = [360, 834, 1440];

/** What is looked at. `lists` are pages that are empty on a new server; `writes` those that a viewer may not open. */
const PAGES = [
  { name: "login", at: "/login", out: true },
  { name: "parc", at: "/dashboard", lists: true },
  { name: "sites", at: "/sites", lists: true },
  { name: "ajouter-un-club", at: "/sites/new", writes: true },
  { name: "site", at: "/sites/$site/apercu" },
  { name: "groupes", at: "/groups", lists: true },
  { name: "groupe", at: "/groups/$group" },
  { name: "videotheque", at: "/content", lists: true },
  { name: "video", at: "/content/$video" },
  { name: "envoi", at: "/send?videos=$video&groups=$group", writes: true },
  { name: "deploiements", at: "/deployments", lists: true },
  { name: "deploiement", at: "/deployments/$deployment" },
  { name: "interdit", at: "/forbidden" },
  { name: "introuvable", at: "/nothing-is-here" },
];

/** Which pages are looked at in a state. */
const IN_STATE = {
  seeded: () => true,
  empty: (page) => page.lists,
  loading: (page) => !page.out && page.at.length > 1 && !["interdit", "introuvable"].includes(page.name),
  error: (page) => !page.out && !["interdit", "introuvable", "ajouter-un-club"].includes(page.name),
  forbidden: (page) => page.writes,
  gone: (page) => page.at.includes("$") && !page.writes,
};

/** A generator of which the same seed gives the same pictures. */
function random(seed) {
  let state = seed >>> 0 || 1;
  return () => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return (state >>> 0) / 2 ** 32;
  };
}

/** Every key of the catalogs, so that none is on a screen. */
function catalogKeys(folder) {
  const keys = new Set();
  for (const entry of readdirSync(folder, { withFileTypes: true, recursive: true })) {
    if (!entry.isFile() || entry.name !== "fr.json") continue;
    const words = JSON.parse(readFileSync(path.join(entry.parentPath ?? entry.path, entry.name), "utf8"));
    Object.keys(words).forEach((key) => keys.add(key));
  }
  return keys;
}

const KEYS = catalogKeys(path.resolve("src"));
const AXE = readFileSync(path.resolve("node_modules/axe-core/axe.min.js"), "utf8");
const NOBODY = "01a2140d-1e46-777d-ae1d-fcbbe9c1485a";

/** The address of a page, with ids in it. */
function address(page, state) {
  return page.at.replace(/\$(\w+)/g, (_, word) => (state === "gone" ? NOBODY : asked.places[word]));
}

/** Makes the server look as it does in a state that does not last. */
async function disguise(context, state) {
  const isOpen = (url) => /\/api\/auth\//.test(url);
  if (state === "loading") {
    await context.route(/\/api\//, (route) => (isOpen(route.request().url()) ? route.continue() : undefined));
  }
  if (state === "error") {
    const body = JSON.stringify({ error: "Le service est indisponible pour un moment.", code: "unavailable", request_id: "4f1c-77a0" });
    await context.route(/\/api\//, (route) =>
      isOpen(route.request().url()) || /\/api\/events/.test(route.request().url())
        ? route.continue()
        : route.fulfill({ status: 503, contentType: "application/json", body }),
    );
  }
}

async function logIn(page) {
  await page.goto(`${asked.address}/login`);
  await page.locator("input[type=email]").fill(asked.email);
  await page.locator("input[type=password]").fill(asked.password);
  await page.keyboard.press("Enter");
  await page.waitForURL((url) => !url.pathname.startsWith("/login"));
}

/** Waits until nothing moves any more: what is still loading then is a fault, except where that is the state. */
async function settle(page, state) {
  if (state === "loading") return page.waitForTimeout(700);
  await page.waitForLoadState("load");
  await page.locator("h1").first().waitFor({ timeout: 15_000 });
  await page
    .waitForFunction(() => document.querySelectorAll("[aria-busy=true], .skeleton").length === 0, undefined, { timeout: 20_000 })
    .catch(() => undefined);
  await page.evaluate(() => document.fonts.ready);
  await page.waitForTimeout(250);
}

/** What is wrong with what is on the screen. */
async function judge(page, faults) {
  const text = await page.evaluate(() => document.body.innerText);
  const found = [...faults];
  for (const word of text.split(/[\s()«»"“”,;:]+/)) if (KEYS.has(word)) found.push(`the key ${word} is on the screen`);
  const wide = await page.evaluate(() => document.documentElement.scrollWidth - window.innerWidth);
  if (wide > 0) found.push(`it scrolls sideways by ${wide} px`);
  await page.evaluate(AXE);
  const { violations } = await page.evaluate(() => window.axe.run(document, { resultTypes: ["violations"] }));
  for (const { id, nodes } of violations) found.push(`axe ${id}: ${nodes.map((node) => node.target.join(" ")).slice(0, 3).join(" | ")}`);
  return found;
}

/** Every picture that is wanted, in an order that needs few browsers. */
function wanted() {
  const chance = random(asked.seed);
  const all = [];
  for (const state of asked.states)
    for (const theme of THEMES)
      for (const width of WIDTHS)
        for (const language of LANGUAGES)
          for (const page of PAGES.filter(IN_STATE[state])) all.push({ state, theme, width, language, page });
  // A slice has every page in every state at least once: its theme, width and language are drawn.
  if (asked.share >= 1) return all;
  const groups = Map.groupBy ? Map.groupBy(all, (one) => `${one.state} ${one.page.name}`) : group(all);
  return [...groups.values()].map((same) => same[Math.floor(chance() * same.length)]);
}

function group(all) {
  const groups = new Map();
  for (const one of all) {
    const key = `${one.state} ${one.page.name}`;
    groups.set(key, [...(groups.get(key) ?? []), one]);
  }
  return groups;
}

const browser = await chromium.launch({
  executablePath: asked.chromium,
  args: ["--no-sandbox", "--disable-gpu", "--disable-background-networking"],
});
mkdirSync(asked.folder, { recursive: true });
const taken = [];
const contexts = new Map();

/** A browser of its own for each state, theme, width and language. */
async function contextFor({ state, theme, width, language, page }) {
  const key = [state, theme, width, language, page.out ?? false].join(" ");
  if (!contexts.has(key)) {
    for (const open of contexts.values()) await open.close();
    contexts.clear();
    const context = await browser.newContext({
      viewport: { width, height: width < 500 ? 780 : 900 },
      colorScheme: theme,
      locale: { fr: "fr-FR", en: "en-GB", es: "es-ES" }[language],
      reducedMotion: "reduce",
      serviceWorkers: "block",
    });
    await context.addInitScript(
      ([theme, language]) => {
        localStorage.setItem("neopro.theme", theme);
        localStorage.setItem("neopro.language", language);
      },
      [theme, language],
    );
    if (!page.out) {
      const door = await context.newPage();
      await logIn(door);
      await door.close();
    }
    await disguise(context, state);
    contexts.set(key, context);
  }
  return contexts.get(key);
}

const byContext = (one) => [one.state, one.theme, one.width, one.language, one.page.out ?? false].join(" ");
for (const one of wanted().sort((left, right) => byContext(left).localeCompare(byContext(right)))) {
  const context = await contextFor(one);
  const page = await context.newPage();
  const faults = [];
  page.on("pageerror", (error) => faults.push(`error: ${error.message}`));
  page.on("console", (message) => {
    if (message.type() === "error" && !/Failed to load resource/.test(message.text())) faults.push(`console: ${message.text()}`);
  });
  await page.goto(asked.address + address(one.page, one.state), { waitUntil: "commit" });
  await settle(page, one.state).catch((error) => faults.push(`it does not settle: ${error.message.split("\n")[0]}`));
  const name = `${one.state}-${one.page.name}-${one.theme}-${one.width}-${one.language}.jpg`;
  await page.screenshot({ path: path.join(asked.folder, name), type: "jpeg", quality: 80, fullPage: true });
  taken.push({ ...one, page: one.page.name, name, faults: await judge(page, faults) });
  await page.close();
}
await browser.close();

const list = path.join(asked.folder, "pictures.json");
let before = [];
try {
  before = JSON.parse(readFileSync(list, "utf8"));
} catch {
  // The first states of this gallery.
}
const pictures = [...before, ...taken];
writeFileSync(list, JSON.stringify(pictures));
const escape = (text) => text.replace(/[&<>"]/g, (sign) => `&#${sign.charCodeAt(0)};`);
const figure = ({ name, faults }) =>
  `<figure><a href="${name}"><img loading="lazy" src="${name}" alt=""></a><figcaption>${name}` +
  faults.map((fault) => `<br><b>${escape(fault)}</b>`).join("") + "</figcaption></figure>";
writeFileSync(
  path.join(asked.folder, "index.html"),
  `<!doctype html><html lang="fr"><meta charset="utf-8"><title>NeoPro</title><style>
body{font:14px system-ui;margin:24px;background:#e5e7f1}main{display:flex;flex-wrap:wrap;gap:16px;align-items:flex-start}
figure{margin:0;width:300px}img{width:100%;max-height:420px;object-fit:cover;object-position:top;border-radius:8px}b{color:#a8241c}
</style><h1>${pictures.length} images</h1><main>${pictures.map(figure).join("")}</main></html>`,
);
const faulty = taken.filter(({ faults }) => faults.length > 0).map(({ name, faults }) => ({ name, faults }));
console.log(JSON.stringify({ taken: taken.length, faulty }));
