// Every page and every state of it: nothing that the accessibility rules find, nothing wider than a phone,
// no complaint of the browser.
import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { test } from "node:test";
import { until } from "./house.mjs";
import { referrals, ZOLEKA } from "./referrals.mjs";
import { findings, LOOKS, overhang, Visitor } from "./visitor.mjs";

const MEI = "mei@harbour.example";

/** Looks at pages in every look, and gathers what is wrong, so that one run tells everything. */
export class Eye {
  constructor(given) {
    this.given = given;
    this.wrong = [];
  }

  async on(page, name) {
    for (const look of LOOKS) {
      await page.setViewportSize(look.viewport);
      await page.emulateMedia({ colorScheme: look.colorScheme });
      const wider = await overhang(page);
      if (wider > 0) this.wrong.push(`${name}, ${look.name}: ${wider} px wider than the window`);
      // Dark differs from light in its colours alone, and these are the same at every width.
      const dark = look.colorScheme === "dark";
      const found = dark && look.isMobile ? [] : await findings(page, dark ? ["color-contrast"] : undefined);
      this.wrong.push(...found.map((one) => `${name}, ${look.name}: ${one}`));
      await this.given.picture(page, `${name}.${look.name.replace(", ", ".")}`);
    }
    await page.setViewportSize(LOOKS[0].viewport);
    await page.emulateMedia({ colorScheme: LOOKS[0].colorScheme });
  }

  close(visitor) {
    visitor.saysNothing();
    assert.deepEqual(this.wrong, []);
    return visitor.context.close();
  }
}

/** Sends the form that is on the page without the browser's own checks. */
const send = (page, button) => page.getByRole("button", { name: button, exact: true }).click();

