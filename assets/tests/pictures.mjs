// Makes the pictures of the README from a running installation with its invented people. By hand, after
// the pages have changed:
//
//   cargo build && VOUCHSAFE=target/debug/vouchsafe node assets/tests/pictures.mjs
import assert from "node:assert/strict";
import { mkdirSync, statSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { House } from "./browser/house.mjs";
import { referrals, ZOLEKA } from "./browser/referrals.mjs";
import { launch, LOOKS, Visitor } from "./browser/visitor.mjs";

const FOLDER = fileURLToPath(new URL("../../docs/pictures", import.meta.url));
const BYTES_MAX = 150_000;
const DESK = { ...LOOKS[0], viewport: { width: 1200, height: 760 } };
const PHONE = LOOKS[2];

async function open(page, words, name) {
  await page.goto(`/patients?q=${encodeURIComponent(words)}`);
  await page.getByRole("link", { name }).click();
  await page.locator(".banner").waitFor();
}

async function take(page, name) {
  const path = join(FOLDER, `${name}.png`);
  // The focus belongs to the hand that took the picture.
  await page.evaluate(() => document.activeElement.blur());
  await page.screenshot({ path });
  const { size } = statSync(path);
  console.log(`${name}.png, ${Math.ceil(size / 1000)} kB`);
  assert.ok(size < BYTES_MAX, "too large for a page that people open");
}

/** A table, its columns said beside the rows as they would become patients. */
async function columns(page) {
  const rows = ["Nr;Nachname;Vorname;Geburtsdatum;Mobil;Kasse", "1;Achterberg;Wilhelmina;01.04.1980;082 555 0143;AOK"];
  rows.push("2;Sørensen;Åse;17.11.1956;082 555 0177;TK", "3;Okafor;Chidi;31.31.1990;;TK", "4;Nguyễn;Văn An;08.02.2011;;AOK");
  await page.goto("/practice/import/new");
  const buffer = Buffer.from(`${rows.join("\n")}\n`);
  await page.locator("#files").setInputFiles({ name: "Patienten.csv", mimeType: "text/csv", buffer });
  await page.getByRole("button", { name: "Send the files" }).click();
  await page.getByRole("link", { name: "Columns" }).click();
  await page.getByLabel("Birth dates").selectOption("dmy");
  await page.locator("#preview").getByText("1 Apr 1980").first().waitFor();
  await page.locator("#preview").scrollIntoViewIfNeeded();
  await take(page, "import-columns");
}

/** Two records that are perhaps of one person, side by side. */
async function compared(page) {
  for (const [given, phone] of [["Ngozi", "+61 491 570 110"], ["Ngosi", "+61 491 570 111"]]) {
    await page.goto("/patients/new");
    await page.getByLabel("Given names").fill(given);
    await page.getByLabel("Family name").fill("Onyekachi");
    await page.getByLabel("Birth date").fill("3 Mar 1971");
    await page.getByLabel("Phone").fill(phone);
    await page.getByRole("button", { name: "Create the patient" }).click();
    const other = page.getByLabel("No, it is someone else");
    await other.or(page.locator(".banner")).first().waitFor();
    if (await other.count()) {
      await other.check();
      await page.getByRole("button", { name: "Create the patient" }).click();
      await page.locator(".banner").waitFor();
    }
  }
  await page.getByRole("link", { name: "This is the same person as…" }).click();
  await page.locator("#q").last().fill("ngozi");
  await page.keyboard.press("Enter");
  await page.locator("section.results a").first().click();
  await page.getByRole("heading", { name: "Are these the same person?" }).waitFor();
  await take(page, "compare");
}

/** A program that is let in. */
async function connection(page) {
  await page.goto("/team/connections/new");
  await page.getByLabel("Name").fill("Lab results");
  await page.getByLabel("See patients").check();
  await page.getByLabel("Read measurements").check();
  await page.getByRole("button", { name: "Make the connection" }).click();
  await page.getByRole("heading", { name: "The connection is ready" }).waitFor();
  await page.getByRole("link", { name: "Done" }).click();
  await take(page, "connections");
}

/** A practice's export that waits for a second person. */
async function asking(page) {
  await page.goto("/practice/export/new");
  const [saved] = await Promise.all([
    page.waitForEvent("download"),
    page.getByRole("button", { name: "Make a key pair and save it" }).click(),
  ]);
  const recipient = /public key: (age1\w+)/.exec(await readFile(await saved.path(), "utf8"))[1];
  await page.getByLabel("Public key of whoever receives it").fill(recipient);
  await page.getByLabel("Why").selectOption({ label: "A law or a court asks" });
  await page.getByRole("button", { name: "Ask for the export" }).click();
  await page.getByRole("heading", { name: "The whole practice" }).waitFor();
  await take(page, "export");
}

mkdirSync(FOLDER, { recursive: true });
const house = await House.start();
const browser = await launch();
try {
  await house.command("import", "fhir", "rosebank", await referrals(house, "referrals"), "--source", "referrals");
  const desk = await Visitor.arrive(browser, house, DESK);
  const { page } = desk;
  await desk.signIn("nomvula@rosebank.example");
  for (const [words, name] of [["moyo", /Moyo/], ["naidoo", /Naidoo/], ["ng", /Li Ng/], ["mokoena", /Mokoena/]]) {
    await open(page, words, name);
  }
  await page.goto("/");
  await take(page, "today");
  await open(page, ZOLEKA.letters, ZOLEKA.name);
  await take(page, "patient");
  await page.locator(".ident summary").first().click();
  await page.getByLabel("Purpose").selectOption("treatment");
  await take(page, "reveal");
  await page.getByRole("button", { name: "Show and record" }).click();
  await page.locator("[data-value]").waitFor();
  await page.locator(".tabs__act").click();
  await page.getByLabel("Phone").fill("+27 82 555 0999");
  await page.getByRole("button", { name: "Save" }).click();
  await page.locator(".banner").waitFor();
  await page.getByRole("link", { name: "Who saw what" }).first().click();
  await page.locator(".table--acts").waitFor();
  await take(page, "who-saw-what");

  await page.getByRole("link", { name: "Record", exact: true }).click();
  await page.locator(".filters--record").waitFor();
  await take(page, "timeline");
  await page.getByRole("link", { name: "Measurements over time" }).click();
  await page.locator(".chart").first().waitFor();
  await take(page, "measurements");

  const cookies = await desk.context.storageState();
  const phone = await Visitor.arrive(browser, house, { ...PHONE, colorScheme: "dark" }, cookies);
  await open(phone.page, "mokoena", /Mokoena/);
  await take(phone.page, "phone");
  await phone.leave();
  await desk.leave();

  const owner = await Visitor.arrive(browser, house, DESK);
  await owner.signIn("mei@harbour.example");
  await columns(owner.page);
  await compared(owner.page);
  await connection(owner.page);
  await owner.leave();
  const administrator = await Visitor.arrive(browser, house, DESK);
  await administrator.signIn("jack@harbour.example");
  await asking(administrator.page);
  await administrator.leave();
} finally {
  await browser.close();
  await house.stop();
}
