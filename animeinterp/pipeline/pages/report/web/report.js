"use strict";

// Sorting: every table of the class `sortable` gets a button in each head cell.
const cellValue = (row, column) => {
  const cell = row.cells[column];
  return cell.dataset.value ?? cell.textContent.trim();
};

const compare = (numeric, direction) => (a, b) => {
  if (!numeric) return direction * a.localeCompare(b, undefined, { numeric: true });
  const [left, right] = [a, b].map((text) => (text === "inf" ? Infinity : text === "" ? NaN : Number(text)));
  if (Number.isNaN(left) || Number.isNaN(right)) return Number.isNaN(left) - Number.isNaN(right); // last
  return left === right ? 0 : direction * (left < right ? -1 : 1);
};

const sortBy = (table, head, column) => {
  const direction = head.getAttribute("aria-sort") === "ascending" ? -1 : 1;
  for (const other of table.tHead.rows[0].cells) other.removeAttribute("aria-sort");
  head.setAttribute("aria-sort", direction === 1 ? "ascending" : "descending");
  const order = compare(head.classList.contains("number"), direction);
  const body = table.tBodies[0];
  const rows = Array.from(body.rows, (row) => [cellValue(row, column), row]);
  rows.sort(([a], [b]) => order(a, b));
  body.append(...rows.map(([, row]) => row));
};

for (const table of document.querySelectorAll("table.sortable")) {
  Array.from(table.tHead.rows[0].cells).forEach((head, column) => {
    const button = document.createElement("button");
    button.type = "button";
    button.append(...head.childNodes);
    button.addEventListener("click", () => sortBy(table, head, column));
    head.append(button);
  });
}

// A field above a long table leaves only the rows that hold its text.
for (const field of document.querySelectorAll("input[data-filters]")) {
  const rows = Array.from(document.getElementById(field.dataset.filters).tBodies[0].rows);
  const said = document.getElementById(field.getAttribute("aria-describedby"));
  const texts = rows.map((row) => row.textContent.toLowerCase());
  field.closest("label").hidden = false;
  field.addEventListener("input", () => {
    const wanted = field.value.trim().toLowerCase();
    let shown = 0;
    rows.forEach((row, number) => {
      row.hidden = !texts[number].includes(wanted);
      shown += row.hidden ? 0 : 1;
    });
    said.textContent = wanted ? `${shown} of ${rows.length}` : "";
  });
}
