// Passkeys, with a device that the browser plays itself (a virtual authenticator of its own protocol).
import assert from "node:assert/strict";
import { createHash, X509Certificate } from "node:crypto";
import { test } from "node:test";
import { connect } from "node:tls";
import { findings, launch, LOOKS, Visitor } from "./visitor.mjs";

const EMAIL = "pieter@rosebank.example";

/**
 * Passkeys are made only where the certificate is beyond doubt. This browser is told to trust the house's key, instead
 * of to overlook what is wrong with it.
 */
async function trusting(house) {
  const socket = connect({ host: "localhost", port: house.port, rejectUnauthorized: false });
  await new Promise((done, failed) => socket.once("secureConnect", done).once("error", failed));
  const { publicKey } = new X509Certificate(socket.getPeerCertificate(true).raw);
  socket.destroy();
  const hash = createHash("sha256").update(publicKey.export({ type: "spki", format: "der" })).digest("base64");
  return launch([`--ignore-certificate-errors-spki-list=${hash}`]);
}

/** A phone's own authenticator: it holds passkeys and looks who is there. */
async function plugIn(visitor) {
  const session = await visitor.context.newCDPSession(visitor.page);
  await session.send("WebAuthn.enable");
  const options = {
    protocol: "ctap2",
    transport: "internal",
    hasResidentKey: true,
    hasUserVerification: true,
    isUserVerified: true,
    automaticPresenceSimulation: true,
  };
  const { authenticatorId } = await session.send("WebAuthn.addVirtualAuthenticator", { options });
  return {
    /** Whoever is there from now on is recognised, or is not. */
    recognises: (isUserVerified) => session.send("WebAuthn.setUserVerified", { authenticatorId, isUserVerified }),
  };
}

export default function passkeys(given) {
  test("a passkey is added, signs in alone, stands behind a password, and is taken away", async () => {
    const { house } = given;
    const browser = await trusting(house);
    try {
      const visitor = await Visitor.arrive(browser, house, { ...LOOKS[0], ignoreHTTPSErrors: false });
      const { page } = visitor;
      const device = await plugIn(visitor);
      const press = (name) => page.getByRole("button", { name }).click();
      const signOut = async () => {
        await page.locator(".bar__person summary").click();
        await page.locator(".bar__person").getByRole("button", { name: "Sign out" }).click();
      };
      const inTheHouse = () => page.waitForURL((url) => !url.pathname.startsWith("/sign-in"));

      await visitor.signIn(EMAIL);
      await page.goto("/account");
      await given.picture(page, "account-without-passkeys");
      await page.getByRole("link", { name: "Add a passkey" }).click();
      await page.getByLabel("Name").fill("My laptop");
      assert.deepEqual(await findings(page), []);
      await given.picture(page, "passkey-new");
      await page.getByRole("button", { name: "Make the passkey" }).click();
      await page.waitForURL(/\/account\?done=passkey-added/);
      await page.getByRole("region", { name: "Passkeys" }).getByText("My laptop").first().waitFor();
      await given.picture(page, "account-with-a-passkey");

      // The device holds one already: it says so, and nothing is lost.
      await page.getByRole("link", { name: "Add a passkey" }).click();
      await page.getByLabel("Name").fill("Once more");
      await page.getByRole("button", { name: "Make the passkey" }).click();
      await page.getByRole("alert").getByText("holds a passkey for you already").waitFor();
      assert.equal(await page.getByLabel("Name").inputValue(), "Once more");

      // The browser offers it by itself where the e-mail is typed. This one's device says yes at once, and so somebody who
      // has signed out is in again.
      await signOut();
      await page.waitForURL((url) => url.pathname === "/");

      // From now on a browser that offers nothing by itself.
      await page.addInitScript(() => {
        PublicKeyCredential.isConditionalMediationAvailable = async () => false;
      });
      await signOut();
      await page.waitForURL(/\/sign-in/);
      await given.picture(page, "sign-in-with-passkey");
      await press("Sign in with a passkey");
      await inTheHouse();

      await signOut();
      await page.getByLabel("E-mail").fill(EMAIL);
      await page.getByLabel("Password", { exact: true }).fill(house.password);
      await page.getByRole("button", { name: "Sign in", exact: true }).click();
      await page.waitForURL("**/sign-in/second*");
      await given.picture(page, "second-with-passkey");
      await device.recognises(false);
      await press("Use a passkey");
      await page.getByRole("alert").getByText("Nothing came of it").waitFor();
      await device.recognises(true);
      await press("Use a passkey");
      await inTheHouse();

      await page.goto("/account");
      await page.getByRole("link", { name: /^Take away/ }).click();
      await page.getByRole("button", { name: "Take it away" }).click();
      await page.waitForURL(/\/account\?done=passkey-removed/);
      await page.getByText("None yet.").waitFor();

      await signOut();
      await press("Sign in with a passkey");
      await page.getByText("This passkey is not one of yours here").first().waitFor();
      await visitor.leave();
    } finally {
      await browser.close();
    }
  });
}
