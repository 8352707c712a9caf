(() => {
  const wrong = [];
  const expect = (holds, what) => { if (!holds) wrong.push(what); };
  expect(document.documentElement.lang === "en", "no language");
  expect(document.title.trim().length > 3, "no title");
  expect(document.querySelectorAll("h1").length === 1, "not one h1");
  expect(document.querySelectorAll("main").length === 1, "not one main");
  for (const field of document.querySelectorAll("input:not([type=hidden]), select, textarea")) {
    const label = [...(field.labels ?? [])].map((one) => one.innerText.trim()).join("");
    expect(label.length > 0, `no label: ${field.name}`);
    expect(field.type === "checkbox" || field.autocomplete.length > 0, `no autocomplete: ${field.name}`);
  }
  for (const one of document.querySelectorAll("button, a")) expect(one.innerText.trim().length > 0, `no name: ${one.outerHTML}`);
  for (const one of document.querySelectorAll("img")) expect(one.hasAttribute("alt"), `no alt: ${one.src}`);
  const ids = [...document.querySelectorAll("[id]")].map((one) => one.id);
  expect(new Set(ids).size === ids.length, `ids twice: ${ids}`);
  for (const one of document.querySelectorAll("[aria-describedby]")) {
    for (const id of one.getAttribute("aria-describedby").split(" ")) expect(document.getElementById(id), `described by nothing: ${id}`);
  }
  for (const one of document.querySelectorAll("a[href^='#']")) expect(document.querySelector(one.getAttribute("href")), `leads nowhere: ${one.href}`);

  const parts = (colour) => colour.match(/[\d.]+/g).map(Number);
  const luminance = ([r, g, b]) => {
    const linear = (part) => (part /= 255) <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4;
    return 0.2126 * linear(r) + 0.7152 * linear(g) + 0.0722 * linear(b);
  };
  const behind = (one) => {
    for (; one; one = one.parentElement) {
      const colour = parts(getComputedStyle(one).backgroundColor);
      if (colour.length === 3 || colour[3] === 1) return colour;
    }
    return null;
  };
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  let texts = 0;
  while (walker.nextNode()) {
    const one = walker.currentNode.parentElement;
    if (!walker.currentNode.data.trim() || one.closest(".unseen")) continue;
    texts += 1;
    const page = behind(one);
    if (!page) { wrong.push(`no background: ${one.outerHTML}`); continue; }
    const [a, b] = [luminance(parts(getComputedStyle(one).color)), luminance(page)].sort((x, y) => y - x);
    const contrast = (a + 0.05) / (b + 0.05);
    if (contrast < 4.5) wrong.push(`contrast ${contrast.toFixed(2)}: ${one.outerHTML}`);
  }
  expect(texts >= 3, "nothing was looked at");
  return wrong;
})()
