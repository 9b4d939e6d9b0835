"use strict";
// Text reaches the page only through textContent, so nothing in a document or a tokenizer becomes markup.
const data = JSON.parse(document.getElementById("data").textContent);
const card = document.getElementById("card");
const bodies = [...document.querySelectorAll(".text")];
const place = new Map(); // from the element of a token to its document and number
bodies.forEach((body, d) => [...body.children].forEach((element, t) => place.set(element, [d, t])));
let current = null;

const number = (value, digits) => value.toLocaleString("en", { maximumSignificantDigits: digits });

function percent(probability) {
  if (probability === 0) return "0%";
  if (probability < 0.001) return "1 in " + number(1 / probability, 3);
  return number(100 * probability, 3) + "%";
}

function visible(text, bare) {
  return text.replaceAll("\n", "↵").replaceAll("\t", "⇥").replaceAll(" ", "␣") || bare || "(part of a character)";
}

function make(kind, className, text) {
  const element = document.createElement(kind);
  if (className) element.className = className;
  if (text !== undefined) element.textContent = text;
  return element;
}

function bar(name, probability, isThis) {
  const row = make("li", isThis ? "this" : "");
  const fill = make("span", "fill");
  fill.style.width = 100 * probability + "%";
  row.append(fill, make("span", "name", visible(name)), make("span", "", percent(probability)));
  return row;
}

function alternatives(top, own, text, probability) {
  const bars = make("ol", "bars");
  for (let i = 0; i < top.length; i += 2) bars.append(bar(data.names[top[i]], top[i + 1], i / 2 === own));
  if (own === null) bars.append(make("li", "gap", "⋮"), bar(text, probability, true));
  return bars;
}

function figures(bits, entropy, rank, match, backoff) {
  const probability = bits === "Infinity" ? 0 : 2 ** -bits;
  const rows = [["probability", percent(probability)], ["surprisal", bits === "Infinity" ? "infinite" : bits.toFixed(2) + " bits"]];
  if (rank !== null) rows.push(["rank", number(rank, 9) + (data.vocabulary === null ? "" : " of " + number(data.vocabulary, 9))]);
  if (entropy !== null) rows.push(["entropy", entropy.toFixed(2) + " bits"]);
  if (match) rows.push(["longest match", match + "-gram"], ["by backing off", backoff.toFixed(2) + " bits"]);
  const list = make("dl");
  for (const [name, value] of rows) list.append(make("dt", "", name), make("dd", "", value));
  return [list, probability];
}

function show(element) {
  const [d, t] = place.get(element);
  const { bits, entropy, rank, top, own, bare, match = [], backoff = [] } = data.documents[d];
  const text = element.textContent;
  card.replaceChildren(make("p", "token", visible(text, bare[t])));
  card.append(make("p", "plain", "token " + number(t + 1, 9) + " of " + number(bits.length, 9)));
  if (element.classList.contains("x")) card.append(make("p", "hint", "The tokenizer has no token for this text; the figures are those of its unknown token."));
  if (bits[t] === null) {
    card.append(make("p", "hint", "This token is not scored under this protocol."));
    return;
  }
  const [list, probability] = figures(bits[t], entropy[t], rank[t], match[t], backoff[t]);
  card.append(list);
  if (top[t].length) card.append(make("h3", "", "what the model expected here"), alternatives(top[t], own[t], text || bare[t] || "", probability));
}

function choose(element) {
  if (!element || !place.has(element)) return;
  if (current) current.classList.remove("on");
  current = element;
  current.classList.add("on");
  show(current);
}

// The nearest token in the line above or below.
function vertical(element, direction) {
  const { left, top } = element.getBoundingClientRect();
  let next = element, best = null, line = null;
  while ((next = direction > 0 ? next.nextElementSibling : next.previousElementSibling)) {
    const box = next.getBoundingClientRect();
    if (Math.abs(box.top - top) < 4) continue;
    if (line === null) line = box.top;
    if (Math.abs(box.top - line) > 4) break;
    if (!best || Math.abs(box.left - left) < Math.abs(best.getBoundingClientRect().left - left)) best = next;
  }
  return best;
}

const moves = {
  ArrowRight: (element) => element.nextElementSibling,
  ArrowLeft: (element) => element.previousElementSibling,
  ArrowDown: (element) => vertical(element, 1),
  ArrowUp: (element) => vertical(element, -1),
  Home: (element) => element.parentElement.firstElementChild,
  End: (element) => element.parentElement.lastElementChild,
};

for (const body of bodies) {
  body.addEventListener("pointerover", (event) => choose(event.target.closest("i")));
  body.addEventListener("focus", () => choose(current && current.parentElement === body ? current : body.firstElementChild));
  body.addEventListener("keydown", (event) => {
    if (!(event.key in moves) || !current || event.ctrlKey || event.metaKey || event.altKey) return;
    event.preventDefault();
    choose(moves[event.key](current));
    current.scrollIntoView({ block: "nearest" });
  });
}

// #d0t12 selects token 12 of document 0, so that a link can point to a token.
const named = /^#d(\d+)t(\d+)$/.exec(location.hash);
if (named && bodies[named[1]]) choose(bodies[named[1]].children[named[2]]);
