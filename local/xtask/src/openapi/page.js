
"use strict";
// Narrows the calls to those that have all the words, and opens what a link leads to.
const filter = document.getElementById("filter");
const none = document.getElementById("none");
function narrow() {
  const words = filter.value.toLowerCase().split(/\s+/).filter(Boolean);
  let shown = 0;
  for (const group of document.querySelectorAll(".group")) {
    let left = 0;
    for (const call of group.querySelectorAll(".operation")) {
      call.hidden = !words.every((word) => call.dataset.words.includes(word));
      left += call.hidden ? 0 : 1;
    }
    group.hidden = left === 0;
    shown += left;
  }
  none.hidden = shown > 0;
}
function open() {
  const target = document.getElementById(decodeURIComponent(location.hash.slice(1)));
  if (!target) return;
  if (target.closest("[hidden]")) {
    filter.value = "";
    narrow();
  }
  if (target.tagName === "DETAILS") target.open = true;
  target.scrollIntoView();
}
filter.hidden = false;
filter.addEventListener("input", narrow);
addEventListener("hashchange", open);
open();
