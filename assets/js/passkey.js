// Asks the device to make a passkey or to show one, and sends its answer with the form. Shows only where the browser
// can do that; without it the form has another way.
class Passkey extends HTMLElement {
  connectedCallback() {
    const button = this.querySelector("button");
    if (!button || !globalThis.PublicKeyCredential?.parseRequestOptionsFromJSON) return;
    this.hidden = false;
    button.addEventListener("click", () => this.ask(button));
    if ("conditional" in this.dataset) this.offer();
  }

  disconnectedCallback() {
    this.offered?.abort();
  }

  options() {
    const options = JSON.parse(this.dataset.options);
    return this.dataset.does === "make"
      ? { publicKey: PublicKeyCredential.parseCreationOptionsFromJSON(options) }
      : { publicKey: PublicKeyCredential.parseRequestOptionsFromJSON(options) };
  }

  async ask(button) {
    const said = this.querySelector("[role=alert]");
    // A device answers one question at a time.
    this.offered?.abort();
    said.hidden = true;
    button.disabled = true;
    try {
      const make = this.dataset.does === "make";
      this.send(await navigator.credentials[make ? "create" : "get"](this.options()));
    } catch (error) {
      said.textContent = error.name === "InvalidStateError" ? this.dataset.held : this.dataset.failed;
      said.hidden = false;
    } finally {
      button.disabled = false;
    }
  }

  // Passkeys among what the browser offers where the e-mail is typed.
  async offer() {
    if (!(await PublicKeyCredential.isConditionalMediationAvailable?.())) return;
    this.offered = new AbortController();
    try {
      const { signal } = this.offered;
      this.send(await navigator.credentials.get({ ...this.options(), signal, mediation: "conditional" }));
    } catch {
      // Nobody chose one; there is the button.
    }
  }

  send(credential) {
    if (!credential) return;
    this.querySelector("input[name=passkey]").value = JSON.stringify(credential.toJSON());
    this.closest("form").requestSubmit();
  }
}

customElements.define("v-passkey", Passkey);
