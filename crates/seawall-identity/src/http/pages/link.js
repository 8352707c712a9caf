"use strict";
const token = location.hash.slice(1);
history.replaceState(null, "", location.pathname);
const form = document.querySelector("form");
const said = document.querySelector("output");
if (!token) said.textContent = "This page is opened by the link in a mail. Open that again, whole.";
form.addEventListener("submit", async (event) => {
  event.preventDefault();
  const body = { token };
  for (const field of form.querySelectorAll("input")) body[field.name] = field.value;
  said.textContent = "…";
  try {
    const answer = await fetch(location.pathname, {
      method: "POST",
      headers: { "Content-Type": "application/json" },
      body: JSON.stringify(body),
    });
    if (answer.ok) {
      form.hidden = true;
      said.textContent = form.dataset.done;
    } else {
      const problem = await answer.json();
      said.textContent = problem.detail || problem.title;
    }
  } catch {
    said.textContent = "The server did not answer. Try again in a moment.";
  }
});
