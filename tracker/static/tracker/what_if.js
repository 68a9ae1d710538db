// Judges again while somebody types; without it the button does.
"use strict";

(() => {
  const form = document.querySelector("[data-what-if]");
  const outcome = form && form.querySelector("[data-outcome]");
  if (!outcome) return;
  const PAUSE = 250;
  let timer = 0;
  let asking = null;

  const judge = async () => {
    const query = new URLSearchParams(new FormData(form));
    const address = `${form.getAttribute("action")}?${query}`;
    if (asking) asking.abort();
    asking = new AbortController();
    outcome.setAttribute("aria-busy", "true");
    try {
      const answer = await fetch(`${address}&part=outcome`, {
        signal: asking.signal,
        headers: { Accept: "text/html" },
      });
      // Logged out, refused or failing: the whole page says what is wrong.
      if (answer.redirected || !answer.ok) {
        window.location.assign(address);
        return;
      }
      const page = new DOMParser().parseFromString(await answer.text(), "text/html");
      outcome.replaceChildren(...page.body.childNodes);
      window.history.replaceState(null, "", address);
      outcome.removeAttribute("aria-busy");
    } catch (error) {
      if (error.name !== "AbortError") outcome.removeAttribute("aria-busy");
    }
  };

  form.addEventListener("input", () => {
    window.clearTimeout(timer);
    timer = window.setTimeout(judge, PAUSE);
  });
})();
