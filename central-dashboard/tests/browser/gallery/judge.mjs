// What is wrong with what is on the screen: found by axe, and by what a page in a state and a language has to show.

import { readFileSync, readdirSync } from "node:fs";
import path from "node:path";
import { LANGUAGES } from "./pages.mjs";

const AXE = readFileSync(path.resolve("node_modules/axe-core/axe.min.js"), "utf8");

/** All words of a language, as the dashboard itself gathers them. */
function catalog(language) {
  const words = {};
  for (const entry of readdirSync("src", { withFileTypes: true, recursive: true })) {
    if (!entry.isFile() || entry.name !== `${language}.json`) continue;
    Object.assign(words, JSON.parse(readFileSync(path.join(entry.parentPath ?? entry.path, entry.name), "utf8")));
  }
  return words;
}

const WORDS = Object.fromEntries(LANGUAGES.map((language) => [language, catalog(language)]));
const KEYS = new Set(Object.keys(WORDS.fr));

/** Spaces of all kinds are one. */
const plain = (text) => text.replace(/\s+/g, " ").trim();

/** What a message says whatever its values are, in pieces of more than three words. */
function pieces(message) {
  const literal = message.replace(/<[^>]*>/g, "").split(/[{}]/);
  return literal.map(plain).filter((piece) => piece.split(" ").length > 3 && /\p{Ll}/u.test(piece));
}

/** French sentences that no other language says in the same words. */
const FRENCH = [...new Set(Object.values(WORDS.fr).flatMap(pieces))].filter(
  (piece) => ![WORDS.en, WORDS.es].some((words) => Object.values(words).some((message) => plain(message).includes(piece))),
);

/** What is read of the page at once. */
function read() {
  const main = document.querySelector("main");
  const cut = (one) =>
    one.clientWidth > 0 && one.scrollWidth > one.clientWidth + 1 && getComputedStyle(one).overflowX === "hidden";
  // What one can press has to be there whole, not behind the edge of what it stands in.
  const edge = (one) => {
    for (let at = one.parentElement; at && at !== document.body; at = at.parentElement) {
      const { overflowX, textOverflow } = getComputedStyle(at);
      // The end of a long name may be missing.
      if (overflowX !== "visible" && textOverflow !== "ellipsis") return at.getBoundingClientRect().right;
    }
    return innerWidth;
  };
  // A strip of filters is swiped.
  const hidden = (one) => one.checkVisibility() && !one.closest(".filters") && one.getBoundingClientRect().right > edge(one) + 2;
  // An ellipsis may take the end of a name, not most of it. What is longer than any name is said in full elsewhere.
  const crushed = (one) => {
    const { overflowX, textOverflow } = getComputedStyle(one);
    const isName = textOverflow === "ellipsis" && overflowX === "hidden" && one.innerText.length < 45;
    return isName && one.clientWidth > 1 && one.clientWidth < one.scrollWidth * 0.55;
  };
  // On a phone everything that can be pressed can be pressed with a thumb: it is met 21 px around its middle.
  const met = (one, x, y) => {
    const at = document.elementFromPoint(x, y);
    return at !== null && (one.contains(at) || (one.closest("label, tr.open")?.contains(at) ?? false));
  };
  const small = (one) => {
    const { left, right, top, bottom } = (one.closest("label") ?? one).getBoundingClientRect();
    const [x, y] = [(left + right) / 2, (top + bottom) / 2];
    // What is off the screen or under the bar at its edge is scrolled to.
    if (innerWidth >= 720 || x < 22 || y < 80 || y > innerHeight - 80 || !met(one, x, y)) return false;
    const reach = (dx, dy) => Array.from({ length: 21 }, (_, by) => by + 1).filter((by) => met(one, x + dx * by, y + dy * by)).length;
    return reach(0, -1) + reach(0, 1) < 42 || reach(-1, 0) + reach(1, 0) < 42;
  };
  const named = "h1, h2, button, .btn, th, label, .chip";
  return {
    text: document.body.innerText,
    main: main?.innerText ?? "",
    h1: [...document.querySelectorAll("h1")].map((one) => one.innerText.trim()),
    lang: document.documentElement.lang,
    theme: document.documentElement.dataset.mantineColorScheme,
    wide: document.documentElement.scrollWidth - innerWidth,
    waits: document.querySelectorAll(".skeleton, .waiting").length,
    cut: [...document.querySelectorAll(named)].filter(cut).map((one) => one.innerText.trim()),
    crushed: [...document.querySelectorAll("body *")].filter(crushed).map((one) => one.innerText.trim()),
    hidden: [...document.querySelectorAll("main a, main button, main input, main select")].filter(hidden).map((one) => one.innerText.trim() || one.ariaLabel || one.className),
    small: [...document.querySelectorAll("main :is(a, button, input, select, summary)")]
      .filter((one) => one.checkVisibility() && small(one))
      .map((one) => one.innerText.trim() || one.ariaLabel || one.className),
    blank: [...document.images].filter((one) => one.complete && one.naturalWidth === 0).map((one) => one.src),
  };
}

