"use strict";
const { bits, tokens, bytes } = JSON.parse(document.getElementById("data").textContent) || { bits: [] };
const bound = document.getElementById("bound");

function share(values, count) {
  let below = 0, all = 0;
  for (let i = 0; i < values.length; i++) {
    all += values[i];
    if (i < count) below += values[i];
  }
  return (100 * below / all).toFixed(1) + "%";
}

function show() {
  const at = Number(bound.value);
  let count = 0;
  while (count < bits.length && bits[count] <= at) count++;
  document.getElementById("at").textContent = at.toFixed(2);
  document.getElementById("keeps").textContent =
    "keeps " + (100 * count / bits.length).toFixed(1) + "% of the documents that are judged, " +
    share(tokens, count) + " of their tokens and " + share(bytes, count) + " of their bytes";
}

if (bound) {
  document.getElementById("try").hidden = false;
  bound.addEventListener("input", show);
  show();
}
