// What is sent twice happens once; a session that ended elsewhere leads to the sign-in and back.
import assert from "node:assert/strict";
import { test } from "node:test";
import { LOOKS, Visitor } from "./visitor.mjs";

/** How many patients a search shows. */
async function count(page, words) {
  await page.goto(`/patients?q=${encodeURIComponent(words)}`);
  return page.locator("#results tbody tr").count();
}

async function writeDown(page, given, family) {
  await page.goto("/patients/new");
  await page.getByLabel("Given names").fill(given);
  await page.getByLabel("Family name").fill(family);
  await page.getByLabel("Birth date").fill("3 May 1991");
}

export default function twice(given) {
  test("a form that is sent by a double click makes one patient", async () => {
    const look = { ...LOOKS[0], javaScriptEnabled: false };
    const visitor = await Visitor.arrive(given.browser, given.house, look, await given.signedIn("jack@harbour.example"));
    const { page } = visitor;
    await writeDown(page, "Esther", "Doublekliek");
    // Without script nothing holds the second click back.
    await page.getByRole("button", { name: "Create the patient" }).dblclick();
    await page.waitForURL(/\/patients\/[0-9a-f-]{36}$/);
    assert.equal(await count(page, "doublekliek"), 1);
    await visitor.leave();
  });

  test("a form that is sent again after an answer that got lost makes one patient", async () => {
    const visitor = await Visitor.arrive(given.browser, given.house, LOOKS[0], await given.signedIn("jack@harbour.example"));
    const { page } = visitor;
    await writeDown(page, "Miriam", "Weerstuur");
    let first = true;
    await page.route("**/patients/new", async (route) => {
      if (route.request().method() !== "POST" || !first) return route.continue();
      first = false;
      // It reaches the house, and its answer is lost on the way.
      const answer = await route.fetch({ maxRedirects: 0 });
      assert.equal(answer.status(), 303);
      return route.abort("connectionreset");
    });
    await page.getByRole("button", { name: "Create the patient" }).click();
    await page.waitForURL("chrome-error://**");
    await page.reload();
    await page.waitForURL(/\/patients\/[0-9a-f-]{36}$/);
    assert.equal(await count(page, "weerstuur"), 1);
    visitor.complaints = visitor.complaints.filter((one) => !/CONNECTION_RESET|chrome-error/.test(one));
    await visitor.leave();
  });

  test("going back to a form that was sent and sending it again makes no second patient unasked", async () => {
    const visitor = await Visitor.arrive(given.browser, given.house, LOOKS[0], await given.signedIn("jack@harbour.example"));
    const { page } = visitor;
    await writeDown(page, "Ruth", "Terugkeer");
    await page.getByRole("button", { name: "Create the patient" }).click();
    await page.waitForURL(/\/patients\/[0-9a-f-]{36}$/);
    await page.goBack();
    if ((await page.getByLabel("Family name").inputValue()) === "") await writeDown(page, "Ruth", "Terugkeer");
    await page.getByRole("button", { name: "Create the patient" }).click();
    // Either it was the same form, and leads to the same patient; or a fresh one, and the house asks.
    const asked = page.getByRole("heading", { name: "Is it one of these patients?" });
    await asked.or(page.locator(".banner")).first().waitFor();
    assert.equal(await count(page, "terugkeer"), 1);
    await visitor.leave();
  });

  test("a session that was ended in another tab leads to the sign-in, and from there back", async () => {
    const visitor = await Visitor.arrive(given.browser, given.house);
    const { page, context } = visitor;
    await visitor.signIn("thabo@rosebank.example");
    await page.goto("/patients?q=moko");
    const other = await context.newPage();
    await other.goto("/");
    await other.locator(".bar__person summary").click();
    await other.getByRole("button", { name: "Sign out" }).click();
    await other.waitForURL(/\/sign-in\?/);

    await page.getByRole("link", { name: /Mokoena/ }).click();
    await page.waitForURL(/\/sign-in\?/);
    await page.getByLabel("E-mail").fill("thabo@rosebank.example");
    await page.getByLabel("Password", { exact: true }).fill(given.house.password);
    await page.getByRole("button", { name: "Sign in", exact: true }).click();
    await visitor.secondFactor(given.house.secret("thabo@rosebank.example"));
    await page.getByRole("heading", { level: 1, name: "Thandeka Precious Mokoena" }).waitFor();
    await visitor.leave();
  });

  test("while one types, a session that was ended elsewhere is said and loses nothing", async () => {
    const visitor = await Visitor.arrive(given.browser, given.house);
    const { page, context } = visitor;
    await visitor.signIn("priya@ledgers.example");
    await page.goto("/patients");
    const other = await context.newPage();
    await other.goto("/");
    await other.locator(".bar__person summary").click();
    await other.getByRole("button", { name: "Sign out" }).click();
    await other.waitForURL(/\/sign-in\?/);
    await page.locator("#q").pressSequentially("mok");
    await page.getByText("You are no longer signed in").or(page.getByRole("heading", { name: "Sign in" })).first().waitFor();
    await visitor.leave();
  });
}
