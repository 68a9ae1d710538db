// Select2 leaves its box without a name while nothing is chosen; its label has one.
"use strict";

function nameBoxes() {
  for (const select of document.querySelectorAll("select.admin-autocomplete")) {
    const label = document.querySelector(`label[for="${select.id}"]`);
    const box = select.nextElementSibling?.querySelector(".select2-selection__rendered");
    if (label && box) {
      box.setAttribute("aria-label", label.textContent.replace("*", "").trim());
    }
  }
}

// jQuery runs it after what it was given before, which makes the boxes.
window.addEventListener("load", () => django.jQuery(nameBoxes));
