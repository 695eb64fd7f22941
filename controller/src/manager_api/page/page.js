"use strict";

// Rows beyond these are summed up: nobody reads ten thousand repositories.
const MOST = 50;

const status = document.getElementById("status");
const numbers = document.getElementById("numbers");

function at(summary, path) {
  return path.split(".").reduce((value, name) => value[name], summary);
}

function row(name, count, most) {
  const line = document.createElement("tr");
  const head = document.createElement("th");
  head.scope = "row";
  head.textContent = name === "" ? "(none)" : name;
  const bar = document.createElement("meter");
  bar.max = most;
  bar.value = count;
  bar.setAttribute("aria-hidden", "true");
  head.append(bar);
  const cell = document.createElement("td");
  cell.textContent = count.toLocaleString();
  line.append(head, cell);
  return line;
}

function fill(table, counts) {
  table.tBodies[0]?.remove();
  const body = table.createTBody();
  const all = Object.entries(counts).sort(([, a], [, b]) => b - a);
  const most = all.length > 0 ? all[0][1] : 0;
  for (const [name, count] of all.slice(0, MOST)) {
    body.append(row(name, count, most));
  }
  const rest = all.slice(MOST);
  if (rest.length > 0) {
    const sum = rest.reduce((sum, [, count]) => sum + count, 0);
    body.append(row(`${rest.length} more`, sum, Math.max(most, sum)));
  }
  if (all.length === 0) {
    const cell = body.insertRow().insertCell();
    cell.colSpan = 2;
    cell.textContent = "nothing";
  }
}

function show(summary) {
  for (const place of document.querySelectorAll("[data-of]")) {
    const value = at(summary, place.dataset.of);
    if (place instanceof HTMLTableElement) {
      fill(place, value);
    } else {
      place.textContent = value.toLocaleString();
    }
  }
  numbers.hidden = false;
}

document.getElementById("ask").addEventListener("submit", async (event) => {
  event.preventDefault();
  status.textContent = "Counting…";
  const token = document.getElementById("token").value.trim();
  try {
    const answer = await fetch("v1/analytics/summary", {
      headers: { Authorization: `Bearer ${token}` },
      cache: "no-store",
      credentials: "omit",
    });
    const said = await answer.json();
    if (!answer.ok) {
      throw new Error(said.error);
    }
    show(said);
    status.textContent = `As of ${new Date().toLocaleTimeString()}.`;
    numbers.focus();
  } catch (error) {
    numbers.hidden = true;
    status.textContent = `Not counted: ${error.message}`;
  }
});
