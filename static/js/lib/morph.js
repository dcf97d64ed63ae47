// Makes one element like another without replacing what is alike, so that focus, ticks and open menus stay.

export function morph(from, to) {
  if (from.isEqualNode(to)) return;
  attributes(from, to);
  const [old, fresh] = [[...from.childNodes], [...to.childNodes]];
  fresh.forEach((node, at) => {
    const here = old[at];
    if (!here) from.append(node);
    else if (here.nodeName !== node.nodeName) here.replaceWith(node);
    else if (node.nodeType === Node.ELEMENT_NODE) morph(here, node);
    else if (here.data !== node.data) here.data = node.data;
  });
  for (const extra of old.slice(fresh.length)) extra.remove();
}

function attributes(from, to) {
  for (const { name } of [...from.attributes]) if (!to.hasAttribute(name)) from.removeAttribute(name);
  for (const { name, value } of to.attributes) if (from.getAttribute(name) !== value) from.setAttribute(name, value);
}
