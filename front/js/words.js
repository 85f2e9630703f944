// The sentences that scripts say. The server writes them, translated, into #words (templates/parts/words.html).
export function word(name, n) {
  const text = document.getElementById("words")?.dataset[name] ?? "";
  return n === undefined ? text : text.replace("{n}", n);
}
