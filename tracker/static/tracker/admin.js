/* Keyboard and screen readers, where django-unfold's pages leave gaps. */
"use strict";
(() => {
  const say = (text) => (window.gettext ? window.gettext(text) : text);
  const FOCUSABLE =
    "a[href], button:not([disabled]), input:not([type=hidden]):not([disabled])," +
    " select:not([disabled]), textarea:not([disabled]), [tabindex='0']";
  const isShown = (element) => element.offsetParent !== null;

  function addSkipLink() {
    const content = document.getElementById("content") || document.getElementById("main");
    if (!content) return;
    content.tabIndex = -1;
    const link = document.createElement("a");
    link.className = "skip-link";
    link.href = `#${content.id}`;
    link.textContent = say("Skip to the content");
    document.body.prepend(link);
  }

  // select2 puts a combobox of its own in the place of a labelled select.
  function nameComboboxes() {
    for (const box of document.querySelectorAll(".select2-selection:not([aria-label])")) {
      const select = box.closest(".select2-container")?.previousElementSibling;
      const label = select?.id && document.querySelector(`label[for="${select.id}"]`);
      const name = select?.getAttribute("aria-label") || label?.textContent;
      if (!name) continue;
      const chosen = box.querySelector(".select2-selection__rendered");
      chosen?.removeAttribute("role");
      chosen?.removeAttribute("aria-readonly");
      box.id ||= `${select.id}-combobox`;
      box.setAttribute("aria-label", name.trim().replace(/\*$/, ""));
      // Its name, then what is chosen.
      box.setAttribute("aria-labelledby", [box.id, chosen?.id].filter(Boolean).join(" "));
    }
  }

  // Where several can be chosen, the box to type in has no name, and the list that
  // select2 makes of the chosen holds more than its items.
  function nameMultiples() {
    for (const box of document.querySelectorAll(".select2-selection--multiple")) {
      const select = box.closest(".select2-container")?.previousElementSibling;
      const label = select?.id && document.querySelector(`label[for="${select.id}"]`);
      const field = box.querySelector(".select2-search__field:not([aria-label])");
      if (label && field) field.setAttribute("aria-label", label.textContent.trim());
      for (const part of box.querySelectorAll("ul:not([role]), li:not([role])")) {
        part.setAttribute("role", "none");
      }
    }
  }

  function nameWidgets() {
    nameComboboxes();
    nameMultiples();
  }

  let opener = null;

  function openedDialog(content) {
    content.setAttribute("role", "dialog");
    content.setAttribute("aria-modal", "true");
    const title = content.querySelector("h1");
    if (title) content.setAttribute("aria-label", title.textContent.trim());
    const close = content.querySelector("#dialog > div.absolute");
    if (close) {
      close.setAttribute("role", "button");
      close.setAttribute("aria-label", say("Close"));
      close.tabIndex = 0;
      close.addEventListener("keydown", (event) => {
        if (event.key === "Enter" || event.key === " ") close.click();
      });
    }
    setTimeout(() => firstToFill(content)?.focus(), 50);
  }

  function firstToFill(content) {
    const form = content.querySelector("#dialog-form");
    const inForm = [...(form?.querySelectorAll(FOCUSABLE) || [])].find(isShown);
    return inForm || content.querySelector("button[type=submit]");
  }

  function keepInside(event, content) {
    const stops = [...content.querySelectorAll(FOCUSABLE)].filter(isShown);
    if (event.key !== "Tab" || stops.length === 0) return;
    const first = stops[0];
    const last = stops[stops.length - 1];
    if (event.shiftKey && document.activeElement === first) {
      event.preventDefault();
      last.focus();
    } else if (!event.shiftKey && document.activeElement === last) {
      event.preventDefault();
      first.focus();
    }
  }

  function watchDialogs() {
    const content = document.getElementById("modal-content");
    const overlay = document.getElementById("modal-overlay");
    if (!content || !overlay) return;
    document.addEventListener("htmx:beforeRequest", (event) => {
      if (event.target.matches("[hx-target='#modal-content']")) opener = event.target;
    });
    document.addEventListener("htmx:afterSettle", (event) => {
      if (content.contains(event.target)) openedDialog(content);
    });
    content.addEventListener("keydown", (event) => keepInside(event, content));
    new MutationObserver(() => {
      if (overlay.style.display === "none" && opener) {
        (opener.closest(".steps-more")?.querySelector("summary") || opener).focus();
        opener = null;
      }
    }).observe(overlay, { attributes: true, attributeFilter: ["style"] });
  }

  // A menu of steps closes as menus do: by Escape, a click elsewhere, or a choice.
  function closeMenus(except) {
    for (const menu of document.querySelectorAll(".steps-more[open]")) {
      if (menu !== except) menu.open = false;
    }
  }

  function watchMenus() {
    document.addEventListener("click", (event) => {
      const menu = event.target.closest(".steps-more");
      closeMenus(event.target.closest(".steps-item") ? null : menu);
    });
    document.addEventListener("keydown", (event) => {
      const menu = event.target.closest?.(".steps-more[open]");
      if (event.key !== "Escape" || !menu) return;
      menu.open = false;
      menu.querySelector("summary").focus();
    });
  }

  document.addEventListener("DOMContentLoaded", () => {
    addSkipLink();
    watchMenus();
    watchDialogs();
    nameWidgets();
    new MutationObserver(nameWidgets).observe(document.body, {
      childList: true,
      subtree: true,
    });
  });
})();
