// The body of a function: returns the document's nodes as they are now, and the elements that can be acted on.
// A node is a text, or [tag, attributes, children, hidden, value, checked, clickable, key]; a key counts the elements, -1 where there is none.
const [SKIPPED, READ, MOST_NODES, LONGEST] = arguments;
const ACTED_ON = new Set(["A", "AREA", "BUTTON", "INPUT", "SELECT", "SUMMARY", "TEXTAREA"]);
const UNSEEN = new Set(["HEAD", "NOSCRIPT", "SCRIPT", "STYLE", "TEMPLATE"]);
const skipped = new Set(SKIPPED.length ? document.querySelectorAll(SKIPPED.join(",")) : []);
const found = [];
let left = MOST_NODES;

function isHidden(element, style) {
  if (style.display === "none" || style.visibility !== "visible" || style.opacity === "0") return true;
  if (style.display === "contents" || element.tagName === "OPTION" || element.tagName === "OPTGROUP") return false;
  const box = element.getBoundingClientRect();
  const isClipped = style.overflowX !== "visible" && (box.width <= 1 || box.height <= 1);
  const isOutside = box.right + window.scrollX < 0 || box.bottom + window.scrollY < 0;
  return isClipped || (isOutside && style.position !== "static");
}

function valueOf(element) {
  if (element instanceof HTMLSelectElement)
    return Array.from(element.selectedOptions, (each) => each.textContent).join(", ").slice(0, LONGEST);
  if (element instanceof HTMLInputElement || element instanceof HTMLTextAreaElement)
    return element.value.slice(0, LONGEST);
  return null;
}

function read(element, depth, isPointed) {
  const style = window.getComputedStyle(element);
  const hidden = isHidden(element, style);
  const points = style.cursor === "pointer";
  const clickable = !hidden && ((points && !isPointed) || element.hasAttribute("onclick"));
  const attributes = {};
  for (const name of READ)
    if (element.hasAttribute(name)) attributes[name] = element.getAttribute(name).slice(0, LONGEST);
  const children = [];
  if (!hidden && depth < 200)
    for (const child of element.childNodes) {
      if (left-- <= 0) break;
      if (child.nodeType === Node.TEXT_NODE) children.push(child.data.slice(0, LONGEST));
      else if (child.nodeType === Node.ELEMENT_NODE && !UNSEEN.has(child.tagName) && !skipped.has(child))
        children.push(read(child, depth + 1, points));
    }
  let key = -1;
  if (!hidden && (clickable || ACTED_ON.has(element.tagName) || element.hasAttribute("role"))) key = found.push(element) - 1;
  const checked = element instanceof HTMLInputElement ? element.checked : null;
  return [element.tagName.toLowerCase(), attributes, children, hidden, valueOf(element), checked, clickable, key];
}

const tree = document.body ? read(document.body, 0, false) : ["body", {}, [], false, null, null, false, -1];
return { url: document.location.href, title: document.title.slice(0, LONGEST), tree, elements: found };