/** What a page of this state has to show, and does not. */
function missing({ state, page, language }, seen, shows) {
  const says = WORDS[language];
  const found = [];
  const main = plain(seen.main);
  const expect = (holds, fault) => holds || found.push(fault);
  expect(seen.h1.length === 1 && seen.h1[0] !== "", `it has ${seen.h1.length} headings: ${seen.h1.join(" | ")}`);
  expect(main.length > (state === "loading" ? 5 : 20), "it shows nothing");
  expect(seen.lang === language, `its language is ${seen.lang}`);
  if (state === "loading") expect(seen.waits > 0, "it does not show that it loads");
  else expect(seen.waits === 0, "it still loads");
  if (state === "error") expect(main.includes(says["ui.retry"]), "it offers no other try");
  if (state === "forbidden") expect(main.includes(plain(says["forbidden.title"])), "it does not say that it is forbidden");
  if (["seeded", "viewer"].includes(state) && page.shows) {
    expect(shows[page.shows].some((name) => main.includes(plain(name))), `it shows none of ${page.shows}`);
  }
  if (state === "gone" || state === "filtered") {
    const names = Object.values(shows).flat();
    expect(!names.some((name) => main.includes(plain(name))), "it shows what is not there");
  }
  return found;
}

/** What axe finds. */
async function violations(page) {
  if (!(await page.evaluate(() => "axe" in window))) await page.evaluate(AXE);
  const { violations } = await page.evaluate(() =>
    window.axe.run(document, { resultTypes: ["violations"], rules: { "target-size": { enabled: true } } }),
  );
  const where = (nodes) => nodes.map((node) => node.target.join(" ")).slice(0, 3).join(" | ");
  return violations.map(({ id, nodes }) => `axe ${id}: ${where(nodes)}`);
}

