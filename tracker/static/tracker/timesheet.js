"use strict";
// The grid of a timesheet: sums as one types, cells by arrow keys, rows to add.
(() => {
  const sheet = document.querySelector("[data-sheet]");
  if (!sheet) return;
  const body = sheet.querySelector("tbody");
  const template = sheet.querySelector("template[data-row]");
  const add = sheet.querySelector("[data-add-row]");

  const hoursOf = (text) => {
    const clock = text.trim().match(/^(\d{1,3}):([0-5]\d)$/);
    if (clock) return Number(clock[1]) + Number(clock[2]) / 60;
    const plain = text.trim().replace(",", ".");
    return /^\d{1,4}(\.\d{1,2})?$/.test(plain) ? Number(plain) : null;
  };
  const told = (inputs) => {
    const found = inputs.map((input) => hoursOf(input.value)).filter((n) => n !== null);
    if (!found.length) return "";
    const sum = Math.round(found.reduce((a, b) => a + b, 0) * 100) / 100;
    return sum.toLocaleString(document.documentElement.lang, { useGrouping: false });
  };
  const cells = (root) => [...root.querySelectorAll("input[data-day]")];

  const sum = () => {
    for (const row of body.rows) {
      row.querySelector("[data-row-sum]").textContent = told(cells(row));
    }
    for (const place of sheet.querySelectorAll("[data-sum]")) {
      const day = place.dataset.sum;
      const inputs = cells(body).filter((i) => day === "all" || i.dataset.day === day);
      place.textContent = told(inputs);
    }
  };

  const move = (input, rows, columns) => {
    const row = input.closest("tr");
    const across = cells(row);
    const index = across.indexOf(input) + columns;
    const target = rows
      ? cells(body.rows[row.sectionRowIndex + rows] || row)[across.indexOf(input)]
      : across[index];
    if (target) {
      target.focus();
      target.select();
    }
    return Boolean(target);
  };

  body.addEventListener("input", (event) => {
    if (event.target.dataset.day) {
      event.target.removeAttribute("aria-invalid");
      sum();
    }
  });
  body.addEventListener("keydown", (event) => {
    const input = event.target;
    if (!input.dataset || !input.dataset.day || event.altKey || event.ctrlKey || event.metaKey) return;
    const atStart = input.selectionStart === 0;
    const atEnd = input.selectionEnd === input.value.length;
    const steps = {
      ArrowUp: [-1, 0], ArrowDown: [1, 0], Enter: [event.shiftKey ? -1 : 1, 0],
      ArrowLeft: atStart ? [0, -1] : null, ArrowRight: atEnd ? [0, 1] : null,
    };
    const step = steps[event.key];
    if (!step) return;
    // Enter would send the form in the middle of the work.
    if (move(input, ...step) || event.key === "Enter") event.preventDefault();
  });

  add.hidden = false;
  add.addEventListener("click", () => {
    const taken = [...body.querySelectorAll("[name$='-activity']")]
      .map((select) => Number(select.name.split("-")[1]));
    const number = Math.max(-1, ...taken) + 1;
    const row = template.content.firstElementChild.cloneNode(true);
    for (const input of row.querySelectorAll("[name]")) {
      input.name = input.name.replace("row-new-", `row-${number}-`);
    }
    body.append(row);
    row.querySelector("select").focus();
  });
  sum();
})();
