// Asks once before an act: data-confirm on a submit button, or hx-confirm. Without scripts the act goes ahead; the server is the judge.
const box = () => document.getElementById("confirm");

export function ask(question, { yes, danger } = {}) {
  const dialog = box();
  const ok = dialog.querySelector("[data-confirm-ok]");
  dialog.querySelector("[data-confirm-text]").textContent = question;
  ok.textContent = yes || ok.dataset.words;
  ok.classList.toggle("danger", Boolean(danger));
  ok.classList.toggle("primary", !danger);
  dialog.showModal();
  return new Promise((resolve) => {
    const end = (answer) => { dialog.close(); resolve(answer); };
    ok.onclick = () => end(true);
    dialog.querySelector("[data-confirm-no]").onclick = () => end(false);
    dialog.oncancel = () => resolve(false);
  });
}

const options = (button) => ({ yes: button.dataset.confirmYes, danger: "confirmDanger" in button.dataset });

export function startConfirm() {
  document.addEventListener("click", async (event) => {
    const button = event.target.closest("[data-confirm]");
    if (!button || button.dataset.confirmed || button.disabled) return;
    if (button.form && !button.formNoValidate && !button.form.reportValidity()) { event.preventDefault(); return; }
    event.preventDefault();
    event.stopImmediatePropagation();
    if (!(await ask(button.dataset.confirm, options(button)))) return;
    button.dataset.confirmed = "yes";
    button.click();
    delete button.dataset.confirmed;
  }, true);
  document.body.addEventListener("htmx:confirm", async (event) => {
    if (!event.detail.question) return;
    event.preventDefault();
    if (await ask(event.detail.question, options(event.target))) event.detail.issueRequest(true);
  });
}
