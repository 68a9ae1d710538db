// Small comforts; every page works without them.
"use strict";

// On a phone the navigation is wider than the screen: show where one is.
document
  .querySelector(".site-nav [aria-current]")
  ?.scrollIntoView({ block: "nearest", inline: "nearest" });

document.addEventListener("change", (event) => {
  const field = event.target.closest("[data-submit-on-change]");
  if (field) field.form.requestSubmit();
});

document.addEventListener("click", (event) => {
  for (const menu of document.querySelectorAll("details.user-menu[open]")) {
    if (!menu.contains(event.target)) menu.open = false;
  }
});

document.addEventListener("keydown", (event) => {
  if (event.key !== "Escape") return;
  for (const menu of document.querySelectorAll("details.user-menu[open]")) {
    menu.open = false;
    menu.querySelector("summary").focus();
  }
});

// Cards that take longer to reckon come after the page, each in the room kept for it.
const fillCard = async (card) => {
  card.setAttribute("aria-busy", "true");
  try {
    const answer = await fetch(card.dataset.card, { credentials: "same-origin" });
    if (!answer.ok) throw new Error(answer.statusText);
    const read = new DOMParser().parseFromString(await answer.text(), "text/html");
    const filled = read.querySelector(".card");
    if (!filled) throw new Error("no card");
    card.replaceWith(document.adoptNode(filled));
  } catch {
    // Its heading still leads to the page that has the same figures.
    card.removeAttribute("aria-busy");
    card.classList.add("is-missing");
  }
};

document.addEventListener("DOMContentLoaded", () => {
  for (const card of document.querySelectorAll("[data-card]")) fillCard(card);
});
