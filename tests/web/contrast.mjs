// WCAG 2.1, 1.4.3: the contrast of every piece of text that can be seen, reckoned in the page from what the browser drew with.

/* c8 ignore next */
export function poorContrast() {
  const canvas = document.createElement("canvas").getContext("2d", { willReadFrequently: true });
  const rgba = (css) => { canvas.clearRect(0, 0, 1, 1); canvas.fillStyle = css; canvas.fillRect(0, 0, 1, 1); const [r, g, b, a] = canvas.getImageData(0, 0, 1, 1).data; return [r, g, b, a / 255]; };
  const over = (top, under) => top.slice(0, 3).map((c, i) => c * top[3] + under[i] * (1 - top[3]));
  const luminance = (rgb) => { const [r, g, b] = rgb.map((c) => { c /= 255; return c <= 0.03928 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4; }); return 0.2126 * r + 0.7152 * g + 0.0722 * b; };
  const ground = (node) => {
    const layers = [];
    for (let n = node; n; n = n.parentElement) { const c = rgba(getComputedStyle(n).backgroundColor); layers.push(c); if (c[3] === 1) break; }
    return layers.reduceRight((under, top) => over(top, under), [255, 255, 255]);
  };
  const texts = new Map(), walk = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  for (let t = walk.nextNode(); t; t = walk.nextNode()) if (t.data.trim() && t.parentElement.checkVisibility({ visibilityProperty: true, opacityProperty: true })) texts.set(t.parentElement, t.data.trim());
  for (const e of document.querySelectorAll("input, select, textarea")) if (e.checkVisibility()) texts.set(e, e.value || e.placeholder);
  const poor = [];
  for (const [element, text] of texts) {
    const style = getComputedStyle(element), box = element.getBoundingClientRect();
    if (box.width < 1 || box.right < 0) continue;
    const below = ground(element), front = over(rgba(style.color), below), a = luminance(front), b = luminance(below);
    const ratio = (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05), size = parseFloat(style.fontSize), large = size >= 24 || (size >= 18.66 && Number(style.fontWeight) >= 700);
    if (ratio < (large ? 3 : 4.5)) poor.push(`${ratio.toFixed(2)}: "${text.slice(0, 30)}" ${element.tagName.toLowerCase()}.${element.className} ${style.color} on ${below.map(Math.round)}`);
  }
  return { checked: texts.size, poor };
}
