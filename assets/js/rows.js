// Rows by keyboard: the arrow keys move between the links of a table's rows, and from the find box
// down into the results. A click anywhere on a row opens it.
class Rows extends HTMLElement {
  connectedCallback() {
    this.addEventListener("keydown", this);
    this.addEventListener("click", this);
  }

  handleEvent(event) {
    if (event.type === "click") this.#open(event);
    else this.#move(event);
  }

  #open(event) {
    if (event.defaultPrevented || event.button !== 0 || event.ctrlKey || event.metaKey || event.shiftKey) return;
    if (event.target.closest("a, button, input, select, summary, label")) return;
    if (String(getSelection()) !== "") return;
    event.target.closest("[data-row]")?.querySelector("[data-row-link]")?.click();
  }

  #move(event) {
    if (event.key !== "ArrowDown" && event.key !== "ArrowUp") return;
    const links = [...this.querySelectorAll("[data-row-link]")];
    const here = links.indexOf(document.activeElement);
    if (here < 0) return;
    event.preventDefault();
    const there = links[here + (event.key === "ArrowDown" ? 1 : -1)];
    if (there) there.focus();
    else if (event.key === "ArrowUp") document.querySelector("[data-find]")?.focus();
  }
}

customElements.define("v-rows", Rows);

document.addEventListener("keydown", (event) => {
  if (event.key !== "ArrowDown" || !event.target.matches?.("[data-find]")) return;
  const first = document.querySelector("v-rows [data-row-link]");
  if (!first) return;
  event.preventDefault();
  first.focus();
});
