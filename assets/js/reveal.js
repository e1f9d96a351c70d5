// A revealed identifier hides itself again: after its seconds, on "Hide", and when the page goes
// into the background. The value leaves the page; showing it again is a new reveal.
class Reveal extends HTMLElement {
  #timer = 0;

  connectedCallback() {
    const seconds = Number(this.dataset.seconds) || 60;
    this.#timer = setTimeout(() => this.mask(), seconds * 1000);
    const button = this.querySelector("[data-hide]");
    if (button) {
      button.hidden = false;
      button.addEventListener("click", () => this.mask());
      // The form that had the focus is taken away after this has come.
      requestAnimationFrame(() => document.activeElement === document.body && button.focus());
    }
    window.addEventListener("pagehide", this);
  }

  disconnectedCallback() {
    clearTimeout(this.#timer);
    window.removeEventListener("pagehide", this);
  }

  handleEvent() {
    this.mask();
  }

  mask() {
    clearTimeout(this.#timer);
    const [masked, again, hide] = ["masked", "again", "hide"].map((part) => this.querySelector(`[data-${part}]`));
    this.querySelector("[data-value]")?.remove();
    if (masked) masked.hidden = false;
    if (again) again.hidden = false;
    if (hide && hide === document.activeElement) again?.focus();
    hide?.remove();
  }
}

customElements.define("v-reveal", Reveal);
