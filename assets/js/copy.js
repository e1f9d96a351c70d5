// Copies the text of another element. The button shows only where copying is possible.
class Copy extends HTMLElement {
  connectedCallback() {
    const button = this.querySelector("button");
    const from = document.getElementById(this.dataset.from);
    if (!button || !from || !navigator.clipboard) return;
    const words = button.textContent;
    button.hidden = false;
    button.addEventListener("click", async () => {
      const lines = from.matches("ol, ul") ? [...from.children] : [from];
      await navigator.clipboard.writeText(lines.map((line) => line.textContent.trim()).join("\n"));
      button.textContent = this.dataset.done;
      setTimeout(() => (button.textContent = words), 2000);
    });
  }
}

customElements.define("v-copy", Copy);
