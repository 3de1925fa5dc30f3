// The settings of alerts as somebody uses them who mistypes, is impatient, has two tabs and a bad line.

import assert from "node:assert/strict";

const API = /\/api\/settings\/alerts$/;
const save = (page) => page.getByRole("button", { name: "Enregistrer les réglages" });
const field = (page, name) => page.locator(`[data-field="${name}"] input`);
const after = (minutes) => `Un boîtier est signalé après ${minutes} minutes de silence`;

/** What is wrong is said beside its field, and nothing of it is sent. */
async function wrongNumbers(page, sent, { look }) {
  assert.equal(await save(page).isDisabled(), true, "nothing was changed yet");
  await field(page, "offline_minutes").fill("2");
  await field(page, "temperature_critical").fill("70,5");
  await page.locator('[data-field="offline_minutes"] .field-error').getByText("de 3 à 10 080").waitFor();
  await page.locator('[data-field="temperature_critical"] .field-error').getByText("en dessous du seuil d’avertissement").waitFor();
  await save(page).click();
  const summary = page.locator(".error-summary");
  await summary.getByText("2 champs").waitFor();
  assert.equal(await summary.evaluate((one) => one === document.activeElement), true, "what is wrong has the focus");
  await look(page, "alert-rules-wrong");
  await summary.getByRole("link", { name: /en dessous/ }).click();
  assert.equal(await field(page, "temperature_critical").evaluate((one) => one === document.activeElement), true);
  assert.equal(sent.length, 0);
}

/** Pressed twice it is saved once; the way back leads to what was there. */
async function saveAndUndo(page, sent, { said, heading, look }) {
  await field(page, "offline_minutes").fill("12");
  await field(page, "temperature_critical").fill("82,5");
  await save(page).dblclick();
  await said(page, "Les réglages des alertes sont enregistrés");
  await heading(page, after(12));
  assert.equal(sent.length, 1, "it was sent once");
  assert.deepEqual([sent[0].offline_minutes, sent[0].temperature_critical, sent[0].disk_warning], [12, 82.5, 90]);
  assert.equal(await page.locator("h1").evaluate((one) => one === document.activeElement), true);
  await look(page, "alert-rules");
  await page.locator(".toast").filter({ hasText: "enregistrés" }).getByRole("button", { name: "Annuler" }).click();
  await heading(page, after(5));
  assert.equal(await field(page, "temperature_critical").inputValue(), "80");
}

/** Two tabs change different things, then the same. */
async function twoTabs(page, { said, heading }) {
  const other = await page.context().newPage();
  await other.goto(page.url());
  await heading(other, after(5));
  await field(other, "memory_warning").fill("85");
  await field(other, "repeat_hours").fill("48");
  await save(other).click();
  await said(other, "Les réglages des alertes sont enregistrés");
  await field(page, "offline_minutes").fill("7");
  await save(page).click();
  await heading(page, after(7));
  assert.equal(await field(page, "memory_warning").inputValue(), "85", "the other's change stays");
  await field(other, "offline_minutes").fill("9");
  await save(other).click();
  await other.locator(".error-summary").getByText("Une autre personne vient de modifier").waitFor();
  await other.locator(".error-summary").getByText("« 7 »").waitFor();
  await save(other).click();
  await heading(other, after(9));
  await other.close();
}

/** Without a line it is said, what was typed stays, and the next press saves it. */
async function lostLine(page, { heading }) {
  await page.reload();
  await heading(page, after(9));
  await page.route(API, (route) => (route.request().method() === "PUT" ? route.abort() : route.continue()));
  await field(page, "offline_minutes").fill("5");
  await field(page, "memory_warning").fill("90");
  await field(page, "repeat_hours").fill("24");
  await save(page).click();
  await page.locator(".error-summary").getByText(/serveur/i).waitFor();
  assert.equal(await field(page, "offline_minutes").inputValue(), "5");
  await page.unroute(API);
  await save(page).click();
  await heading(page, after(5));
}

export async function rulesOfAlerts(page, tools) {
  const sent = [];
  page.on("request", (request) => API.test(request.url()) && request.method() === "PUT" && sent.push(request.postDataJSON()));
  await tools.heading(page, after(5));
  await wrongNumbers(page, sent, tools);
  await saveAndUndo(page, sent, tools);
  await twoTabs(page, tools);
  await lostLine(page, tools);
  await page.getByRole("link", { name: "Voir les alertes" }).click();
  await tools.heading(page, /alerte/i);
  await page.goBack();
  await tools.heading(page, after(5));
}
