"use strict";
// Without this script the page is whole, too: all it adds is the keyboard.
(() => {
  const steps = [...document.querySelectorAll(".step")];
  const links = steps.map((step) => document.querySelector(`nav a[href="#${step.id}"]`));
  let now = -1;
  const choose = (number, scroll) => {
    const next = Math.max(0, Math.min(steps.length - 1, number));
    if (next === now) return;
    for (const each of [steps[now], links[now]]) each?.classList.remove("now");
    now = next;
    for (const each of [steps[now], links[now]]) each?.classList.add("now");
    links[now]?.scrollIntoView({ block: "nearest" });
    if (scroll) {
      const bar = document.querySelector("nav").offsetHeight;
      window.scrollTo({ top: steps[now].getBoundingClientRect().top + window.scrollY - bar - 12 });
    }
  };
  const surprise = (way) => {
    for (let at = now + way; at >= 0 && at < steps.length; at += way) {
      if (steps[at].matches(".odd")) return choose(at, true);
    }
  };
  const keys = {
    ArrowRight: () => choose(now + 1, true), j: () => choose(now + 1, true),
    ArrowLeft: () => choose(now - 1, true), k: () => choose(now - 1, true),
    Home: () => choose(0, true), End: () => choose(steps.length - 1, true),
    n: () => surprise(1), p: () => surprise(-1),
    Enter: () => { const plan = steps[now]?.querySelector("details"); if (plan) plan.open = !plan.open; },
  };
  addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || event.target.closest("summary, a")) return;
    const deed = keys[event.key];
    if (deed) { event.preventDefault(); deed(); }
  });
  const place = () => choose(steps.findIndex((step) => `#${step.id}` === location.hash), false);
  addEventListener("hashchange", place);
  document.addEventListener("click", (event) => {
    const step = event.target.closest(".step");
    if (step) choose(steps.indexOf(step), false);
  });
  place();
})();
