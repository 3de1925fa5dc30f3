// Who gets in, by the pages alone: accounts, agencies, the journal and the rules, as a super admin, as an admin, and as
// those who may see none of it.
//
//   node admin.mjs '{"chromium", "address", "email", "password", "club", "folder"}'
//
// `club` is the name of a club of the fleet; a picture of every step goes to `folder`.

import assert from "node:assert/strict";
import { mkdirSync, readFileSync } from "node:fs";
import path from "node:path";
import { chromium } from "playwright-core";
import { rulesOfAlerts } from "./admin/alert-rules.mjs";

const asked = JSON.parse(process.argv[2]);
const AXE = readFileSync(path.resolve("node_modules/axe-core/axe.min.js"), "utf8");
const OTHERS = { admin: "admin@club.fr", viewer: "lecture@club.fr", agency: "agence@club.fr" };
const SECRET = "Coup franc 11 m";
const ADMIN_PAGES = ["Utilisateurs", "Agences", "Journal d’audit", "Sécurité", "Réglages des alertes", "Stockage"];

const browser = await chromium.launch({
  executablePath: asked.chromium,
  args: ["--no-sandbox", "--disable-gpu", "--disable-background-networking"],
});
mkdirSync(asked.folder, { recursive: true });
const errors = [];
let step = 0;

/** A browser of somebody's own, logged in. */
async function as(email, password) {
  const context = await browser.newContext({ locale: "fr-FR", viewport: { width: 1280, height: 860 }, reducedMotion: "reduce", acceptDownloads: true });
  const page = await context.newPage();
  page.setDefaultTimeout(20_000);
  page.on("pageerror", (error) => errors.push(String(error)));
  await page.goto(`${asked.address}/login`);
  await page.locator("input[type=email]").fill(email);
  await page.locator("input[type=password]").fill(password);
  await page.keyboard.press("Enter");
  await page.waitForURL((url) => !url.pathname.startsWith("/login"));
  return page;
}

/** A picture, and what axe finds on it. */
async function look(page, name) {
  step += 1;
  await page.evaluate(() => document.fonts.ready);
  await page.screenshot({ path: path.join(asked.folder, `admin-${step}-${name}.png`) });
  if (!(await page.evaluate(() => "axe" in window))) await page.evaluate(AXE);
  const { violations } = await page.evaluate(() =>
    window.axe.run(document, { resultTypes: ["violations"], rules: { "target-size": { enabled: true } } }),
  );
  assert.deepEqual(violations.map(({ id, nodes }) => `${id}: ${nodes.map((node) => node.target.join(" ")).slice(0, 3)}`), [], name);
}

const button = (page, name) => page.getByRole("button", { name });
const said = (page, text) => page.locator(".toast").getByText(text).waitFor();
const heading = (page, name) => page.getByRole("heading", { level: 1, name }).waitFor();
const row = (page, name) => page.getByRole("row").filter({ hasText: name });
const menuOf = async (page) => (await page.locator(".side nav a").allInnerTexts()).map((text) => text.split("\n")[0].trim());

/** An act of the menu of a row. */
async function act(page, name, what) {
  await button(page, `Actions sur ${name}`).click();
  await page.getByRole("menuitem", { name: what }).click();
}

async function addPerson(page, name, email, role, agency) {
  await button(page, "Ajouter une personne").click();
  const form = page.getByRole("dialog");
  await form.getByLabel("Nom complet").fill(name);
  await form.getByLabel("Adresse e-mail").fill(email);
  await form.getByLabel("Rôle").selectOption(role);
  if (agency) await form.getByLabel("Agence", { exact: true }).selectOption({ label: agency });
  await form.getByText("Mot de passe fixé ici").click();
  await form.getByLabel("Nouveau mot de passe").fill(SECRET);
  await button(form, "Créer le compte").click();
  await said(page, `Le compte de ${name} est créé`);
}

