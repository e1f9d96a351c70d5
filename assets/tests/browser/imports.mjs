// Bringing records in from the page: a table is sent, its columns said beside the first rows as they would become
// patients, tried, brought in, paused, taken back. By keyboard, without a script, and by the accessibility rules.
import assert from "node:assert/strict";
import { test } from "node:test";
import { Eye } from "./pages.mjs";
import { LOOKS, Visitor } from "./visitor.mjs";

const OWNER = "mei@harbour.example";
const ROWS = 2_000;

/** A table of invented people, one with a birth date that is none. */
function table(source) {
  const rows = Array.from({ length: ROWS }, (_, n) => `${source}${n};Achterberg${n};Wilhelmina;0${(n % 9) + 1}.04.1980;082 555 0${100 + (n % 900)};AOK`);
  rows[2] = `${source}2;Achterberg2;Wilhelmina;31.31.1980;;TK`;
  return { name: "Patienten.csv", mimeType: "text/csv", buffer: Buffer.from(`Nr;Nachname;Vorname;Geburtsdatum;Mobil;Kasse\n${rows.join("\n")}\n`) };
}

const press = async (page, name) => {
  await page.getByRole("button", { name, exact: true }).focus();
  await page.keyboard.press("Enter");
};

export default function imports(given) {
  const at = async (email, more = {}) => {
    const look = { ...LOOKS[0], ...more };
    const visitor = await Visitor.arrive(given.browser, given.house, look, await given.signedIn(email));
    return { visitor, page: visitor.page, eye: new Eye(given) };
  };

  test("a table is brought in from its pages, with the keyboard, and every page of it holds to the rules", async () => {
    const { visitor, page, eye } = await at(OWNER);
    await page.goto("/team");
    await page.getByRole("link", { name: "Bringing records in" }).click();
    await eye.on(page, "imports");
    await page.getByRole("link", { name: "Bring records in" }).focus();
    await page.keyboard.press("Enter");
    await page.getByRole("heading", { level: 1, name: "Bring records in" }).waitFor();
    await eye.on(page, "import-new");
    await press(page, "Send the files");
    await page.getByRole("alert").waitFor();
    await eye.on(page, "import-new-refused");
    await page.locator("#files").setInputFiles({ name: "patients.csv", mimeType: "text/csv", buffer: Buffer.from("%PDF-1.7") });
    await press(page, "Send the files");
    await page.getByText("patients.csv is a PDF").first().waitFor();
    await page.locator("#files").setInputFiles(table("b"));
    await press(page, "Send the files");
    await page.getByRole("heading", { level: 1, name: "Patienten.csv" }).waitFor();
    await eye.on(page, "import-ready");

    await page.getByRole("link", { name: "Columns" }).focus();
    await page.keyboard.press("Enter");
    await page.getByRole("heading", { level: 1, name: "Columns" }).waitFor();
    await eye.on(page, "import-columns");
    await press(page, "Save the columns");
    await page.getByRole("alert").waitFor();
    await eye.on(page, "import-columns-refused");
    await page.getByLabel("Birth dates").focus();
    await page.keyboard.press("ArrowDown");
    await page.locator("#preview").getByText("1 Apr 1980").first().waitFor();
    assert.equal(await page.evaluate(() => document.activeElement.id), "dates", "the focus stays where it was");
    await page.locator("#column-5").selectOption("note");
    await page.locator("#preview").getByText("One note").first().waitFor();
    await page.locator("#column-5").selectOption("keep");
    await page.locator("#preview").getByText("One note").first().waitFor({ state: "detached" });
    await page.locator("#preview").getByText("is no date with the day first").waitFor();
    await eye.on(page, "import-columns-said");
    await press(page, "Save the columns");
    await page.getByRole("heading", { name: "What comes next" }).waitFor();

    await press(page, "Try it");
    await page.getByRole("heading", { name: "What trying it came to" }).waitFor({ timeout: 60_000 });
    await eye.on(page, "import-tried");
    await page.getByRole("link", { name: "Line by line" }).click();
    await page.getByText("is no date with the day first").waitFor();
    await eye.on(page, "import-report");
    await page.goBack();
    await press(page, "Bring it in");
    await press(page, "Pause");
    await page.getByRole("heading", { name: "Paused" }).waitFor();
    await eye.on(page, "import-paused");
    await press(page, "Go on");
    await page.getByRole("heading", { name: "What it came to" }).waitFor({ timeout: 60_000 });
    await page.getByText("The files have been removed.").waitFor();
    await eye.on(page, "import-done");
    await page.getByRole("link", { name: "Bringing records in" }).click();
    await page.getByText(`${ROWS - 1} new`).waitFor();
    await eye.on(page, "imports-with-one");

    await page.getByRole("link", { name: /^Take back/ }).first().focus();
    await page.keyboard.press("Enter");
    await page.getByRole("heading", { name: "Take this import back?" }).waitFor();
    await eye.on(page, "import-undo");
    await press(page, "Take it back");
    await page.getByText("This import has been taken back.").waitFor({ timeout: 60_000 });
    await eye.on(page, "import-undone");
    await eye.close(visitor);
  });

  test("bringing a table in needs no script", async () => {
    const { visitor, page } = await at(OWNER, { javaScriptEnabled: false });
    await page.goto("/practice/import/new");
    await page.locator("#files").setInputFiles(table("n"));
    await page.getByRole("button", { name: "Send the files" }).click();
    await page.getByRole("link", { name: "Columns" }).click();
    await page.getByLabel("Birth dates").selectOption("dmy");
    await page.getByRole("button", { name: "Show the preview" }).click();
    await page.locator("#preview").getByText("1 Apr 1980").first().waitFor();
    assert.equal(await page.getByLabel("Birth dates").inputValue(), "dmy", "what was chosen is kept");
    await page.getByRole("button", { name: "Save the columns" }).click();
    await page.getByRole("button", { name: "Try it" }).click();
    const until = Date.now() + 60_000;
    while ((await page.getByRole("heading", { name: "What trying it came to" }).count()) === 0) {
      assert.ok(Date.now() < until, "it was never tried");
      await page.getByRole("link", { name: "Look again" }).click({ timeout: 5_000 }).catch(() => page.reload());
    }
    await page.getByRole("button", { name: "Remove the files now" }).click();
    await page.getByRole("heading", { level: 1, name: "Bringing records in" }).waitFor();
    await visitor.context.close();
  });
}
