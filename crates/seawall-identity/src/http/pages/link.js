"use strict";
// A link in a mail has its token behind the "#", which no browser sends. It goes into its field, and out of the address.
const field = document.querySelector("input[name=token]");
const token = location.hash.slice(1);
if (field && token) {
  field.value = token;
  history.replaceState(null, "", location.pathname);
}