/** An agency, its club, and somebody who logs in for it. */
async function agencies(page) {
  await page.getByRole("link", { name: "Agences", exact: true }).click();
  await heading(page, "Aucune agence");
  await button(page, "Créer une agence").first().click();
  const form = page.getByRole("dialog");
  await button(form, "Créer l’agence").click();
  await form.getByRole("link", { name: "Donnez un nom à l’agence." }).waitFor();
  await form.getByLabel("Nom", { exact: true }).fill("Agence Iroise");
  await form.getByLabel("Son adresse e-mail").fill("contact@iroise.example");
  await button(form, "Créer l’agence").click();
  await heading(page, "Agence Iroise");
  await page.getByText("Aucun club ne lui est confié", { exact: true }).waitFor();
  await button(page, "Confier des clubs").first().click();
  await page.getByRole("checkbox", { name: new RegExp(asked.club) }).click();
  // What opens within a dialog is within reach, and Escape closes it and not the dialog.
  await button(page.getByRole("dialog"), "Région").click();
  await page.getByRole("listbox", { name: "Région" }).waitFor();
  await page.keyboard.press("Escape");
  await page.getByRole("listbox", { name: "Région" }).waitFor({ state: "hidden" });
  await button(page, "Confier 1 club").click();
  await said(page, "1 club confié à l’agence");
  await row(page, asked.club).waitFor();
  await look(page, "agency");
  await button(page, `Retirer ${asked.club} à l’agence`).click();
  await said(page, "1 club retiré à l’agence");
  await page.getByText("Aucun club ne lui est confié", { exact: true }).waitFor();
  await page.locator(".toast").filter({ hasText: "retiré" }).getByRole("button", { name: "Annuler" }).click();
  await row(page, asked.club).waitFor();
}

/** Accounts are made, found by the address, suspended and taken back, and what is one's own stays as it is. */
async function users(page) {
  await page.getByRole("link", { name: "Utilisateurs" }).click();
  await heading(page, "1 compte");
  await addPerson(page, "Yann Kerbrat", OTHERS.admin, "admin");
  await addPerson(page, "Nolwenn Perrot", OTHERS.viewer, "viewer");
  await addPerson(page, "Soizic Morvan", OTHERS.agency, "agency", "Agence Iroise");
  await heading(page, "4 comptes");
  await look(page, "users");
  await page.getByRole("button", { name: "Actions sur A", exact: true }).click();
  const own = page.getByRole("menuitem", { name: /Supprimer le compte/ });
  assert.equal(await own.isDisabled(), true, "one's own account is not deleted");
  await own.getByText("Personne ne supprime son propre compte").waitFor();
  await look(page, "menu");
  await page.keyboard.press("Escape");

  await act(page, "Nolwenn Perrot", "Suspendre");
  await row(page, "Nolwenn Perrot").getByText("Suspendu").last().waitFor();
  await heading(page, "4 comptes, dont 1 suspendu");
  await page.locator(".toast").filter({ hasText: "est suspendu" }).getByRole("button", { name: "Annuler" }).click();
  await heading(page, "4 comptes");

  await page.goto(`${asked.address}/admin/users?role=agency`);
  await heading(page, "1 compte correspond à ces filtres");
  await row(page, "Soizic Morvan").getByText("Agence Iroise").waitFor();
  await page.goto(`${asked.address}/admin/users?search=kerbrat`);
  await act(page, "Yann Kerbrat", "Modifier le compte");
  await page.getByRole("dialog").getByLabel("Nom complet").fill("Yann Kerbrat-Le Bras");
  await button(page.getByRole("dialog"), "Enregistrer").click();
  await row(page, "Yann Kerbrat-Le Bras").waitFor();
}

