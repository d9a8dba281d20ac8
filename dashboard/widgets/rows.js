// Draws the rows as text, never as markup, and tells which are ticked and which one is opened.

function made(kind, look, role) {
  const element = document.createElement(kind);
  element.className = look;
  if (role) element.setAttribute("role", role);
  return element;
}

function head(columns) {
  const row = made("tr", "", "row");
  for (const { title, look, about, share } of [{ title: "", look: "pick" }, { title: "Picture", look: "picture" }, ...columns]) {
    const cell = row.appendChild(made("th", look, "columnheader"));
    cell.textContent = title;
    cell.title = about ?? "";
    if (share) cell.style.width = share + "%";
  }
  row.firstChild.ariaLabel = "Choose";
  return row;
}

function box(row, tell) {
  const cell = made("td", "pick", "cell"), input = cell.appendChild(made("label", "")).appendChild(made("input", ""));
  input.type = "checkbox";
  input.ariaLabel = "Choose " + row.name;
  input.onchange = tell.ticked;
  return cell;
}

function way(row, tell) {
  const link = made(row.href ? "a" : "button", "way");
  if (row.href) link.href = row.href;
  link.onclick = (event) => {
    if (event.ctrlKey || event.metaKey || event.shiftKey) return;
    event.preventDefault();
    tell.opened(row.id);
  };
  return link;
}

function line(columns, row, opens, tell) {
  const element = made("tr", "", "row");
  element.dataset.id = row.id;
  element.append(box(row, tell), made("td", "picture", "cell"));
  for (const { title, look } of columns) {
    const cell = element.appendChild(made("td", look, "cell"));
    if (["figure", "note"].includes(look)) cell.appendChild(made("span", "said")).textContent = title + " ";
    const words = look === "title" && opens ? cell.appendChild(way(row, tell)) : cell;
    words.appendChild(made("bdi", ""));
  }
  return element;
}

function fill(element, row, isCurrent) {
  element.ariaCurrent = isCurrent ? "true" : null;
  element.querySelectorAll("bdi").forEach((words, place) => {
    if (words.textContent !== row.cells[place]) words.textContent = words.title = row.cells[place];
    words.closest("td").classList.toggle("empty", !row.cells[place]);
  });
  const cell = element.querySelector(".picture"), address = cell.querySelector("img")?.getAttribute("src") ?? "";
  if (cell.firstChild && address === row.picture) return;
  const picture = made(row.picture ? "img" : "span", "");
  if (row.picture) [picture.src, picture.alt] = [row.picture, "Thumbnail"];
  cell.replaceChildren(picture);
}

export default function ({ parentElement, data, setStateValue, setTriggerValue }) {
  const [table, top, body] = ["table", "thead", "tbody"].map((name) => parentElement.querySelector(name));
  const { columns = [], rows = [], ticks, pictures, opens, current } = data ?? {};
  const tell = {
    opened: (id) => setTriggerValue("opened", id),
    ticked: () => {
      const all = [...body.children], is = (row) => row.querySelector("input").checked;
      all.forEach((row) => row.classList.toggle("chosen", is(row)));
      setStateValue("chosen", all.filter(is).map((row) => row.dataset.id));
    },
  };
  const ids = rows.map((row) => row.id).join();
  if (body.dataset.ids !== ids) {
    // What is there stays while words and thumbnails change: no box may vanish under a finger.
    body.dataset.ids = ids;
    table.className = [ticks && "ticks", pictures && "pictures"].filter(Boolean).join(" ");
    top.replaceChildren(head(columns));
    body.replaceChildren(...rows.map((row) => line(columns, row, opens, tell)));
  }
  rows.forEach((row, place) => fill(body.children[place], row, row.id === current));
}