export default function pages(given) {
  /** Somebody signed in, and an eye. */
  const at = async (email) => {
    const visitor = await Visitor.arrive(given.browser, given.house, LOOKS[0], email && (await given.signedIn(email)));
    return { visitor, page: visitor.page, eye: new Eye(given) };
  };

  test("the pages before the door hold to the rules", async () => {
    const { visitor, page, eye } = await at(null);
    await page.goto("/sign-in");
    await eye.on(page, "sign-in");
    await page.getByLabel("E-mail").fill("nobody@harbour.example");
    await page.getByLabel("Password", { exact: true }).fill("not the password");
    await send(page, "Sign in");
    await page.getByText("The e-mail or the password is not right").first().waitFor();
    assert.equal(await page.getByLabel("E-mail").inputValue(), "nobody@harbour.example", "what was typed is kept");
    await eye.on(page, "sign-in-refused");

    await page.getByRole("link", { name: "Forgot your password?" }).click();
    await eye.on(page, "reset");
    await send(page, "Send the link");
    await page.getByRole("alert").waitFor();
    await eye.on(page, "reset-refused");
    await page.getByLabel("E-mail").fill("jack@harbour.example");
    await send(page, "Send the link");
    await page.getByRole("heading", { name: "Look in your mail" }).waitFor();
    await eye.on(page, "reset-asked");
    const [link] = await given.house.letter(/https:\/\/localhost:\d+\/reset\/\S+/);
    await page.goto(link);
    await eye.on(page, "reset-set");
    await page.locator("#password").fill("short");
    await send(page, "Save the password");
    await page.getByRole("alert").waitFor();
    await eye.on(page, "reset-set-refused");
    await page.goto("/reset/gone");
    await eye.on(page, "reset-ended");
    await page.goto("/nowhere");
    await eye.on(page, "fault-404-outside");
    await page.goto("/sign-out");
    await eye.on(page, "fault-405-outside");

    await page.goto("/sign-in");
    await page.getByLabel("E-mail").fill("lerato@rosebank.example");
    await page.getByLabel("Password", { exact: true }).fill(given.house.password);
    await send(page, "Sign in");
    await page.getByRole("heading", { name: "One more step" }).waitFor();
    await eye.on(page, "second");
    await page.getByLabel("Code from your app").fill("12");
    await send(page, "Continue");
    await page.getByRole("alert").waitFor();
    await eye.on(page, "second-refused");
    await page.getByRole("link", { name: "Use a recovery code" }).click();
    await eye.on(page, "recovery");
    await page.getByLabel("Recovery code").fill("abc");
    await send(page, "Continue");
    await page.getByRole("alert").waitFor();
    await eye.on(page, "recovery-refused");
    await eye.close(visitor);
  });

  test("finding and writing down patients holds to the rules, and keeps what was typed", async () => {
    const { visitor, page, eye } = await at(MEI);
    await page.goto("/");
    await eye.on(page, "today-first");
    await page.goto("/patients");
    await eye.on(page, "patients-nothing-asked");
    await page.goto("/patients?q=zzz");
    await eye.on(page, "patients-none");
    await page.goto("/patients?q=wil");
    await eye.on(page, "patients-found");
    await page.getByLabel("Kind").selectOption({ label: "Passport number" });
    await page.getByLabel("Number").fill("ZZ000000");
    await send(page, "Look up");
    await page.getByText("No patient here has this number").waitFor();
    await eye.on(page, "patients-lookup-nobody");

    await page.goto("/patients/new");
    await eye.on(page, "patient-new");
    await page.getByLabel("Given names").fill("Jarrah");
    await page.getByLabel("Birth date").fill("31 Feb 1998");
    await page.getByLabel("E-mail").fill("jarrah(at)mail");
    await send(page, "Create the patient");
    await page.getByRole("alert").waitFor();
    assert.equal(await page.getByLabel("E-mail").inputValue(), "jarrah(at)mail", "what was typed is kept");
    await eye.on(page, "patient-new-refused");
    await page.getByLabel("E-mail").fill("");
    await page.getByLabel("Family name").fill("Williams");
    await page.getByLabel("Birth date").fill("23 Nov 1998");
    await send(page, "Create the patient");
    await page.getByRole("heading", { name: "Is it one of these patients?" }).waitFor();
    await eye.on(page, "patient-new-similar");
    await page.keyboard.press("?");
    await page.locator("dialog[open]").waitFor();
    await eye.close(visitor);
  });

  test("a patient's pages hold to the rules", async () => {
    const { visitor, page, eye } = await at(MEI);
    const folder = await referrals(given.house, "referrals-harbour");
    await given.house.command("import", "fhir", "harbour", folder, "--source", "referrals");
    await page.goto("/patients?q=margaret");
    await page.getByRole("link", { name: "Margaret O'Sullivan" }).click();
    await page.locator(".banner").waitFor();
    await eye.on(page, "patient-without-record");
    const address = page.url();
    await page.getByText("Add an alert").click();
    await send(page, "Add the alert");
    await page.getByRole("alert").waitFor();
    await eye.on(page, "patient-alert-refused");
    await page.goto(address);
    await page.getByText("Add an identifier").click();
    await page.getByLabel("Kind").selectOption({ label: "Medicare number (Australia)" });
    await page.getByLabel("Number").fill("20011573411");
    await send(page, "Add the identifier");
    await page.getByRole("alert").waitFor();
    await eye.on(page, "patient-identifier-refused");
    await page.goto(address);
    await page.locator("#alerts").getByRole("link", { name: /End/ }).click();
    await eye.on(page, "alert-end");
    await page.goto(address);
    await page.locator(".ident summary").first().click();
    await page.getByRole("link", { name: /Remove/ }).first().click();
    await eye.on(page, "identifier-remove");
    await page.goto(`${address}/record`);
    await eye.on(page, "record-none");

    await page.goto(`/patients?q=${ZOLEKA.letters}`);
    await page.getByRole("link", { name: ZOLEKA.name }).click();
    await page.locator(".banner").waitFor();
    await eye.on(page, "patient");
    const zoleka = page.url();
    await page.locator(".ident summary").first().click();
    await eye.on(page, "reveal-asked");
    await page.getByLabel("Purpose").selectOption("treatment");
    await page.getByRole("button", { name: "Show and record" }).click();
    await page.locator("[data-value]").waitFor();
    await eye.on(page, "revealed");
    await page.goto(`${zoleka}/record`);
    await eye.on(page, "record");
    await page.goto(`${zoleka}/record?kind=problem&from=2031-01-01`);
    await eye.on(page, "record-filtered-none");
    await page.goto(`${zoleka}/record`);
    await page.getByLabel(/^Documents, /).check();
    await page.getByLabel("Words").fill("INHALER");
    await send(page, "Filter");
    await page.waitForURL(/sought=/);
    assert.doesNotMatch(decodeURIComponent(page.url()), /inhaler/i, "what is looked for stands in no address");
    assert.equal(await page.locator("[data-row-link]").count(), 1, "the note says it, in small letters");
    await eye.on(page, "record-words");
    await page.getByLabel("From").fill("yesterday");
    await send(page, "Filter");
    await page.getByRole("alert").waitFor();
    assert.equal(await page.getByLabel("From").inputValue(), "yesterday", "what was typed is kept");
    await eye.on(page, "record-refused");
    await page.goto(`${zoleka}/record`);
    await page.getByRole("link", { name: "Measurements over time" }).click();
    await page.locator("figure svg polyline").first().waitFor();
    await eye.on(page, "measurements");
    await page.locator(".chart__values summary").first().click();
    await eye.on(page, "measurements-values");
    await page.goto(`${zoleka}/record?kind=document`);
    await page.locator("[data-row-link]").first().click();
    await page.locator("article.sheet").waitFor();
    await eye.on(page, "entry");
    for (const [kind, words] of [["observation", "Blood pressure"], ["visit", "Review of asthma"]]) {
      await page.goto(`${zoleka}/record?kind=${kind}`);
      await page.getByRole("link", { name: words }).first().click();
      await page.locator("article.sheet").waitFor();
      await eye.on(page, `entry-${kind}`);
    }
    for (const what of ["problem", "medication", "allergy", "immunisation", "measurement"]) {
      await page.goto(`${zoleka}/write/${what}`);
      await eye.on(page, `write-${what}`);
    }
    await page.getByLabel("Weight in kg").fill("725");
    await send(page, "Save in the record");
    await page.getByText("Is 725 kg right?").waitFor();
    await eye.on(page, "write-unusual");
    await page.getByLabel("Weight in kg").fill("72,5 kg");
    await send(page, "Save in the record");
    await page.getByRole("heading", { name: "Something needs your attention" }).waitFor();
    assert.equal(await page.getByLabel("Weight in kg").inputValue(), "72,5 kg", "what was typed is kept");
    await eye.on(page, "write-refused");
    await page.getByLabel("Weight in kg").fill("72,5");
    await send(page, "Save in the record");
    await page.waitForURL(/measurements$/);
    await page.goto(`${zoleka}/record?kind=problem`);
    await page.getByRole("link", { name: "Migraine without aura" }).click();
    await page.getByRole("link", { name: "End it or take it back" }).click();
    await eye.on(page, "entry-change");
    await send(page, "Save the change");
    await page.getByRole("alert").waitFor();
    await eye.on(page, "entry-change-refused");
    await page.goto(`${zoleka}/standing`);
    await eye.on(page, "standing");
    await page.getByLabel("Yes", { exact: true }).check();
    await page.getByLabel(/^Date of death/).fill("1/1/2099");
    await send(page, "Save");
    await page.getByRole("alert").waitFor();
    assert.equal(await page.getByLabel(/^Date of death/).inputValue(), "1/1/2099", "what was typed is kept");
    await eye.on(page, "standing-refused");
    await page.goto(`${zoleka}/access`);
    await eye.on(page, "access");
    await page.getByLabel("Mei Chen").check();
    await send(page, "Save who may open it");
    await page.waitForURL(zoleka);
    await page.locator(".banner").getByText("Restricted").waitFor();
    await eye.on(page, "patient-restricted");
    await page.goto(`${zoleka}/details`);
    await send(page, "Add a person");
    await page.getByLabel("What they are to the patient").selectOption({ label: "Guardian" });
    await page.locator("#people-0-email").fill("nomsa(at)mail");
    await send(page, "Add another number or address");
    assert.equal(await page.locator("#people-0-email").inputValue(), "nomsa(at)mail", "what was typed is kept");
    await eye.on(page, "details");
    await page.locator(".form__end button").click();
    await page.getByRole("alert").waitFor();
    await eye.on(page, "details-refused");
    await page.locator("#people-0-email").fill("nomsa@mail.example");
    await page.locator("#people-0-name").fill("Nomsa Quintana");
    await page.getByLabel("May consent for the patient").check();
    await page.locator(".form__end button").click();
    await page.waitForURL(zoleka);
    await page.getByText("Nomsa Quintana").waitFor();
    await eye.on(page, "patient-with-people");
    await page.goto(`${zoleka}/edit`);
    await eye.on(page, "edit");
    await page.getByLabel("Phone").fill("+27 82 555 0999");
    await page.getByLabel("Family name").fill("Quintana-Dlamini");
    await page.locator("#address").fill("16 Harbour Street");
    await send(page, "Save");
    await page.waitForURL(zoleka);
    await page.goto(`${zoleka}/audit`);
    await eye.on(page, "who-saw-what");
    const changed = (await page.locator(".act--change .changes").first().innerText()).replace(/\s+/g, " ");
    assert.match(changed, /Zoleka Quintana → .*Zoleka Quintana-Dlamini/, changed);
    assert.match(changed, /\+27 82 555 0143 \(mobile\) → .*\+27 82 555 0999/, changed);
    assert.doesNotMatch(await page.locator("main").innerText(), /[{}]|01[0-9a-f]{6}-[0-9a-f]{4}-7/, "words, no notation");
    assert.equal((await page.content()).includes(ZOLEKA.number), false, "who saw what reveals no number");
    await eye.close(visitor);
  });

  test("who saves second sees who was first, and keeps what was typed", async () => {
    const { visitor, page, eye } = await at(MEI);
    const other = await Visitor.arrive(given.browser, given.house, LOOKS[0], await given.signedIn("jack@harbour.example"));
    await page.goto("/patients?q=rivera");
    await page.getByRole("link", { name: "Alex Rivera" }).click();
    await page.locator(".banner").waitFor();
    const edit = `${page.url()}/edit`;
    await page.goto(edit);
    await page.getByLabel("Phone").fill("+61 491 570 001");
    await other.page.goto(edit);
    await other.page.getByLabel("Phone").fill("+61 491 570 002");
    await send(other.page, "Save");
    await other.page.locator(".banner").waitFor();
    await send(page, "Save");
    await page.getByRole("heading", { name: /^Jack O'Brien changed this patient on .* while you were writing$/ }).waitFor();
    const row = (await page.locator(".summary--caution tbody tr").innerText()).replace(/\s+/g, " ");
    assert.match(row, /Phone \+61 491 570 002 \+61 491 570 001/);
    assert.equal(await page.getByLabel("Phone").inputValue(), "+61 491 570 001", "what was typed is kept");
    await eye.on(page, "edit-conflict");
    await send(page, "Save mine");
    await page.getByText("+61 491 570 001").first().waitFor();
    await other.leave();
    await eye.close(visitor);
  });

  test("two records of one person are made one and taken apart, and every page of it holds to the rules", async () => {
    const { visitor, page, eye } = await at(MEI);
    const write = async (given, family, birth, phone) => {
      await page.goto("/patients/new");
      await page.getByLabel("Given names").fill(given);
      await page.getByLabel("Family name").fill(family);
      await page.getByLabel("Birth date").fill(birth);
      await page.getByLabel("Phone").fill(phone);
      await send(page, "Create the patient");
      if (await page.getByLabel("No, it is someone else").count()) {
        await page.getByLabel("No, it is someone else").check();
        await send(page, "Create the patient");
      }
      await page.waitForURL(/patients\/[0-9a-f-]{36}$/);
      return page.url();
    };
    const one = await write("Ngozi", "Onyekachi", "3 Mar 1971", "+61 491 570 110");
    const other = await write("Ngosi", "Onyekachi", "3 Mar 1971", "+61 491 570 111");
    await page.goto(one);
    await page.getByText("Perhaps the same person").waitFor();
    await eye.on(page, "patient-alike");
    await page.getByRole("link", { name: "This is the same person as…" }).click();
    await eye.on(page, "merge-find");
    await page.locator("#q").last().fill("onyek");
    await page.keyboard.press("Enter");
    await page.getByRole("heading", { name: "1 patient found" }).or(page.locator("#found-title")).first().waitFor();
    await eye.on(page, "merge-found");
    await page.locator("section.results a").first().click();
    await page.getByRole("heading", { name: "Are these the same person?" }).waitFor();
    await eye.on(page, "merge");
    await page.getByLabel("Ngosi Onyekachi").check();
    const second = await page.context().newPage();
    await second.goto(page.url());
    await second.getByRole("button", { name: "Make them one record" }).click();
    await second.waitForURL(one);
    await second.close();
    await send(page, "Make them one record");
    await page.getByRole("heading", { name: "This record was made one with another while you had it open" }).waitFor();
    await eye.on(page, "merge-late");
    await page.goto(other);
    assert.equal(page.url(), one, "the old address leads to the record that stands");
    await page.getByText("+61 491 570 111").waitFor();
    await eye.on(page, "patient-merged");
    await page.getByRole("link", { name: "One record was made one with this" }).click();
    await eye.on(page, "merges");
    await page.getByRole("link", { name: /These are two people after all/ }).click();
    await eye.on(page, "unmerge");
    await page.getByRole("button", { name: "Take them apart" }).focus();
    await page.keyboard.press("Enter");
    await page.waitForURL(one);
    assert.equal(await page.locator("a[href='tel:+61491570111']").count(), 0, "what came along has gone again");
    await page.goto(other);
    assert.equal(page.url(), other, "it stands again");
    await eye.close(visitor);
  });

  test("the pages of the team and the practice hold to the rules", async () => {
    const { visitor, page, eye } = await at(MEI);
    await page.goto("/audit");
    await eye.on(page, "audit");
    await page.getByLabel("Did what").selectOption({ index: 1 });
    await send(page, "Filter");
    await page.waitForURL(/action=\w/);
    await eye.on(page, "audit-filtered");
    await page.goto("/audit?patient=nobody");
    await eye.on(page, "audit-refused");
    await page.goto("/team");
    await eye.on(page, "team");
    await page.locator("a[href$='/roles']").first().click();
    await eye.on(page, "team-roles");
    await page.goto("/team");
    await page.locator("a[href$='/remove']").first().click();
    await eye.on(page, "team-remove");
    await page.goto("/team/invitations");
    await eye.on(page, "team-invite");
    await send(page, "Make the invitation");
    await page.getByRole("alert").waitFor();
    await eye.on(page, "team-invite-refused");
    await page.getByLabel("E-mail").fill("nina@harbour.example");
    await page.getByLabel("Reception").check();
    await send(page, "Make the invitation");
    await page.getByRole("heading", { name: "The invitation is ready" }).waitFor();
    await eye.on(page, "team-invited");
    const link = await page.locator("#link").innerText();
    await page.goto("/team");
    await eye.on(page, "team-with-invitation");

    const guest = await Visitor.arrive(given.browser, given.house);
    await guest.page.goto(link);
    await eye.on(guest.page, "invitation");
    await guest.page.getByLabel("Your name").fill("Nina Petrov");
    await guest.page.locator("#password").fill("harbour");
    await send(guest.page, "Create my account");
    await guest.page.getByRole("alert").waitFor();
    assert.equal(await guest.page.getByLabel("Your name").inputValue(), "Nina Petrov", "what was typed is kept");
    await eye.on(guest.page, "invitation-refused");
    await guest.page.locator("#password").fill("seven plain herons by the weir");
    await send(guest.page, "Create my account");
    await guest.page.getByRole("heading", { name: "Authenticator app" }).waitFor();
    await eye.on(guest.page, "set-up");
    const secret = await guest.page.locator("#enrol-secret").textContent();
    await guest.page.getByLabel("Code that the app shows now").fill(await given.house.code(secret));
    await send(guest.page, "Save the app");
    await guest.page.getByRole("heading", { name: "Keep your recovery codes" }).waitFor();
    await eye.on(guest.page, "codes-first");
    await guest.page.goto(link);
    await eye.on(guest.page, "invitation-ended");
    guest.saysNothing();
    await guest.context.close();
    await eye.close(visitor);
  });

  test("the pages of connections hold to the rules", async () => {
    const { visitor, page, eye } = await at(MEI);
    await page.goto("/team");
    await page.getByRole("link", { name: "Connections" }).click();
    await eye.on(page, "connections-none");
    await page.getByRole("link", { name: "Make a connection" }).click();
    await eye.on(page, "connection-new");
    await page.getByLabel("Name").fill("Lab results");
    await send(page, "Make the connection");
    await page.getByRole("alert").waitFor();
    assert.equal(await page.getByLabel("Name").inputValue(), "Lab results", "what was typed is kept");
    await eye.on(page, "connection-new-refused");
    await page.getByLabel("See patients").check();
    await page.getByLabel("Read measurements").check();
    await send(page, "Make the connection");
    await page.getByRole("heading", { name: "The connection is ready" }).waitFor();
    assert.match(await page.locator("#key").innerText(), /^vouchsafe_key_[A-Za-z0-9_-]{48}$/);
    await eye.on(page, "connection-made");
    await page.getByRole("link", { name: "Done" }).click();
    await eye.on(page, "connections");
    await page.getByRole("link", { name: "End Lab results" }).click();
    await page.getByRole("heading", { name: "End the connection Lab results?" }).waitFor();
    await eye.on(page, "connection-end");
    await send(page, "End Lab results");
    await page.getByRole("heading", { name: "No longer let in" }).waitFor();
    await eye.on(page, "connections-ended");
    await eye.close(visitor);
  });

  test("the pages of exports hold to the rules, from asking to the file", async () => {
    const { visitor, page, eye } = await at("jack@harbour.example");
    // Where the session is older than ten minutes by now, the form asks who it is.
    const prove = async (on, email) => {
      if ((await on.getByLabel("Current password").count()) === 0) return;
      await on.locator("#password").fill(given.house.password);
      await on.getByLabel("Code from your app").fill(await given.house.code(given.house.secret(email)));
    };
    await page.goto("/team");
    await page.getByRole("link", { name: "Exports" }).click();
    await eye.on(page, "exports-none");
    await page.getByRole("link", { name: "Export the whole practice" }).click();
    await eye.on(page, "export-new");
    const [saved] = await Promise.all([page.waitForEvent("download"), send(page, "Make a key pair and save it")]);
    assert.equal(saved.suggestedFilename(), "export-key.txt");
    const key = await readFile(await saved.path(), "utf8");
    assert.match(key, /^AGE-SECRET-KEY-1\w+/m);
    const recipient = /public key: (age1\w+)/.exec(key)[1];
    await page.getByLabel("Public key of whoever receives it").fill(recipient);
    await send(page, "Ask for the export");
    await page.getByRole("alert").waitFor();
    assert.equal(await page.getByLabel("Public key of whoever receives it").inputValue(), recipient, "what was typed is kept");
    await eye.on(page, "export-new-refused");
    await page.getByLabel("Why").selectOption({ label: "A law or a court asks" });
    await prove(page, "jack@harbour.example");
    await send(page, "Ask for the export");
    await page.getByRole("heading", { name: "The whole practice" }).waitFor();
    const address = page.url();
    await eye.on(page, "export-asked");

    const second = await Visitor.arrive(given.browser, given.house, LOOKS[0], await given.signedIn(MEI));
    await second.page.goto(address);
    await eye.on(second.page, "export-agree");
    await prove(second.page, MEI);
    await send(second.page, "Agree to the export");
    await second.page.getByText("Being made").or(second.page.getByText("Ready", { exact: true })).first().waitFor();
    await eye.on(second.page, "export-agreed");
    await until("the archive", async () => {
      await page.goto(address);
      return (await page.getByText("Ready", { exact: true }).count()) > 0;
    });
    if ((await page.getByLabel("Current password").count()) > 0) {
      await prove(page, "jack@harbour.example");
      await send(page, "Show the download");
    }
    await eye.on(page, "export-ready");
    const [archive] = await Promise.all([
      page.waitForEvent("download"),
      page.getByRole("link", { name: "Download the file" }).click(),
    ]);
    assert.match(archive.suggestedFilename(), /^export-[0-9a-f-]{36}\.tar$/);
    const bytes = await readFile(await archive.path());
    assert.equal(bytes.length % 512, 0, "a whole tar");
    assert.equal(bytes.subarray(0, 10).toString(), "README.txt");
    await page.goto("/practice/export");
    await eye.on(page, "exports");

    await second.page.goto("/patients?q=wil");
    await second.page.locator("[data-row-link]").first().click();
    await second.page.getByRole("link", { name: "Export this record" }).click();
    await eye.on(second.page, "export-patient");
    await second.page.goto(address);
    await send(second.page, "Take the export back");
    await second.page.getByText("It was taken back").waitFor();
    await eye.on(second.page, "export-withdrawn");
    second.saysNothing();
    await second.context.close();
    await eye.close(visitor);
  });

  test("a practice that was founded at the command line has no patients yet, and its page says how to begin", async () => {
    const { visitor, page, eye } = await at(null);
    const { house } = given;
    const where = ["--time-zone", "Africa/Johannesburg", "--country", "ZA"];
    await house.command("practice", "create", "karoo", "--name", "Karoo Clinic", ...where);
    const roles = ["--role", "owner", "--role", "practitioner"];
    const told = await house.command("person", "invite", "karoo", "anna@karoo.example", "--name", "Anna Botha", ...roles);
    await page.goto(/https:\S+/.exec(told)[0]);
    await page.locator("#password").fill("nine late swallows over the dam");
    await send(page, "Create my account");
    const secret = await page.locator("#enrol-secret").textContent();
    await page.getByLabel("Code that the app shows now").fill(await house.code(secret));
    await send(page, "Save the app");
    await page.getByRole("link", { name: "I have kept them" }).click();
    await page.goto("/patients");
    await page.getByRole("heading", { name: "No patients yet" }).waitFor();
    await eye.on(page, "patients-empty");
    await page.goto("/");
    await eye.on(page, "today-empty");
    await eye.close(visitor);
  });

  test("the pages of one's own account hold to the rules", async () => {
    const { visitor, page, eye } = await at("priya@ledgers.example");
    await page.goto("/");
    await page.locator(".bar__practice summary").click();
    await eye.on(page, "practice-menu");
    await page.goto("/account");
    await eye.on(page, "account");
    await page.goto("/account/password");
    await eye.on(page, "account-password");
    await page.locator("#current").fill("not mine");
    await page.locator("#password").fill("rosebank");
    await send(page, "Change password");
    await page.getByRole("alert").waitFor();
    await eye.on(page, "account-password-refused");
    await page.goto("/account/totp");
    await eye.on(page, "account-app");
    await page.goto("/account/recovery-codes");
    await eye.on(page, "account-codes");
    await page.locator("#current").fill(given.house.password);
    await send(page, "Make new codes");
    await page.locator("#codes").waitFor();
    await eye.on(page, "account-codes-shown");
    await eye.close(visitor);
  });

  test("the pages that say why there is no page hold to the rules", async () => {
    const { visitor, page, eye } = await at("aaliyah@harbour.example");
    await page.goto("/patients?q=whitlam");
    await page.getByRole("link", { name: "Oliver James Whitlam" }).click();
    await page.locator(".banner").waitFor();
    const patient = page.url();
    await eye.on(page, "patient-for-reception");
    assert.equal((await page.goto(`${patient}/record`)).status(), 403);
    await eye.on(page, "fault-403");
    assert.equal((await page.goto("/patients/01985f4e-0000-7000-8000-0000000000aa")).status(), 404);
    await eye.on(page, "fault-404");
    assert.equal((await page.goto("/patients/lookup")).status(), 405);
    await eye.on(page, "fault-405");

    await page.goto(patient);
    await page.getByText("Add an alert").click();
    await page.locator("#alert-text").evaluate((field) => (field.value = "x".repeat(200_000)));
    const [large] = await Promise.all([page.waitForNavigation(), send(page, "Add the alert")]);
    assert.equal(large.status(), 413);
    await eye.on(page, "fault-413");

    // The same form with other content: the key of the first sending is known.
    await page.goto(patient);
    await page.getByText("Add an alert").click();
    const key = await page.locator("form[action$='/alerts'] [name=once]").inputValue();
    await page.locator("#alert-text").fill("Ring before coming");
    await send(page, "Add the alert");
    await page.locator(".flag", { hasText: "Ring before coming" }).waitFor();
    await page.getByText("Add an alert").click();
    await page.locator("form[action$='/alerts'] [name=once]").evaluate((field, value) => (field.value = value), key);
    await page.locator("#alert-text").fill("Ring twice");
    const [again] = await Promise.all([page.waitForNavigation(), send(page, "Add the alert")]);
    assert.equal(again.status(), 409);
    await eye.on(page, "fault-409");
    await eye.close(visitor);
  });
}
