// A menu is a <details> that works by itself; with script it also closes on Esc, on a click beside
// it and when the focus leaves it, and gives the focus back.
class Menu extends HTMLElement {
  connectedCallback() {
    this.addEventListener("keydown", this);
    this.addEventListener("focusout", this);
    document.addEventListener("click", this);
  }

  disconnectedCallback() {
    document.removeEventListener("click", this);
  }

  handleEvent(event) {
    const details = this.querySelector("details");
    if (!details?.open) return;
    if (event.type === "keydown") {
      if (event.key !== "Escape" || event.defaultPrevented) return;
      event.preventDefault();
      event.stopPropagation();
      details.open = false;
      details.querySelector("summary").focus();
    } else if (event.type === "focusout") {
      if (event.relatedTarget && !this.contains(event.relatedTarget)) details.open = false;
    } else if (!this.contains(event.target)) {
      details.open = false;
    }
  }
}

customElements.define("v-menu", Menu);
