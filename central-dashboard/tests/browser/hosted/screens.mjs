// Each way in which a dashboard that is hosted apart does not find its server has a screen that says so.

import assert from "node:assert/strict";
import { look, VIEWS } from "./look.mjs";
import { API, logIn, PAGES, tab, UNLISTED, world } from "./world.mjs";

const home = (host) => `https://${host}/`;
const found = (page, kind, timeout = 40_000) => page.locator(`main.away[data-found=${kind}]`).waitFor({ timeout });

/** What each screen says, by its beginning in the three languages. */
const TITLES = {
  refused: ["Le serveur refuse l’adresse de cette page", "The server refuses the address of this page", "El servidor rechaza la dirección de esta página"],
  other: ["Ce n’est pas le serveur NeoPro qui répond", "It is not the NeoPro server that answers", "No es el servidor NeoPro quien responde"],
  asleep: ["Le serveur se réveille", "The server is waking up", "El servidor se está despertando"],
  silent: ["Aucun serveur ne répond à l’adresse configurée", "No server answers at the configured address", "Ningún servidor responde en la dirección configurada"],
  unset: ["L’adresse du serveur n’est pas configurée", "The server’s address is not configured", "La dirección del servidor no está configurada"],
  own: ["L’adresse configurée est celle de cette page", "The configured address is that of this page", "La dirección configurada es la de esta página"],
  mixed: ["Le navigateur bloque l’adresse du serveur", "The browser blocks the server’s address", "El navegador bloquea la dirección del servidor"],
};

/** The variable and the step that each names. */
const NAMES = {
  refused: [/ALLOWED_ORIGINS/, /7[.]6/],
  other: [/NG_APP_API_URL/, /7[.]3/, /6[.]7/],
  asleep: [/6[.]6/],
  silent: [/NG_APP_API_URL/, /7[.]3/, /6[.]6/],
  unset: [/NG_APP_API_URL/, /7[.]3/, /6[.]7/],
  own: [/NG_APP_API_URL/, /7[.]3/, /6[.]7/],
  mixed: [/https:\/\//, /NG_APP_API_URL/, /7[.]3/],
};

/** The first screen is looked at in every view, the others in the first one and in one more. */
const viewsOf = (kind) => {
  const at = Object.keys(TITLES).indexOf(kind);
  return at === 0 ? VIEWS : [VIEWS[0], VIEWS[1 + (at % (VIEWS.length - 1))]];
};

/** One screen: its words, what it names, and nothing else that is wrong with it. */
async function screen(asked, browser, kind, address) {
  for (const { name, ...view } of viewsOf(kind)) {
    const { context, page, violations, errors } = await tab(browser, view);
    await page.goto(address);
    await found(page, kind);
    const language = ["fr", "en", "es"].indexOf(name.slice(0, 2));
    assert.equal(await page.locator("h1").innerText(), TITLES[kind][language], `${kind} ${name}`);
    const said = (await page.locator("main").innerText()).replace(/\s+/g, " ");
    for (const part of NAMES[kind]) assert.match(said, part, `${kind} ${name}`);
    assert.ok(!/\{|away\./.test(said), said);
    await look(page, asked.pictures, `${kind}-${name}`);
    assert.deepEqual([violations, errors], [[], []], `${kind} ${name}`);
    await context.close();
  }
}

export async function screens(asked) {
  const { site, api, browser, end } = await world(asked);
  try {
    // The control: with everything right there is no such screen, and a deep link is the page that it names.
    const right = await tab(browser);
    await right.page.goto(`https://${PAGES}/sites`);
    await logIn(right.page, asked);
    assert.equal(new URL(right.page.url()).pathname, "/sites");
    await right.page.reload();
    await right.page.getByText("En direct").first().waitFor();
    assert.deepEqual([right.violations, right.errors], [[], []]);
    await right.context.close();

    const copied = await refusal(asked, browser);
    for (const mood of ["html", "nothing"]) {
      api.mood = mood;
      await screen(asked, browser, "other", home(PAGES));
    }
    api.mood = "dead";
    await screen(asked, browser, "silent", home(PAGES));
    await waking(asked, { api, browser });
    api.mood = "passes";
    site.dist = asked.unset;
    await screen(asked, browser, "unset", home(PAGES));
    // The same where the host has no rule and answers 404.
    site.rewrite = false;
    const bare = await tab(browser);
    await bare.page.goto(home(PAGES));
    await found(bare.page, "unset");
    assert.equal((await bare.page.goto(`https://${PAGES}/sites`)).status(), 404, "without the rule of step 7.4");
    site.rewrite = true;
    site.dist = asked.mixed;
    await screen(asked, browser, "mixed", home(PAGES));
    return { copied };
  } finally {
    await end();
  }
}

/** The one value that is missing, to be copied, and the control that it is the one that the server refuses. */
async function refusal(asked, browser) {
  await screen(asked, browser, "refused", home(UNLISTED));
  const { context, page } = await tab(browser, { permissions: ["clipboard-read", "clipboard-write"] });
  await page.goto(home(UNLISTED));
  await found(page, "refused");
  await page.locator(".away-line button").click();
  await page.getByText("Copié").waitFor();
  const copied = await page.evaluate(() => navigator.clipboard.readText());
  await context.close();
  return copied;
}

/** A server that sleeps: said while it does, and the page opens by itself once it is there. */
async function waking(asked, { api, browser }) {
  api.mood = "starting";
  await screen(asked, browser, "asleep", home(PAGES));
  // One that holds the line while it starts.
  api.mood = "hangs";
  const { context, page } = await tab(browser);
  await page.goto(home(PAGES));
  await page.getByRole("heading", { name: "Connexion au serveur…" }).waitFor({ timeout: 8_000 });
  await look(page, asked.pictures, "waking-fr-light-1280");
  await found(page, "asleep", 45_000);
  api.mood = "passes";
  await page.locator("input[type=email]").waitFor({ timeout: 20_000 });
  await context.close();
}

/** The build for a server's address, opened at that very address. */
export async function own(asked) {
  const { browser, end } = await world(asked, { own: true });
  try {
    await screen(asked, browser, "own", home(API));
    return { own: true };
  } finally {
    await end();
  }
}

/** After the copied value was added: the same page opens. */
export async function listed(asked) {
  const { browser, end } = await world(asked);
  try {
    const { page, violations } = await tab(browser);
    await page.goto(home(UNLISTED));
    await logIn(page, asked);
    assert.deepEqual(violations, []);
    return { listed: true };
  } finally {
    await end();
  }
}