/** Nobody is taken from the others without being named. */
async function deletions(page) {
  await page.goto(`${asked.address}/admin/agencies`);
  await heading(page, "1 agence");
  await act(page, "Agence Iroise", "Supprimer l’agence");
  const dialog = page.getByRole("dialog");
  await dialog.getByText("Soizic Morvan").waitFor();
  await look(page, "delete-agency");
  const go = button(dialog, "Supprimer et suspendre 1 compte");
  assert.equal(await go.isDisabled(), true, "its name has to be typed");
  await dialog.locator("input").fill("agence iroise");
  await go.click();
  await said(page, "L’agence Agence Iroise est supprimée");
  await page.goto(`${asked.address}/admin/users?status=suspended`);
  await row(page, "Soizic Morvan").waitFor();
  await act(page, "Soizic Morvan", "Supprimer le compte");
  await page.getByRole("dialog").locator("input").fill("Soizic Morvan");
  await button(page.getByRole("dialog"), "Supprimer le compte").click();
  await said(page, "Le compte de Soizic Morvan est supprimé");
}

/** What was done stands in the journal, in words, with what it was before. */
async function journal(page) {
  await page.goto(`${asked.address}/admin/audit?action=USER_UPDATED`);
  await page.getByRole("heading", { level: 1, name: /actions? correspond/ }).waitFor();
  // The newest comes first: the name that was changed; older ones are the suspension and the way back.
  const renamed = page.locator(".entry").filter({ hasText: OTHERS.admin }).first();
  await renamed.getByRole("button").click();
  const change = page.locator(".change");
  await change.getByText("Yann Kerbrat", { exact: true }).waitFor();
  await change.getByText("Yann Kerbrat-Le Bras").waitFor();
  await look(page, "audit");
  await button(page, "Tout de cette personne").click();
  await page.waitForURL(/userId=/);
  await page.goto(`${asked.address}/admin/audit`);
  // Entries are sealed every few seconds; the page shows them as they were when it asked.
  const sealed = page.locator(".entry").first().getByText("Scellée");
  for (let tries = 0; tries < 15 && !(await sealed.isVisible()); tries += 1) {
    await page.waitForTimeout(2000);
    await button(page, "Actualiser").click();
  }
  await sealed.waitFor();
  const [file] = await Promise.all([page.waitForEvent("download"), button(page, "Exporter").click()]);
  const text = readFileSync(await file.path(), "utf8");
  assert.ok(text.startsWith("\u{feff}"), "spreadsheets see that it is UTF-8");
  assert.match(text, /AGENCY_DELETED/);
}

/** A rule says whom it concerns before it is saved, and can be taken back. */
async function security(page) {
  await page.getByRole("link", { name: "Sécurité" }).click();
  await heading(page, "Aucun rôle n’exige la double authentification");
  await page.getByRole("checkbox", { name: /Lecture seule/ }).check();
  await page.getByText("À l’enregistrement, 1 personne aura 14 jours pour l’activer.").waitFor();
  await look(page, "security");
  await button(page, "Enregistrer la règle").click();
  await heading(page, "Double authentification exigée pour 1 rôle, 1 personne doit encore l’activer");
  await page.goto(`${asked.address}/admin/users?role=viewer`);
  await row(page, "Nolwenn Perrot").getByText("À activer").waitFor();
  await page.goto(`${asked.address}/admin/security`);
  await page.locator(".limits tbody tr").nth(3).waitFor();
  await page.getByRole("checkbox", { name: /Lecture seule/ }).uncheck();
  await button(page, "Enregistrer la règle").click();
  await heading(page, "Aucun rôle n’exige la double authentification");
}

/** From when on something is told: said in numbers, saved once, undone, and not lost to another tab or a lost line. */
async function alertRules(page) {
  await page.getByRole("link", { name: "Réglages des alertes" }).click();
  await rulesOfAlerts(page, { look, said, heading, button });
}

