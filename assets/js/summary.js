// The error summary takes the focus when the page opens; its links go to the field itself, also to
// the first part of a date.
class Summary extends HTMLElement {
  connectedCallback() {
    this.focus();
    this.addEventListener("click", (event) => {
      const link = event.target.closest("a[href^='#']");
      const target = link && document.getElementById(link.hash.slice(1));
      if (!target) return;
      event.preventDefault();
      const field = target.matches("input, select, textarea") ? target : target.querySelector("input, select, textarea");
      (field ?? target).focus();
      (field ?? target).scrollIntoView({ block: "center" });
    });
  }
}

customElements.define("v-summary", Summary);