/** What can be found without axe. */
async function plainFaults(page, one, shows) {
  const seen = await page.evaluate(read);
  const found = missing(one, seen, shows);
  const text = plain(seen.text);
  for (const word of text.split(/[\s()«»"“”,;:]+/)) if (KEYS.has(word)) found.push(`the key ${word} is on the screen`);
  if (one.language !== "fr") {
    for (const piece of FRENCH) if (text.includes(piece)) found.push(`it says "${piece}" in ${one.language}`);
  }
  if (seen.theme !== one.theme) found.push(`its theme is ${seen.theme}`);
  if (seen.wide > 0) found.push(`it scrolls sideways by ${seen.wide} px`);
  for (const words of seen.cut) found.push(`it cuts off "${words}"`);
  for (const words of seen.crushed.slice(0, 3)) found.push(`it leaves little of "${words}"`);
  for (const words of seen.hidden) found.push(`an edge hides "${words}"`);
  for (const words of new Set(seen.small)) found.push(`a thumb misses "${words}"`);
  for (const address of seen.blank) found.push(`a picture does not come: ${address}`);
  return found;
}

/** Everything that is wrong with a picture. */
export async function judge(page, one, shows) {
  return [...(await plainFaults(page, one, shows)), ...(await violations(page))];
}

/** What a reader cannot make out who has colours of his own: grounds and shadows are gone then. */
export async function vanished(page) {
  return page.evaluate(() => {
    const all = (selector) => [...document.querySelectorAll(selector)].filter((one) => one.checkVisibility());
    const name = (one) => one.innerText.trim().split("\n")[0] || one.ariaLabel || one.className;
    const ground = getComputedStyle(document.body).backgroundColor;
    const flat = all(".side nav a.on, .btn.pri:not(:disabled, [aria-disabled=true])").filter((one) => getComputedStyle(one).backgroundColor === ground);
    const bare = all(".card, .btn, .find, .search-field, .order-select, .option").filter((one) => getComputedStyle(one).borderTopWidth === "0px");
    // One's own account is reached from the name at the menu's foot, and is no place in it.
    const here = document.querySelector(".side nav a.on") || location.pathname === "/profile" ? [] : ["no place in the menu is marked"];
    return [...here, ...flat.map((one) => `"${name(one)}" looks like the others`), ...bare.map((one) => `"${name(one)}" has no edge`)];
  });
}

/** Faults that are put into a sound page, each with what has to be said of it. */
const PLANTED = [
  [/axe button-name/, () => document.querySelector("main").append(document.createElement("button"))],
  [/axe color-contrast/, () => document.querySelector("main").insertAdjacentHTML("afterbegin", '<p class="planted">Texte pâle</p>')],
  [/scrolls sideways/, () => document.querySelector("main").insertAdjacentHTML("afterbegin", '<p class="planted-wide">-</p>')],
  [/the key ui\.retry is/, () => document.querySelector("main").append(" ui.retry ")],
  [/it says "/, (piece) => document.querySelector("main").append(piece)],
  [/it cuts off/, () => document.querySelector("main").insertAdjacentHTML("afterbegin", '<button class="planted-cut">Envoyer aux clubs</button>')],
  [/it leaves little/, () => document.querySelector("main").insertAdjacentHTML("afterbegin", '<p class="planted-little">Handball Les Korrigans de Vitré</p>')],
  [/an edge hides/, () => document.querySelector("main").insertAdjacentHTML("afterbegin", '<div class="planted-edge"><p><button>Envoyer</button></p></div>')],
  [/a thumb misses/, () => document.querySelector("main").insertAdjacentHTML("afterbegin", '<p><button class="planted-small">Voir les clubs</button></p>')],
  [/its language is/, () => (document.documentElement.lang = "de")],
  [/it still loads/, () => document.querySelector("main").insertAdjacentHTML("beforeend", '<div class="skeleton"></div>')],
  [/it shows nothing/, () => document.querySelector("main").replaceChildren()],
  [/it has 0 headings/, () => document.querySelector("main").replaceChildren()],
  [/it shows none of/, () => document.querySelector("main").replaceChildren()],
];

const PLANTED_CSS = `
.planted{color:#ccc;background:#ddd}
.planted-wide{width:3000px}
.planted-little{width:60px;overflow:hidden;white-space:nowrap;text-overflow:ellipsis}
.planted-edge{width:90px;overflow:auto}
.planted-edge p{padding-left:60px;width:300px}
.planted-small{height:20px;margin:40px 0}
.planted-cut{width:30px;overflow:hidden;white-space:nowrap;padding:0}`;

/** Whether the judge is awake: every planted fault that it does not find. `fresh` opens the same sound page again. */
export async function overlooked(fresh, one, shows) {
  const missed = [];
  for (const [finds, plant] of PLANTED) {
    const page = await fresh();
    // Thumbs are on phones.
    if (String(finds).includes("thumb")) await page.setViewportSize({ width: 390, height: 900 });
    const look = String(finds).includes("axe") ? () => violations(page) : () => plainFaults(page, one, shows);
    const before = await look();
    await page.evaluate((css) => {
      const style = new CSSStyleSheet();
      style.replaceSync(css);
      document.adoptedStyleSheets.push(style);
    }, PLANTED_CSS);
    await page.evaluate(plant, FRENCH[0]);
    const after = await look();
    if (before.some((fault) => finds.test(fault)) || !after.some((fault) => finds.test(fault))) missed.push(String(finds));
    await page.close();
  }
  return missed;
}
