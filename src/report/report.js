"use strict";
// Makes the heading of each column a button that sorts its table.
for (const table of document.querySelectorAll("table")) {
  const [body] = table.tBodies;
  const headings = [...table.tHead.rows[0].cells];
  headings.forEach((heading, column) => {
    const isNumber = heading.classList.contains("number");
    const key = (row) => {
      const cell = row.cells[column];
      return cell.dataset.key === undefined ? cell.textContent : Number(cell.dataset.key);
    };
    const ascending = (a, b) => (typeof a === "number" ? a - b : a.localeCompare(b));
    const button = document.createElement("button");
    button.type = "button";
    button.append(...heading.childNodes);
    heading.append(button);
    button.addEventListener("click", () => {
      // What is greatest is looked for first, of names the first.
      const sorted = heading.getAttribute("aria-sort");
      const isDown = sorted === null ? isNumber : sorted === "ascending";
      for (const other of headings) other.removeAttribute("aria-sort");
      heading.setAttribute("aria-sort", isDown ? "descending" : "ascending");
      const rows = [...body.rows].map((row) => [key(row), row]);
      rows.sort(([a], [b]) => (isDown ? ascending(b, a) : ascending(a, b)));
      body.append(...rows.map(([, row]) => row));
    });
  });
}
