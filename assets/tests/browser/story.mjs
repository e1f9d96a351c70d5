// What a practice does on its first day: sign in, bring patients in, find one, open the record, reveal
// an identifier, and see that in "Who saw what".
import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { request } from "node:https";
import { join } from "node:path";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { referrals, ZOLEKA } from "./referrals.mjs";
import { LOOKS, overhang, Visitor } from "./visitor.mjs";

const SHARED = fileURLToPath(new URL("../../../../shared/data/fhir-10-patients", import.meta.url));

/** Types three letters into the find box of the first page and opens the patient of that name. */
async function findAndOpen(page, letters, name) {
  await page.goto("/");
  await page.locator("#q").fill(letters);
  await page.keyboard.press("Enter");
  await page.getByRole("link", { name }).first().click();
  await page.getByRole("heading", { level: 1, name }).waitFor();
}

/** Opens the first "Show", chooses the purpose and shows the number. */
export async function reveal(page, purpose) {
  const ident = page.locator(".ident").first();
  await ident.locator("summary").click();
  await ident.getByLabel("Purpose").selectOption({ label: purpose });
  await ident.getByRole("button", { name: "Show and record" }).click();
  await page.locator("[data-value]").waitFor();
  return page.locator("[data-value]").innerText();
}

export default function story(given) {
  test("the certificate is vouched for by the authority that `up` made", async () => {
    const ca = await readFile(`${given.house.folder}-keys/vouchsafe-local-ca.crt`);
    const status = await new Promise((done, fail) => {
      const asked = request(`${given.house.origin}/healthz`, { ca }, (answer) => done(answer.resume().statusCode));
      asked.on("error", fail).end();
    });
    assert.equal(status, 200);
  });

  test("sign in, import, find by three letters, open, reveal with a purpose, see who saw what", async () => {
    const { house, browser } = given;
    const visitor = await Visitor.arrive(browser, house);
    const { page } = visitor;
    await visitor.signIn("nomvula@rosebank.example");
    await page.getByRole("heading", { level: 1, name: /Good .*Nomvula Dlamini/ }).waitFor();

    const folder = await referrals(house, "referrals");
    const told = await house.command("import", "fhir", "rosebank", folder, "--source", "referrals");
    assert.match(told, /Patient\s+3\b/, told);
    const again = await house.command("import", "fhir", "rosebank", folder, "--source", "referrals");
    assert.doesNotMatch(again, /Patient\s+3\b/, again);

    await findAndOpen(page, ZOLEKA.letters, ZOLEKA.name);
    assert.equal((await page.content()).includes(ZOLEKA.number), false, "masked until it is revealed");
    assert.equal(await reveal(page, "Treatment"), ZOLEKA.number);
    await page.getByText(/Recorded: Nomvula Dlamini, .* from 127\.0\.0\.1/).waitFor();

    await page.getByRole("link", { name: "Who saw what" }).click();
    const shown = page.locator("tr.act--reveal").first();
    const line = (await shown.innerText()).replace(/\s+/g, " ");
    for (const part of ["Nomvula Dlamini", "Shown", "South African ID number", "Purpose: Treatment", "127.0.0.1"]) {
      assert.ok(line.includes(part), `${part} in: ${line}`);
    }
    const when = new Date(await shown.locator("time").getAttribute("datetime"));
    assert.ok(Math.abs(Date.now() - when) < 60_000, `${when}`);
    await visitor.leave();
  });

  const absent = existsSync(SHARED) ? false : "../shared/data is not here";
  test("the shared data is brought in and found", { skip: absent }, async () => {
    const { house } = given;
    const told = await house.command("import", "fhir", "rosebank", SHARED, "--source", "ten");
    const lines = (await readFile(join(SHARED, "Patient.000.ndjson"), "utf8")).trim().split("\n");
    assert.match(told, new RegExp(`Patient\\s+${lines.length}\\b`), told);
    const { family, given: names } = JSON.parse(lines[0]).name[0];
    const visitor = await Visitor.arrive(given.browser, house, LOOKS[0], await given.signedIn("nomvula@rosebank.example"));
    await findAndOpen(visitor.page, family.slice(0, 3), new RegExp(`${names[0]}.*${family}`));
    await visitor.page.getByRole("link", { name: "Record", exact: true }).click();
    await visitor.page.locator("[data-row-link]").first().click();
    await visitor.page.locator("article.sheet").waitFor();
    await visitor.leave();
  });

  test("the record is printed without the rooms, with the patient's name on it", async () => {
    const { house, browser } = given;
    const visitor = await Visitor.arrive(browser, house, LOOKS[0], await given.signedIn("nomvula@rosebank.example"));
    const { page } = visitor;
    await findAndOpen(page, ZOLEKA.letters, ZOLEKA.name);
    await page.getByRole("link", { name: "Record", exact: true }).click();
    await page.waitForURL(/\/record/);
    await page.emulateMedia({ media: "print" });
    for (const gone of [".rail", ".bar", ".filters", ".tabs", "v-print"]) {
      assert.equal(await page.locator(gone).first().isVisible(), false, gone);
    }
    assert.ok(await page.getByRole("heading", { level: 1, name: ZOLEKA.name }).isVisible());
    assert.ok(await page.getByText("Peanut").first().isVisible());
    // The width of A4 between its margins.
    await page.setViewportSize({ width: 680, height: 960 });
    assert.equal(await overhang(page), 0);
    await given.picture(page, "print-record");
    assert.ok((await page.pdf({ format: "A4" })).length > 5_000);
    await visitor.leave();
  });
}
