// Sending a form: the button says that it is at work and takes no second click; in a long form
// Enter goes to the next field and Ctrl-Enter sends, so that nothing half-filled is sent by surprise.
// The server needs none of this: its idempotency key makes a second sending harmless.
document.addEventListener("submit", (event) => {
  const form = event.target;
  if (event.defaultPrevented || form.method !== "post") return;
  if (form.dataset.sending) {
    event.preventDefault();
    return;
  }
  form.dataset.sending = "yes";
  event.submitter?.setAttribute("aria-busy", "true");
  // A page that stays (an answer put into it, a failed connection) may be sent again.
  setTimeout(() => ready(form), 8000);
});

window.addEventListener("pageshow", () => document.querySelectorAll("form[data-sending]").forEach(ready));
document.addEventListener("htmx:finally:request", (event) => {
  const form = event.target.closest?.("form");
  if (form) ready(form);
});

function ready(form) {
  delete form.dataset.sending;
  form.querySelectorAll("[aria-busy]").forEach((button) => button.removeAttribute("aria-busy"));
}

document.addEventListener("keydown", (event) => {
  if (event.key !== "Enter" || event.isComposing) return;
  const form = event.target.closest?.("form[data-deliberate]");
  if (!form) return;
  if (event.ctrlKey || event.metaKey) {
    event.preventDefault();
    form.requestSubmit();
  } else if (event.target.matches("input:not([type=submit], [type=button]), select")) {
    event.preventDefault();
    const fields = [...form.querySelectorAll("input:not([type=hidden]), select, textarea, button")].filter(
      (field) => field.tabIndex >= 0 && !field.disabled && field.offsetParent !== null,
    );
    fields[fields.indexOf(event.target) + 1]?.focus();
  }
});
