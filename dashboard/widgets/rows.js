// Draws the rows as text, never as markup, and tells which are ticked and which one is opened.

function made(kind, look, role) {
  const element = document.createElement(kind);
  element.className = look;
  if (role) element.setAttribute("role", role);
  return element;
}

function head(columns) {
  const row = made("tr", "", "row");
  for (const { title, look, about } of [{ title: "", look: "pick" }, { title: "Picture", look: "picture" }, ...columns]) {
    const cell = row.appendChild(made("th", look, "columnheader"));
    cell.textContent = title;
    cell.title = about ?? "";
  }
  row.firstChild.ariaLabel = "Choose";
  return row;
}

function box(row, tell) {
  const cell = made("td", "pick", "cell"), label = cell.appendChild(made("label", ""));
  const input = label.appendChild(made("input", ""));
  input.type = "checkbox";
  input.ariaLabel = "Choose " + row.name;
  input.onchange = tell.ticked;
  return cell;
}

function words(column, text) {
  const cell = made("td", column.look, "cell");
  if (column.look === "figure") cell.appendChild(made("span", "said")).textContent = column.title + " ";
  const shown = cell.appendChild(made("bdi", ""));
  shown.textContent = text;
  shown.title = text;
  return cell;
}

function link(cell, row, tell) {
  const way = made("a", "");
  way.href = row.href;
  way.append(...cell.childNodes);
  way.onclick = (event) => {
    if (event.ctrlKey || event.metaKey || event.shiftKey) return;
    event.preventDefault();
    tell.opened(row.id);
  };
  cell.append(way);
}

function line(columns, row, tell) {
  const element = made("tr", "", "row");
  element.dataset.id = row.id;
  element.append(box(row, tell), made("td", "picture", "cell"));
  columns.forEach((column, place) => {
    const cell = element.appendChild(words(column, row.cells[place]));
    if (column.look === "title") link(cell, row, tell);
  });
  return element;
}

function illustrate(element, row) {
  const cell = element.querySelector(".picture"), address = cell.querySelector("img")?.getAttribute("src") ?? "";
  if (cell.firstChild && address === row.picture) return;
  const picture = made(row.picture ? "img" : "span", "");
  if (row.picture) [picture.src, picture.alt] = [row.picture, "Thumbnail"];
  cell.replaceChildren(picture);
}

export default function ({ parentElement, data, setStateValue, setTriggerValue }) {
  const [top, body] = ["thead", "tbody"].map((name) => parentElement.querySelector(name));
  const tell = {
    opened: (id) => setTriggerValue("opened", id),
    ticked: () => {
      const all = [...body.children], is = (row) => row.querySelector("input").checked;
      all.forEach((row) => row.classList.toggle("chosen", is(row)));
      setStateValue("chosen", all.filter(is).map((row) => Number(row.dataset.id)));
    },
  };
  const { columns = [], rows = [] } = data ?? {};
  const ids = rows.map((row) => row.id).join();
  if (body.dataset.ids !== ids) {
    // What is there stays while thumbnails come: no box may vanish under a finger.
    body.dataset.ids = ids;
    top.replaceChildren(head(columns));
    body.replaceChildren(...rows.map((row) => line(columns, row, tell)));
  }
  rows.forEach((row, place) => illustrate(body.children[place], row));
}
