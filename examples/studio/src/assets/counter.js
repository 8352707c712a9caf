// Counts down what is left of a text. The limit is the one that Seawall publishes and enforces; without this file it holds all the same.
const field = document.querySelector("textarea[data-operation]");
const told = document.getElementById("left");

// As the form sends it: line ends are two characters there, and what looks like one sign is one.
const characters = (text) => [...text.replace(/\r\n|\r|\n/g, "\r\n")].length;

const limit = async () => {
  const answer = await fetch("/_seawall/openapi.json");
  if (!answer.ok) return null;
  const api = await answer.json();
  const body = api.paths[field.dataset.operation].post.requestBody.content;
  let schema = body["application/x-www-form-urlencoded"].schema;
  if (schema.$ref) schema = api.components.schemas[schema.$ref.split("/").pop()];
  return schema.properties[field.name].maxLength ?? null;
};

const count = (most) => {
  const left = most - characters(field.value);
  const number = Math.abs(left).toLocaleString("en");
  told.textContent = left < 0 ? `${number} too many` : `${number} left`;
  told.classList.toggle("wrong", left < 0);
  field.setCustomValidity(left < 0 ? `This is ${number} too many.` : "");
};

if (field && told) {
  limit().then((most) => {
    if (most === null) return;
    count(most);
    field.addEventListener("input", () => count(most));
  }).catch(() => {});
}