/** An admin sees who gets in, and that it is not his to change. */
async function readOnly(page) {
  assert.ok(ADMIN_PAGES.every((name) => page.menu.includes(name)));
  await page.goto(`${asked.address}/admin/users`);
  await page.getByText("seul un super-admin crée, modifie ou suspend un compte").waitFor();
  await row(page, "Nolwenn Perrot").waitFor();
  assert.equal(await button(page, "Ajouter une personne").count(), 0);
  assert.equal(await button(page, /^Actions sur/).count(), 0);
  assert.equal(await page.locator(".alone").count(), 0, "somebody rules");
  await look(page, "users-admin");
  await page.goto(`${asked.address}/admin/security`);
  await page.getByText("seul un super-admin change ces règles").waitFor();
  assert.equal(await page.getByRole("checkbox").count(), 0);
  await page.getByText("non exigée").first().waitFor();
  assert.equal(await button(page, "Enregistrer la règle").count(), 0);
  await page.goto(`${asked.address}/admin/alerts`);
  await page.getByText("seul un super-admin change ces réglages").waitFor();
  await heading(page, "Un boîtier est signalé après 5 minutes de silence");
  assert.equal(await page.locator("main :is(input, select)").count(), 0);
  await look(page, "alert-rules-admin");
  await page.goto(`${asked.address}/admin/storage`);
  await heading(page, "Le stockage a de la place");
  await page.getByText("sur le disque du serveur").waitFor();
  await look(page, "storage");
  assert.ok(!page.menu.includes("Diagnostic"));
  await page.goto(`${asked.address}/admin/doctor`);
  await page.waitForURL(/\/forbidden$/);
}

/** What is wrong with the installation, by what it is about, and only what is asked for. */
async function diagnosis(page) {
  await page.getByRole("link", { name: "Diagnostic" }).click();
  await heading(page, /erreur/i);
  const states = page.locator(".finding");
  await page.locator('[data-check="database.schema"][data-state="ok"]').waitFor();
  await look(page, "diagnosis");
  const all = await states.count();
  await page.goto(`${asked.address}/admin/doctor?state=not_checked`);
  await page.locator('[data-check="slack.webhook"]').waitFor();
  const some = await states.count();
  assert.ok(some > 0 && some < all, `${some} of ${all}`);
  assert.equal(await page.locator('.finding:not([data-state="not_checked"])').count(), 0);
}

/** What is not theirs is not in the menu, not behind its address, and not found by the palette. */
async function outside(page, sees) {
  assert.deepEqual(ADMIN_PAGES.filter((name) => page.menu.includes(name)), []);
  assert.equal(page.menu.includes("Sites"), sees);
  for (const at of ["users", "agencies", "audit", "security", "alerts", "storage", "doctor"]) {
    await page.goto(`${asked.address}/admin/${at}`);
    await page.waitForURL(/\/forbidden$/);
  }
  if (sees) return;
  await page.goto(`${asked.address}/sites`);
  await page.waitForURL(/\/forbidden$/);
  await page.getByRole("heading", { level: 1 }).waitFor();
  const searches = [];
  page.on("request", (request) => /\/api\/(sites|videos)/.test(request.url()) && searches.push(request.url()));
  await page.keyboard.press("Control+k");
  await page.getByRole("combobox").fill(asked.club);
  await page.getByText(/Rien|Aucun/).first().waitFor();
  assert.deepEqual(searches, []);
  await look(page, "agency-account");
}

const withMenu = async (page) => {
  await page.locator(".side").waitFor();
  page.menu = await menuOf(page);
  return page;
};

try {
  const page = await withMenu(await as(asked.email, asked.password));
  assert.ok(ADMIN_PAGES.every((name) => page.menu.includes(name)));
  await agencies(page);
  await users(page);
  await outside(await withMenu(await as(OTHERS.agency, SECRET)), false);
  await outside(await withMenu(await as(OTHERS.viewer, SECRET)), true);
  await readOnly(await withMenu(await as(OTHERS.admin, SECRET)));
  await security(page);
  await alertRules(page);
  await diagnosis(page);
  await deletions(page);
  await journal(page);
  assert.deepEqual(errors, []);
} catch (error) {
  for (const context of browser.contexts()) {
    for (const page of context.pages()) await page.screenshot({ path: path.join(asked.folder, `admin-failed-${(step += 1)}.png`) });
  }
  throw error;
} finally {
  await browser.close();
}
console.log(JSON.stringify({ steps: step }));
