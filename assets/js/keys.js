// Keys for everything: find, the rooms, the list of keys. Nothing here works while one is writing,
// except Ctrl-K.
class Keys extends HTMLElement {
  #waiting = 0;
  #before = null;

  connectedCallback() {
    this.dialog = this.querySelector("dialog");
    this.dialog?.addEventListener("close", () => this.#before?.focus());
    document.addEventListener("keydown", this);
    document.addEventListener("click", this);
  }

  disconnectedCallback() {
    document.removeEventListener("keydown", this);
    document.removeEventListener("click", this);
  }

  handleEvent(event) {
    if (event.type === "click") {
      if (event.target.closest?.("[data-show-keys]")) this.#show();
      return;
    }
    if (event.defaultPrevented || event.isComposing || this.dialog?.open) return;
    if ((event.ctrlKey || event.metaKey) && !event.altKey && event.key.toLowerCase() === "k") {
      this.#find(event);
      return;
    }
    if (event.ctrlKey || event.metaKey || event.altKey || writing(event.target)) return;
    if (performance.now() - this.#waiting < 1200) {
      this.#waiting = 0;
      const room = document.querySelector(`[data-go="${CSS.escape(event.key)}"]`);
      if (room) {
        event.preventDefault();
        room.click();
        return;
      }
    }
    if (event.key === "/") this.#find(event);
    else if (event.key === "?") this.#show(event);
    else if (event.key === "g") this.#waiting = performance.now();
  }

  #find(event) {
    const box = document.querySelector("[data-find]");
    if (!box) return;
    event.preventDefault();
    box.focus();
    box.select();
  }

  #show(event) {
    event?.preventDefault();
    this.#before = document.activeElement?.closest("details")?.querySelector("summary") ?? document.activeElement;
    this.#before?.closest("details.menu")?.removeAttribute("open");
    this.dialog?.showModal();
  }
}

function writing(element) {
  return element instanceof Element && element.closest("input:not([type=radio], [type=checkbox]), textarea, select, [contenteditable]") !== null;
}

customElements.define("v-keys", Keys);
