// Says in words when a request in the background did not work. Its texts come with the page.
class Status extends HTMLElement {
  #timer = 0;

  connectedCallback() {
    document.addEventListener("htmx:error", this);
    document.addEventListener("htmx:response:error", this);
  }

  disconnectedCallback() {
    document.removeEventListener("htmx:error", this);
    document.removeEventListener("htmx:response:error", this);
  }

  handleEvent(event) {
    const status = event.detail?.ctx?.response?.status;
    if (event.type === "htmx:error") this.say(this.dataset.offline);
    else if (status === 422) return;
    else if (status >= 500) this.say(this.dataset.failed);
    else this.say(this.dataset.refused);
  }

  say(words) {
    clearTimeout(this.#timer);
    this.textContent = words;
    this.#timer = setTimeout(() => (this.textContent = ""), 8000);
  }
}

customElements.define("v-status", Status);
