// The published package answers every stream with 500 on Node 20 and later, because it writes into the header fields of an answer that `fetch` gave.
// Answers with fields that can be written to keep it going, so that what it does of its own can be seen.
const original = globalThis.fetch;
globalThis.fetch = async (...call) => {
  const { body, status, statusText, headers } = await original(...call);
  const empty = [101, 204, 205, 304].includes(status);
  return new Response(empty ? null : body, { status, statusText, headers: new Headers(headers) });
};
